// One HTTP request on its way through the server.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { User } from '../admission/chain.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Clock } from '../lib/clock.ts'
import type { Counter } from '../lib/prometheus.ts'
import type { ApiServer } from './api-server.ts'
import type { Documents } from './documents.ts'
import type { Explainer } from './explanations.ts'
import type { HttpServerOptions } from './http.ts'
import type { Observed } from './observed.ts'
import type { UsageSamples } from './usage-samples.ts'

export type HttpRequest = IncomingMessage | Http2ServerRequest
/** What handlers use of a response of HTTP/1.1 or HTTP/2. */
export type HttpResponse = ServerResponse | Http2ServerResponse

/** What every handler may reach. */
export interface HttpWorld {
  api: ApiServer
  clock: Clock
  documents: Documents
  /** Absent: nobody explains. */
  explainer: Explainer | undefined
  kubelet: HttpServerOptions['kubelet']
  observed: Observed
  /** Answers so far. */
  requests: Counter
  /** What kubelets measure. */
  usage: UsageSamples
  /** Stored kinds, and those that are served out of measurements. */
  kinds: readonly AnyKind[]
  log(message: string, error: unknown): void
}

export interface Call {
  readonly method: string
  readonly pathname: string
  readonly query: URLSearchParams
  readonly request: HttpRequest
  readonly response: HttpResponse
  readonly user: User
  /** For Warning headers; filled until the answer is sent. */
  readonly warnings: string[]
  readonly world: HttpWorld
}

/** Of a path that names a resource that is served. */
export interface Target {
  kind: AnyKind
  namespace?: string | undefined
  /** '' for a collection. */
  name: string
  subresource?: string | undefined
}

export type Handler = (call: Call) => Promise<void> | void
export type ResourceHandler = (call: Call, target: Target) => Promise<void> | void
