// HTTP requests and TCP connections to a container, as its probes and hooks declare them.
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import type { Container } from '../api/core/container.ts'
import type { HttpGetAction } from '../api/core/probe.ts'
import type { IntOrString } from '../api/schema.ts'

export interface NetworkTarget {
  container: Container
  podIP: string
}

export interface HttpOptions {
  timeoutMs: number
  /** User-Agent, unless the action sets one. */
  agent: string
}

/** What came back, or why nothing did, in the words Go's HTTP client has for it. */
export type HttpAnswer = { statusCode: number; body: string } | { error: string }

/** By number, or by the name of one of the container's ports. Throws an Error when there is none. */
export function portOf(container: Container, port: IntOrString): number {
  const named = typeof port === 'string' ? container.ports?.find(({ name }) => name === port)?.containerPort : undefined
  const number = named ?? Number(port)
  if (!Number.isInteger(number)) throw new Error(`couldn't find port: ${JSON.stringify(port)}`)
  if (number < 1 || number > 65_535) throw new Error(`invalid port number: ${number}`)
  return number
}

const maxBodyBytes = 10 * 1024
const maxRedirects = 10

/** Never rejects, but for a port that is not there. Certificates are not checked, redirects followed on the same host only. */
export async function httpGet(target: NetworkTarget, action: HttpGetAction, options: HttpOptions): Promise<HttpAnswer> {
  const host = action.host || target.podIP
  const port = portOf(target.container, action.port)
  const scheme = (action.scheme ?? 'HTTP').toLowerCase()
  const path = action.path ?? '/'
  const base = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const signal = AbortSignal.timeout(options.timeoutMs)
  const headers = headersOf(action, options.agent)
  let url: URL
  try {
    url = new URL(path.startsWith('/') ? path : `/${path}`, base)
  } catch (error) {
    return { error: (error as Error).message }
  }
  const first = url.href
  try {
    for (let redirects = 0; ; redirects++) {
      const { response, body } = await get(url, headers, signal)
      const { statusCode = 0 } = response
      const next = redirectOf(response, url)
      // k8s: another host is not asked: that it is named counts as an answer
      if (!next || next.hostname !== url.hostname) return { statusCode, body }
      if (redirects >= maxRedirects) return { error: `Get ${JSON.stringify(first)}: stopped after ${maxRedirects} redirects` }
      url = next
    }
  } catch (error) {
    return { error: `Get ${JSON.stringify(url.href)}: ${whyNot(error as NodeJS.ErrnoException, signal)}` }
  }
}

/** k8s: User-Agent and Accept are set unless the action sets them, even to nothing; Host comes from the action only. */
function headersOf({ httpHeaders = [] }: HttpGetAction, agent: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined || key === 'host' ? value : [before, value].flat()
  }
  headers['user-agent'] ??= agent
  headers['accept'] ??= '*/*'
  headers['connection'] = 'close'
  for (const name of ['user-agent', 'accept']) if (headers[name] === '') delete headers[name]
  return headers
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined
  try {
    const next = new URL(headers.location, from)
    return ['http:', 'https:'].includes(next.protocol) ? next : undefined
  } catch {
    return undefined
  }
}

function get(
  url: URL,
  headers: Record<string, string | string[]>,
  signal: AbortSignal,
): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { headers, signal, agent: false as const }
    const request =
      url.protocol === 'https:' ? requestHttps(url, { ...options, rejectUnauthorized: false }) : requestHttp(url, options)
    request.on('error', reject)
    request.on('response', (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      const done = () => resolve({ response, body: Buffer.concat(parts).subarray(0, maxBodyBytes).toString('utf8') })
      response.on('data', (part: Buffer) => {
        parts.push(part)
        bytes += part.length
        // k8s: the rest of a long answer is not read, and counts for nothing
        if (bytes < maxBodyBytes) return
        done()
        response.destroy()
      })
      response.on('end', done)
      response.on('error', reject)
    })
    request.end()
  })
}

function whyNot(error: NodeJS.ErrnoException & { address?: string; port?: number }, signal: AbortSignal): string {
  if (signal.aborted) return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  return dialError(error)
}

const goErrors: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ECONNRESET: 'read: connection reset by peer',
}

function dialError({ code = '', address, port, message }: NodeJS.ErrnoException & { address?: string; port?: number }): string {
  if (code === 'ECONNRESET' && /hang up/.test(message)) return 'EOF'
  const known = goErrors[code]
  if (!known) return message
  const at = address === undefined ? '' : ` ${address.includes(':') ? `[${address}]` : address}:${port}`
  return known.startsWith('connect') ? `dial tcp${at}: ${known}` : known
}

/** undefined when the connection was made (and closed again); else why not. */
export function tcpConnect(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (why: string | undefined) => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end(`dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}: i/o timeout`))
    socket.once('error', (error) => end(dialError(error)))
  })
}
