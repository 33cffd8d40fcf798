// Writes answers: headers, warnings, compression, back-pressure.
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { Writable } from 'node:stream'
import type { Status } from '../api/status.ts'
import type { Call, HttpResponse } from './call.ts'

/** Answers of this size are compressed for clients that say they can read it. */
const gzipFromBytes = 128 * 1024
/** Pieces are joined up to this size, so that a list of many small objects is not as many writes. */
const chunkBytes = 256 * 1024

export interface Answer {
  code: number
  type: string
  /** Written one behind the other. */
  pieces: readonly Uint8Array[]
  headers?: Record<string, string> | undefined
}

/** Sends the whole answer; resolves when it is handed over, or when the client is gone. */
export async function send(call: Call, { code, type, pieces, headers }: Answer): Promise<void> {
  const { response } = call
  if (response.writableEnded || response.destroyed) return
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const zipped = size >= gzipFromBytes && acceptsGzip(call)
  const length = zipped ? { 'content-encoding': 'gzip' } : { 'content-length': String(size) }
  begin(call, code, {
    'content-type': type,
    ...(size >= gzipFromBytes ? { vary: 'Accept-Encoding' } : {}),
    ...length,
    ...headers,
  })
  // HTTP/2 knows no HEAD answer with a body, and HTTP/1.1 drops it
  if (call.method === 'HEAD') return void response.end()
  if (!zipped && size <= chunkBytes) return void response.end(joined(pieces))
  const source = Readable.from(chunks(pieces))
  const target = response as Writable
  const zip = zipped ? [createGzip({ level: constants.Z_BEST_SPEED })] : []
  // a client that left in the middle is no fault of the server
  await pipeline([source, ...zip, target]).catch(() => undefined)
}

/** Writes the head, with what was collected for Warning headers. */
export function begin(call: Call, code: number, headers: Record<string, string>): void {
  if (call.warnings.length > 0) call.response.setHeader('warning', warningHeaders(call.warnings))
  for (const [name, value] of Object.entries(headers)) call.response.setHeader(name, value)
  call.response.statusCode = code
}

export const sendJson = (call: Call, code: number, value: unknown, headers?: Record<string, string>): Promise<void> =>
  send(call, { code, type: 'application/json', pieces: [jsonBytes(value)], headers })

export const sendText = (call: Call, code: number, text: string): Promise<void> =>
  send(call, {
    code,
    type: 'text/plain; charset=utf-8',
    pieces: [Buffer.from(text)],
    headers: { 'x-content-type-options': 'nosniff' },
  })

export function sendStatus(call: Call, status: Status): Promise<void> {
  const retry = status.details?.retryAfterSeconds
  return sendJson(call, status.code, status, retry === undefined ? undefined : { 'retry-after': String(retry) })
}

export const jsonBytes = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

const joined = (pieces: readonly Uint8Array[]): Uint8Array =>
  pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)

function acceptsGzip({ request }: Call): boolean {
  const header = String(request.headers['accept-encoding'] ?? '')
  return header.split(',').some((part) => /^\s*gzip\s*(;\s*q\s*=\s*(?!0(\.0*)?\s*$)|$)/i.test(part))
}

function* chunks(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let group: Uint8Array[] = []
  let size = 0
  for (const piece of pieces) {
    group.push(piece)
    size += piece.length
    if (size < chunkBytes) continue
    yield joined(group)
    group = []
    size = 0
  }
  if (group.length > 0) yield joined(group)
}

/** Resolves when `response` takes more, is gone, or `signal` aborts. */
export async function drained(response: HttpResponse, signal: AbortSignal): Promise<void> {
  if (response.destroyed || signal.aborted) return
  await once(response, 'drain', { signal }).catch(() => undefined)
}

/** k8s: all warnings together stay below 4096 characters; when they would not, each is cut to 256. */
const warningsLimit = 4096
const warningLimit = 256

/** As HTTP takes them: quoted, in ASCII, none twice. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)].map((text) => text.replaceAll(/[^\x20-\x7e]/gu, '?'))
  const whole = texts.reduce((sum, { length }) => sum + length, 0) <= warningsLimit
  const headers: string[] = []
  let size = 0
  for (const text of texts) {
    const shown = whole ? text : text.slice(0, warningLimit)
    size += shown.length
    if (size > warningsLimit) break
    headers.push(`299 - "${shown.replaceAll(/["\\]/g, '\\$&')}"`)
  }
  return headers
}
