// One HTTP/2 connection to an API server, opened when needed, and calls over it.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { failure, type Status, StatusError, unavailable } from '../api/status.ts'

export interface HttpTarget {
  /** `https://127.0.0.1:6443` */
  url: string
  /** PEM texts. */
  tls: { ca: string; cert: string; key: string }
  userAgent?: string | undefined
}

export interface HttpCall {
  method: string
  path: string
  /** Sent as JSON. */
  body?: unknown
  /** Of the body. */
  type?: string | undefined
}

export interface Connection {
  /** The parsed body of a success; a StatusError for everything else. */
  call(call: HttpCall): Promise<unknown>
  /** The stream of a success, from its head on. Rejects as `call` does. */
  open(call: HttpCall): Promise<ClientHttp2Stream>
  close(): Promise<void>
}

// lists are megabytes: with the protocol's 64 KiB each would wait for the other side again and again
const streamWindowBytes = 1024 * 1024
const sessionWindowBytes = 16 * 1024 * 1024

export function openConnection(target: HttpTarget): Connection {
  let session: ClientHttp2Session | undefined
  let closed = false
  const current = (): ClientHttp2Session => {
    if (closed) throw unavailable('the client is closed')
    if (session && !session.closed && !session.destroyed) return session
    const opened = connect(target.url, { ...target.tls, settings: { enablePush: false, initialWindowSize: streamWindowBytes } })
    opened.once('connect', () => opened.setLocalWindowSize(sessionWindowBytes))
    // what goes wrong is told to every stream; the session itself has nobody to tell
    opened.on('error', () => undefined)
    opened.on('goaway', () => opened.close())
    session = opened
    return opened
  }
  const open = (call: HttpCall) => request(current(), target, call)
  return {
    open,
    async call(call) {
      const stream = await open(call)
      return JSON.parse(await bodyOf(stream)) as unknown
    },
    async close() {
      closed = true
      const last = session
      if (!last || last.destroyed) return
      await new Promise<void>((done) => {
        last.once('close', done)
        last.destroy()
      })
    },
  }
}

async function request(session: ClientHttp2Session, target: HttpTarget, { method, path, body, type }: HttpCall) {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const stream = session.request(
    {
      [constants.HTTP2_HEADER_METHOD]: method,
      [constants.HTTP2_HEADER_PATH]: path,
      accept: 'application/json',
      'user-agent': target.userAgent ?? 'polypod',
      ...(bytes ? { 'content-type': type ?? 'application/json', 'content-length': String(bytes.length) } : {}),
    },
    { endStream: bytes === undefined },
  )
  if (bytes) stream.end(bytes)
  const code = await answerOf(stream)
  // a stream that is told of an error with nobody listening would end the process
  stream.on('error', () => undefined)
  if (code < 300) return stream
  throw refusal(code, await bodyOf(stream).catch(() => ''))
}

const answerOf = (stream: ClientHttp2Stream): Promise<number> =>
  new Promise((resolve, reject) => {
    const closed = () => reject(unreachable(new Error('the connection was closed')))
    stream.once('error', (error) => reject(unreachable(error)))
    stream.once('close', closed)
    stream.once('response', (headers) => {
      stream.off('close', closed)
      resolve(Number(headers[constants.HTTP2_HEADER_STATUS] ?? 0))
    })
  })

const bodyOf = async (stream: ClientHttp2Stream): Promise<string> => {
  try {
    return await text(stream)
  } catch (error) {
    throw unreachable(error)
  }
}

export function unreachable(error: unknown): StatusError {
  const { status } = unavailable(`the API server cannot be reached: ${error instanceof Error ? error.message : String(error)}`)
  return new StatusError(status, error)
}

function refusal(code: number, body: string): StatusError {
  try {
    const status = JSON.parse(body) as Status
    if (status.kind === 'Status') return new StatusError({ ...status, code: status.code || code })
  } catch {
    // not from an API server: its text is all there is
  }
  return failure(code, '', body.trim() || `the server answered ${code}`)
}
