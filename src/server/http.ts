// The API server's port: HTTPS, HTTP/2 and HTTP/1.1, client certificates.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { User } from '../admission/chain.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ObjectOf } from '../api/kind.ts'
import { measuredKinds, type PodMetrics } from '../api/metrics/resource-metrics.ts'
import { PodExplanation } from '../api/polypod/pod-explanation.ts'
import { unauthorized } from '../api/status.ts'
import type { Clock } from '../lib/clock.ts'
import { refuseUpgrade, type UpgradeRequest } from '../lib/upgrade.ts'
import type { ApiServer } from './api-server.ts'
import { userOf } from './auth.ts'
import type { HttpRequest, HttpResponse, HttpWorld } from './call.ts'
import { dispatch, dispatchUpgrade, failureOf, splitUrl } from './dispatch.ts'
import type { Descriptions } from './descriptions.ts'
import { makeDocuments } from './documents.ts'
import type { Explainer } from './explanations.ts'
import type { Observed } from './observed.ts'
import { kubeletOf } from './kubelet-calls.ts'
import { kubeletStats } from './kubelet-stats.ts'
import { requestCounter } from './metrics.ts'
import { ofPods } from './resource-metrics.ts'
import { jsonBytes } from './respond.ts'
import { usageSamples } from './usage-samples.ts'

/** PEM texts. */
export interface TlsMaterial {
  key: string
  cert: string
  ca: string
}

export interface HttpServerOptions {
  api: ApiServer
  /** `ca` signs the client certificates that are let in: CN is the user, O the groups. */
  tls: TlsMaterial
  /** 0: any free one. */
  port: number
  /** Default 127.0.0.1. */
  host?: string | undefined
  clock: Clock
  /** What the API server shows to kubelets, and the CA it holds them to. `host`: where they are reached instead of their InternalIP. */
  kubelet: { clientTls: TlsMaterial; host?: string | undefined }
  /** Answers podexplanations; without it they are not served. */
  explainer?: Explainer | undefined
  /** Components of this process that can be looked at through the server; read when asked for. */
  observed?: Observed | undefined
  /** Texts of the OpenAPI documents; default those that were built beside this code. */
  descriptions?: (() => Descriptions) | undefined
  /** Hears of everything unexpected, once, with its cause. Default: standard error. */
  log?: ((message: string, error: unknown) => void) | undefined
}

export interface HttpServer {
  port: number
  /** `https://127.0.0.1:6443` */
  url: string
  /** What these Pods use now, as metrics.k8s.io tells it; Pods of kubelets that are silent are left out. */
  podMetrics(pods: readonly Pod[]): Promise<ObjectOf<typeof PodMetrics>[]>
  /** Ends watches and connections. */
  close(): Promise<void>
}

/** Serves when it resolves. Rejects with the system's error (EADDRINUSE) when the port is not to be had. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { api, clock, port, host = '127.0.0.1', log = console.error } = options
  const { explainer } = options
  const kinds = [...api.kinds, ...measuredKinds, ...(explainer ? [PodExplanation] : [])]
  const documents = makeDocuments(kinds, options.descriptions)
  const { kubelet, observed = {} } = options
  const stats = kubeletStats((node) => kubeletOf({ api, kubelet }, node))
  const usage = usageSamples(clock, (node) => stats.summary(node))
  const requests = requestCounter()
  const world: HttpWorld = { api, clock, kinds, documents, explainer, kubelet, observed, usage, requests, log }
  const server = createSecureServer({
    ...options.tls,
    ...{ requestCert: true, rejectUnauthorized: false, allowHTTP1: true },
    // thousands of watches may share a connection; what each has in flight is bounded in watch-stream.ts
    ...{ maxSessionMemory: 512, settings: { maxConcurrentStreams: 1000 } },
  })
  const users = userCache()
  server.on('request', (request: HttpRequest, response: HttpResponse) => {
    request.on('error', ignore)
    response.on('error', ignore)
    void dispatch(world, { request, response, user: users(request) })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void upgrade(world, { request, socket, head }, userOf(request.socket as TLSSocket))
  })
  const sockets = track(server)
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    url: `https://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    podMetrics: (pods) => ofPods({ world }, pods) as Promise<ObjectOf<typeof PodMetrics>[]>,
    async close() {
      stats.close()
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening || sockets.size > 0) await once(server, 'close')
    },
  }
}

const ignore = () => undefined

function track(server: Http2SecureServer): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** A connection's certificate is read once, not with every request on it. */
function userCache(): (request: HttpRequest) => User | undefined {
  const known = new WeakMap<object, { user: User | undefined }>()
  return (request) => {
    const session = 'stream' in request ? request.stream.session : undefined
    const socket = (session?.socket ?? request.socket) as TLSSocket
    const key = session ?? socket
    const entry = known.get(key) ?? { user: userOf(socket) }
    known.set(key, entry)
    return entry.user
  }
}

async function upgrade(world: HttpWorld, request: UpgradeRequest, user: User | undefined): Promise<void> {
  request.socket.on('error', ignore)
  try {
    if (!user) throw unauthorized()
    await dispatchUpgrade(world, request, splitUrl(request.request.url))
  } catch (error) {
    const status = failureOf(world, error, `${request.request.method} ${request.request.url}`)
    refuseUpgrade(request.socket, { code: status.code, type: 'application/json', text: jsonBytes(status).toString() })
  }
}
