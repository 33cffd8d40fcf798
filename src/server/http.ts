// The API server's port: HTTPS, HTTP/2 and HTTP/1.1, client certificates.
import type { Clock } from '../lib/clock.ts'
import type { ApiServer } from './api-server.ts'

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
  /** What the API server shows to kubelets, and the CA it holds them to. */
  kubelet: { clientTls: TlsMaterial }
  /** Hears of everything unexpected, once, with its cause. */
  log?: ((message: string, error: unknown) => void) | undefined
}

export interface HttpServer {
  port: number
  /** `https://127.0.0.1:6443` */
  url: string
  /** Ends watches and connections. */
  close(): Promise<void>
}
