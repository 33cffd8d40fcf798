// The kubelet's own HTTPS server: container logs, exec, attach and port-forward, on upstream's paths.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type Clock, systemClock } from '../lib/clock.ts'
import { refuseUpgrade, type UpgradeRequest } from '../lib/upgrade.ts'
import type { Runtime } from './cri/runtime.ts'
import { serveContainerLog } from './kubelet-log.ts'
import type { StatsSummary } from './stats-summary.ts'
import type { NodeTrace, TraceOptions } from './trace/node-trace.ts'
import { tunnelCommand } from './streaming/exec-tunnel.ts'
import { tunnelPortForward } from './streaming/port-forward-tunnel.ts'
import { commandStreams } from './streaming/remote-command.ts'

export interface ServedContainer {
  /** Absent until the container has been created; the newest one then. */
  current?: { id: string; logPath: string } | undefined
  /** The one before it, for `logs --previous`. */
  previous?: { id: string; logPath: string } | undefined
  /** Why there is none yet, such as `ContainerCreating`. */
  waitingReason?: string | undefined
  tty: boolean
}

export interface ServedPod {
  sandboxId: string
  /** By name; init and ephemeral containers too. */
  containers: Record<string, ServedContainer>
  runtime: Pick<Runtime, 'exec' | 'attach' | 'portForward' | 'containerStatus'>
}

/** Who presented the client certificate. */
export interface Peer {
  name: string
  groups: string[]
}

export interface KubeletServerOptions {
  tls: { key: string; cert: string /** Signs the client certificates that are accepted. */; ca: string }
  listen?: { host?: string; port?: number } | undefined
  /** A pod of any node this server stands for. */
  find(namespace: string, pod: string): Promise<ServedPod | undefined>
  /** What a node this server stands for uses; without a name the only one. Undefined: it is none of them. */
  stats?: ((node: string | undefined) => Promise<StatsSummary | undefined>) | undefined
  /** What really runs a Pod of any node this server stands for; undefined: it has no such Pod. */
  trace?: ((namespace: string, pod: string, options: TraceOptions) => Promise<NodeTrace | undefined>) | undefined
  /** A certificate alone is not enough: every user of the cluster has one of the same CA. */
  mayCall(peer: Peer): boolean
  clock?: Clock | undefined
}

export interface KubeletServer {
  port: number
  close(): Promise<void>
}

/** A plain answer; the API server passes its text on. */
export interface Refusal {
  code: number
  text: string
  /** Default text/plain. */
  type?: string
}

export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const clock = options.clock ?? systemClock
  const stop = new AbortController()
  const upgraded = new Set<Duplex>()
  // an unsuitable client shall read why, instead of a broken handshake
  const server = createServer({ ...options.tls, requestCert: true, rejectUnauthorized: false })
  server.on('request', (request, response) => void serveRequest(options, { request, response, clock, signal: stop.signal }))
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => upgraded.delete(socket))
    void serveUpgrade(options, { request, socket, head })
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.listen(options.listen?.port ?? 0, options.listen?.host ?? '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      stop.abort()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await closed
    },
  }
}

function refusalOfPeer(options: KubeletServerOptions, { socket }: IncomingMessage): Refusal | undefined {
  const tls = socket as TLSSocket
  if (!tls.authorized) return { code: 401, text: 'Unauthorized' }
  // CN and O may be absent or several, which the types do not admit
  const subject = (tls.getPeerCertificate() as { subject?: { CN?: string | string[]; O?: string | string[] } }).subject
  const name = [subject?.CN ?? []].flat()[0] ?? ''
  if (options.mayCall({ name, groups: [subject?.O ?? []].flat() })) return undefined
  return { code: 403, text: `Forbidden (user=${name}, resource=nodes, subresource=proxy)` }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  clock: Clock
  signal: AbortSignal
}

async function serveRequest(options: KubeletServerOptions, exchange: Exchange): Promise<void> {
  const { request, response } = exchange
  const refusal = await answer(options, exchange).catch(internalError)
  if (!refusal) return
  if (response.headersSent) response.destroy()
  else response.writeHead(refusal.code, { 'content-type': refusal.type ?? 'text/plain; charset=utf-8' }).end(refusal.text)
  request.resume()
}

async function answer(options: KubeletServerOptions, exchange: Exchange): Promise<Refusal | undefined> {
  const refused = refusalOfPeer(options, exchange.request)
  if (refused) return refused
  const { verb, rest, query } = route(exchange.request)
  if (verb === 'healthz') return { code: 200, text: 'ok' }
  if (verb === 'stats' && rest[0] === 'summary') return summaries(options, query.getAll('node'))
  if (verb === 'trace' && rest.length === 2) return traceOf(options, rest, query)
  if (verb === 'containerLogs' && rest.length === 3) {
    const found = await container(options, rest)
    if ('code' in found) return found
    return serveContainerLog(found, { ...exchange, query, name: rest[2] ?? '', pod: rest[1] ?? '' })
  }
  if (verb === 'exec' || verb === 'attach' || verb === 'portForward') return { code: 400, text: 'Upgrade request required' }
  return { code: 404, text: '404 page not found' }
}

const json = (value: unknown): Refusal => ({ code: 200, text: JSON.stringify(value), type: 'application/json' })

/** Not upstream's: GET /trace/NAMESPACE/POD[?exec=0]. */
async function traceOf(
  { trace }: KubeletServerOptions,
  [namespace = '', pod = '']: string[],
  query: URLSearchParams,
): Promise<Refusal> {
  const found = await trace?.(namespace, pod, { noExec: query.get('exec') === '0' })
  return found ? json(found) : noSuchPod
}

/** Of one node as upstream; of several, for a server that stands for them: `{ nodes: [...] }`, null for one that cannot be asked. */
async function summaries({ stats }: KubeletServerOptions, names: readonly string[]): Promise<Refusal> {
  const orNull = async (name: string) => (await stats?.(name).catch(() => null)) ?? null
  if (names.length > 1) return json({ nodes: await Promise.all(names.map(orNull)) })
  const summary = await stats?.(names[0])
  return summary ? json(summary) : { code: 404, text: 'no such node' }
}

async function serveUpgrade(options: KubeletServerOptions, upgrade: UpgradeRequest): Promise<void> {
  const refusal = await startStream(options, upgrade).catch(internalError)
  if (refusal) refuseUpgrade(upgrade.socket, refusal)
}

async function startStream(options: KubeletServerOptions, upgrade: UpgradeRequest): Promise<Refusal | undefined> {
  const refused = refusalOfPeer(options, upgrade.request)
  if (refused) return refused
  const { verb, rest, query } = route(upgrade.request)
  const [namespace = '', name = ''] = rest
  if (verb === 'portForward' && rest.length >= 2) {
    const pod = await options.find(namespace, name)
    if (!pod) return noSuchPod
    const ports = query.getAll('port').map(Number).filter(Number.isInteger)
    await tunnelPortForward(upgrade, new URL(await pod.runtime.portForward(pod.sandboxId, ports)), ports)
    return undefined
  }
  if ((verb !== 'exec' && verb !== 'attach') || rest.length < 3) return { code: 404, text: '404 page not found' }
  const streams = commandStreams(query)
  if (!streams) return { code: 400, text: 'you must specify at least 1 of stdin, stdout, stderr' }
  const found = await container(options, rest)
  if ('code' in found) return found
  const { runtime, current, tty } = found
  if (!current) return noSuchContainer(rest.at(-1) ?? '')
  // k8s: attach takes the terminal from the container, which was started with or without one
  const asked = verb === 'attach' ? { ...streams, tty, stderr: streams.stderr && !tty } : streams
  const request = { containerId: current.id, ...asked }
  const url =
    verb === 'exec' ? await runtime.exec({ ...request, command: query.getAll('command') }) : await runtime.attach(request)
  await tunnelCommand(upgrade, new URL(url), asked)
  return undefined
}

/** `/verb/a/b/c?query`; upstream also takes a pod UID before the container's name. */
function route({ url }: IncomingMessage): { verb: string; rest: string[]; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url ?? '/', 'https://kubelet')
  const [verb = '', ...rest] = pathname.split('/').slice(1).map(decodeURIComponent)
  return { verb, rest, query: searchParams }
}

const noSuchPod: Refusal = { code: 404, text: 'pod does not exist' }
const noSuchContainer = (name: string): Refusal => ({ code: 500, text: `container not found ("${name}")` })

export type FoundContainer = ServedContainer & Pick<ServedPod, 'runtime'>

async function container(options: KubeletServerOptions, path: string[]): Promise<FoundContainer | Refusal> {
  const [namespace = '', podName = ''] = path
  const name = path.at(-1) ?? ''
  const pod = await options.find(namespace, podName)
  if (!pod) return noSuchPod
  const found = Object.hasOwn(pod.containers, name) ? pod.containers[name] : undefined
  return found ? { ...found, runtime: pod.runtime } : noSuchContainer(name)
}

const internalError = (error: unknown): Refusal => ({ code: 500, text: error instanceof Error ? error.message : String(error) })
