// The lines of a watch, as they arrive.
import { setMaxListeners } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'
import { isRecord } from '../api/schema.ts'
import type { AnyObject } from '../api/kind.ts'
import { internal, type Status, StatusError } from '../api/status.ts'
import { type Connection, unreachable } from './http-connection.ts'

export interface WatchLine {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: AnyObject
}

/** Ends when `signal` aborts or the server ends the watch. Throws the StatusError of an ERROR line, and 503 for a lost connection. */
export async function* watchLines(connection: Connection, path: string, signal: AbortSignal): AsyncGenerator<WatchLine> {
  if (signal.aborted) return
  // many watches may live on one signal; Node would take more than ten for a leak
  setMaxListeners(0, signal)
  let stream: ClientHttp2Stream | undefined
  const stop = () => stream?.close()
  signal.addEventListener('abort', stop)
  try {
    stream = await connection.open({ method: 'GET', path })
    if (signal.aborted) return
    for await (const line of lines(stream)) {
      if (signal.aborted) return
      yield parsed(line)
    }
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof StatusError ? error : unreachable(error)
  } finally {
    signal.removeEventListener('abort', stop)
    stream?.close()
  }
}

const newline = 0x0a

async function* lines(stream: ClientHttp2Stream): AsyncGenerator<string> {
  let parts: Buffer[] = []
  for await (const chunk of stream) {
    let rest = chunk as Buffer
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      parts.push(rest.subarray(0, end))
      const line = Buffer.concat(parts).toString()
      parts = []
      rest = rest.subarray(end + 1)
      if (line !== '') yield line
    }
    if (rest.length > 0) parts.push(rest)
  }
}

function parsed(line: string): WatchLine {
  const event = JSON.parse(line) as unknown
  if (!isRecord(event) || !isRecord(event.object)) throw internal('a watch sent what is no event')
  if (event.type === 'ERROR') throw new StatusError(event.object as unknown as Status)
  return event as unknown as WatchLine
}
