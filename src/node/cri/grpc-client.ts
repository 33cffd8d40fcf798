// Twenty lines between grpc-js (carries bytes) and protobuf-es (speaks messages), typed by the service descriptor.
import {
  create,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { systemClock } from '../../lib/clock.ts'
import { RuntimeError } from './runtime.ts'

export interface CallOptions {
  /** Absent: no deadline. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  metadata?: Record<string, string> | undefined
}

/** The methods of service `S` as functions; every failure is a RuntimeError. */
export type Rpc<S extends DescService> = {
  [M in keyof S['method']]: S['method'][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S['method'][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : never
}

/**
 * A channel to `socket` (a path). It connects lazily and reconnects by itself within 3 s of the server's return;
 * meanwhile calls fail at once with Unavailable. An open channel keeps the process alive: close it.
 */
export function openChannel(socket: string): Client {
  return new Client(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 3000,
    // several clusters in one process must not share a channel to a path that was removed and made again
    'grpc.use_local_subchannel_pool': 1,
  })
}

export function rpcOf<S extends DescService>(channel: Client, service: S): Rpc<S> {
  const methods = service.methods.map((method) => {
    const path = `/${service.typeName}/${method.name}`
    const encode = (request: object) =>
      Buffer.from(toBinary(method.input, create(method.input, request as Record<string, unknown>)))
    const decode = (bytes: Buffer) => fromBinary(method.output, bytes)
    const call =
      method.methodKind === 'unary'
        ? (request: object, options: CallOptions = {}) => unary({ channel, path, encode, decode }, request, options)
        : (request: object, options: CallOptions = {}) => streamed({ channel, path, encode, decode }, request, options)
    return [method.localName, call] as const
  })
  return Object.fromEntries(methods) as unknown as Rpc<S>
}

interface Route {
  channel: Client
  path: string
  encode: (request: object) => Buffer
  decode: (bytes: Buffer) => object
}

function unary({ channel, path, encode, decode }: Route, request: object, options: CallOptions): Promise<object> {
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: object) => {
      options.signal?.removeEventListener('abort', cancel)
      if (error) reject(runtimeError(error))
      else if (answer) resolve(answer)
    }
    const call = channel.makeUnaryRequest(path, encode, decode, request, headers(options), deadline(options), done)
    const cancel = () => call.cancel()
    options.signal?.addEventListener('abort', cancel)
  })
}

async function* streamed({ channel, path, encode, decode }: Route, request: object, options: CallOptions): AsyncIterable<object> {
  if (options.signal?.aborted) return
  const call = channel.makeServerStreamRequest(path, encode, decode, request, headers(options), deadline(options))
  const cancel = () => call.cancel()
  options.signal?.addEventListener('abort', cancel)
  try {
    for await (const message of call) yield message as object
  } catch (error) {
    if (!options.signal?.aborted) throw runtimeError(error as ServiceError)
  } finally {
    options.signal?.removeEventListener('abort', cancel)
    call.cancel()
  }
}

function headers({ metadata = {} }: CallOptions): Metadata {
  const all = new Metadata()
  for (const [key, value] of Object.entries(metadata)) all.set(key, value)
  return all
}

// grpc-js sets its own timers by the machine's clock, so a manual clock would be a lie here
const deadline = ({ timeoutMs }: CallOptions) => (timeoutMs === undefined ? {} : { deadline: systemClock.now() + timeoutMs })

const codes: Partial<Record<number, RuntimeError['code']>> = {
  [status.NOT_FOUND]: 'NotFound',
  [status.ALREADY_EXISTS]: 'AlreadyExists',
  [status.DEADLINE_EXCEEDED]: 'DeadlineExceeded',
  [status.UNAVAILABLE]: 'Unavailable',
  [status.UNIMPLEMENTED]: 'Unimplemented',
}

/** Keeps the runtime's own words: `details` is the status message as it was sent, without grpc-js' numeric prefix. */
function runtimeError(error: ServiceError): RuntimeError {
  return new RuntimeError(codes[error.code] ?? 'Unknown', error.details || error.message, error)
}
