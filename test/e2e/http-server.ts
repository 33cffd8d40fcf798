// A real API server on a port of its own, over a store in memory, with certificates; and ways to call it.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { defaultPlugins } from '../../src/admission/default-plugins.ts'
import { Namespace } from '../../src/api/core/namespace.ts'
import { ServiceAccount } from '../../src/api/core/service-account.ts'
import type { Client } from '../../src/client/client.ts'
import { type Certificates, openCertificates } from '../../src/cluster/certs.ts'
import { writeKubeconfig } from '../../src/cluster/kubeconfig.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { openScope } from '../../src/lib/scope.ts'
import type { ApiServer } from '../../src/server/api-server.ts'
import { type HttpServer, startHttpServer } from '../../src/server/http.ts'
import type { Descriptions } from '../../src/server/descriptions.ts'
import { openApiServer } from '../../src/server/open-server.ts'
import type { Plugin } from '../../src/admission/chain.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'

export interface TestServer extends AsyncDisposable {
  api: ApiServer
  http: HttpServer
  certificates: Certificates
  kubeconfig: string
  /** Of its own; removed at the end. */
  folder: string
  /** What was unexpected. */
  logged: string[]
  close(): Promise<void>
}

/** `store` is closed with the server; `wrap` may put something between HTTP and the ApiServer. */
export async function startTestServer(
  options: {
    plugins?: readonly Plugin[]
    clock?: Clock
    wrap?: (api: ApiServer) => ApiServer
    descriptions?: () => Descriptions
    store?: Store
  } = {},
): Promise<TestServer> {
  const scope = openScope()
  const { plugins = defaultPlugins, clock = systemClock, wrap = (server: ApiServer) => server } = options
  const folder = await mkdtemp(join(tmpdir(), 'http-'))
  scope.own({ close: () => rm(folder, { recursive: true, force: true }) })
  const certificates = await openCertificates({ dir: join(folder, 'pki'), clock: systemClock })
  const api = scope.own(await openApiServer({ store: scope.own(options.store ?? memoryStore()), plugins, clock }))
  const logged: string[] = []
  const http = scope.own(
    await startHttpServer({
      api: wrap(api),
      tls: { ...certificates.server, ca: certificates.ca },
      port: 0,
      clock,
      kubelet: { clientTls: { ...certificates.kubeletClient, ca: certificates.ca } },
      descriptions: options.descriptions,
      log: (message, error) => logged.push(`${message}: ${error instanceof Error ? error.message : String(error)}`),
    }),
  )
  const kubeconfig = join(folder, 'kubeconfig')
  await writeKubeconfig(kubeconfig, { url: http.url, ca: certificates.ca, admin: certificates.admin })
  const close = () => scope.close()
  return { api, http, certificates, kubeconfig, folder, logged, close, [Symbol.asyncDispose]: close }
}

/** What the controllers of a whole cluster would have made by now. */
export async function seedDefaultNamespace(client: Client): Promise<void> {
  await client.create(Namespace, Namespace.decode({ metadata: { name: 'default' } }, { unknown: [] }))
  const metadata = { name: 'default', namespace: 'default' }
  await client.create(ServiceAccount, ServiceAccount.decode({ metadata }, { unknown: [] }))
}

export interface Answer {
  code: number
  headers: IncomingMessage['headers']
  text: string
  json: Record<string, unknown>
}

export interface Asked {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Buffer
  /** Default: the admin's. */
  tls?: https.RequestOptions
}

/** One call over HTTP/1.1. */
export async function ask(server: TestServer, path: string, { method = 'GET', headers, body, tls }: Asked = {}): Promise<Answer> {
  const { ca, admin } = server.certificates
  const request = https.request(server.http.url + path, {
    ...{ method, ca, agent: false },
    ...(headers ? { headers } : {}),
    ...(tls ?? admin),
  })
  request.on('error', () => undefined)
  // node:http says no length for DELETE by itself
  if (body !== undefined && !request.hasHeader('transfer-encoding')) request.setHeader('content-length', Buffer.byteLength(body))
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const answer = await text(response)
  return { code: response.statusCode ?? 0, headers: response.headers, text: answer, json: parsed(answer) }
}

function parsed(answer: string): Record<string, unknown> {
  try {
    return JSON.parse(answer) as Record<string, unknown>
  } catch {
    return {}
  }
}
