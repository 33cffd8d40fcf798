// grpc.health.v1.Health/Check, asked of a container. The two messages are small enough to be coded by hand.
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { systemClock } from '../../lib/clock.ts'

export interface HealthOutcome {
  result: 'success' | 'failure'
  message: string
}

const path = '/grpc.health.v1.Health/Check'
const answers = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** `address` is `host:port`. Resolves within `timeoutMs`, never rejects. */
export function checkHealth(address: string, service: string, timeoutMs: number): Promise<HealthOutcome> {
  const channel = new Client(address, credentials.createInsecure(), {
    'grpc.primary_user_agent': 'kube-probe/1.32',
    'grpc.use_local_subchannel_pool': 1,
    // a probe goes to the container, whatever proxy the machine has
    'grpc.enable_http_proxy': 0,
  })
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, served?: number) => {
      channel.close()
      resolve(error ? refused(error, address, timeoutMs) : judged(served ?? 0))
    }
    // grpc-js sets its own timers by the machine's clock
    const deadline = systemClock.now() + timeoutMs
    channel.makeUnaryRequest(path, encodeRequest, decodeResponse, service, new Metadata(), { deadline }, done)
  })
}

const judged = (served: number): HealthOutcome =>
  answers[served] === 'SERVING'
    ? { result: 'success', message: 'service healthy' }
    : { result: 'failure', message: `service unhealthy (responded with ${JSON.stringify(answers[served] ?? String(served))})` }

function refused({ code, details }: ServiceError, address: string, timeoutMs: number): HealthOutcome {
  const within = `${timeoutMs / 1000}s`
  const texts: Partial<Record<number, string>> = {
    [status.UNIMPLEMENTED]: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`,
    [status.DEADLINE_EXCEEDED]: `timeout: health rpc did not complete within ${within}`,
    [status.UNAVAILABLE]: `timeout: failed to connect service "${address}" within ${within}: context deadline exceeded`,
  }
  const other = `error: health rpc probe failed: rpc error: code = ${codeName(code)} desc = ${details}`
  return { result: 'failure', message: texts[code] ?? other }
}

/** `NotFound` of 5. */
const codeName = (code: number): string =>
  (status[code] ?? String(code)).toLowerCase().replace(/(?:^|_)[a-z]/g, (part) => part.slice(-1).toUpperCase())

// HealthCheckRequest: string service = 1
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service)
  if (text.length === 0) return text
  return Buffer.concat([Buffer.from([0x0a]), varint(text.length), text])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

// HealthCheckResponse: ServingStatus status = 1, a varint below 128; absent is 0
function decodeResponse(bytes: Buffer): number {
  return bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0
}
