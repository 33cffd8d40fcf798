// From the API server to a kubelet: exec, attach and port-forward as tunnels, logs as plain text.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import type { Writable } from 'node:stream'
import { pickHeaders, refuseUpgrade, tunnelUpgrade, type UpgradeRequest } from '../lib/upgrade.ts'

/** A kubelet's server and a path on it; `key` and `cert` are the API server's client certificate, `ca` the cluster's. */
export type KubeletTarget = RequestOptions & { host: string; port: number; path: string }

export interface ContainerRef {
  namespace: string
  pod: string
  container: string
}

/** The kubelet's path for the query of `.../pods/{name}/exec` or `/attach`, whose words differ on the two sides. */
export function commandPath(
  verb: 'exec' | 'attach',
  { namespace, pod, container }: ContainerRef,
  query: URLSearchParams,
): string {
  const words = new URLSearchParams()
  for (const [ours, theirs] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const)
    if (['true', '1'].includes(query.get(ours) ?? '')) words.append(theirs, '1')
  for (const word of query.getAll('command')) words.append('command', word)
  return `${pathOf(verb, namespace, pod, container)}?${words.toString()}`
}

export function portForwardPath(namespace: string, pod: string, query: URLSearchParams): string {
  const words = new URLSearchParams()
  for (const port of query.getAll('ports').flatMap((list) => list.split(','))) words.append('port', port)
  return `${pathOf('portForward', namespace, pod)}?${words.toString()}`
}

/** PodLogOptions words are the same on both sides; `container` goes into the path. */
export function logPath({ namespace, pod, container }: ContainerRef, query: URLSearchParams): string {
  const words = new URLSearchParams(query)
  words.delete('container')
  return `${pathOf('containerLogs', namespace, pod, container)}?${words.toString()}`
}

const pathOf = (...parts: string[]): string => parts.map((part) => `/${encodeURIComponent(part)}`).join('')

// the client's credentials stay here: the kubelet knows the API server only
const passedOn = /^(connection|upgrade|user-agent|content-length|x-stream-protocol-version|sec-websocket-.*)$/

/**
 * Tunnels an upgrade to the kubelet, byte for byte; its refusals are passed on as they are. When the kubelet cannot be
 * reached the client gets a Status of 500. Call it after authorization. Never rejects.
 */
export async function proxyUpgrade(upgrade: UpgradeRequest, target: KubeletTarget): Promise<void> {
  try {
    await tunnelUpgrade(upgrade, { ...target, protocol: 'https:' }, pickHeaders(upgrade.request, passedOn))
  } catch (error) {
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `error dialing backend: ${messageOf(error)}`,
      code: 500,
    }
    refuseUpgrade(upgrade.socket, { code: 500, type: 'application/json', text: `${JSON.stringify(status)}\n` })
  }
}

/** A response of HTTP/1.1 or HTTP/2. */
export type TextResponse = Writable & {
  writeHead(code: number, headers: OutgoingHttpHeaders): unknown
  flushHeaders(): void
}

/** What the kubelet said instead of a text; `code` 502 when it could not be reached. */
export interface TextRefusal {
  code: number
  text: string
}

/**
 * Streams a GET from the kubelet into `response`, with back-pressure, until either side ends. Returns a refusal with nothing
 * written to `response`. A connection that breaks midway destroys the response, as a half log must not look whole.
 */
export async function proxyText(target: KubeletTarget, response: TextResponse): Promise<TextRefusal | undefined> {
  const answer = await openText(target, response)
  if ('text' in answer) return answer
  const code = answer.statusCode ?? 502
  if (code !== 200) return { code, text: await text(answer) }
  response.writeHead(200, { 'content-type': answer.headers['content-type'] ?? 'text/plain; charset=utf-8' })
  response.flushHeaders()
  await pipeline(answer, response).catch(() => undefined)
  return undefined
}

function openText(target: KubeletTarget, response: TextResponse) {
  return new Promise<IncomingMessage | TextRefusal>((resolve) => {
    const request = https.get({ ...target, agent: false }, resolve)
    response.once('close', () => request.destroy())
    request.on('error', (error) => resolve({ code: 502, text: `error dialing backend: ${messageOf(error)}` }))
  })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
