// GET /containerLogs/{namespace}/{pod}/{container}: the query's words, the refusals, and the stream of text.
import { access } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../lib/clock.ts'
import { RuntimeError, type Runtime } from './cri/runtime.ts'
import type { FoundContainer, Refusal } from './kubelet-server.ts'
import { type LogOptions, readLog } from './log-reader.ts'

export interface LogExchange {
  name: string
  pod: string
  query: URLSearchParams
  response: ServerResponse
  clock: Clock
  /** Aborts when the server closes. */
  signal: AbortSignal
}

/** Resolves when the text has been written, to nothing; or to why there is none. */
export async function serveContainerLog(found: FoundContainer, exchange: LogExchange): Promise<Refusal | undefined> {
  const { query, response, clock, name, pod } = exchange
  const options = logOptions(query, clock.now())
  if ('code' in options) return options
  const previous = isOn(query, 'previous')
  const log = previous ? found.previous : found.current
  if (!log && previous)
    return { code: 400, text: `previous terminated container ${JSON.stringify(name)} in pod ${JSON.stringify(pod)} not found` }
  if (!log)
    return {
      code: 400,
      text: `container "${name}" in pod "${pod}" is waiting to start: ${found.waitingReason ?? 'ContainerCreating'}`,
    }
  // a missing file has to show while a refusal can still be sent
  await access(log.logPath)
  const gone = new AbortController()
  const stop = () => gone.abort()
  response.once('close', stop)
  exchange.signal.addEventListener('abort', stop)
  try {
    const text = readLog({ path: log.logPath, ended: () => hasEnded(found.runtime, log.id) }, options, {
      clock,
      signal: gone.signal,
    })
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    response.flushHeaders()
    await pipeline(Readable.from(text), response).catch(() => undefined)
    return undefined
  } finally {
    exchange.signal.removeEventListener('abort', stop)
  }
}

async function hasEnded(runtime: Pick<Runtime, 'containerStatus'>, id: string): Promise<boolean> {
  try {
    const { state } = await runtime.containerStatus(id)
    return state === 'exited' || state === 'unknown'
  } catch (error) {
    // removed meanwhile; other failures are the runtime's passing troubles
    return error instanceof RuntimeError && error.code === 'NotFound'
  }
}

const isOn = (query: URLSearchParams, word: string): boolean => ['true', '1'].includes(query.get(word) ?? '')

/** The PodLogOptions words of a query; `now` in milliseconds. */
export function logOptions(query: URLSearchParams, now: number): LogOptions | Refusal {
  const numbers: Record<string, number | undefined> = {}
  for (const [word, least] of [
    ['tailLines', 0],
    ['limitBytes', 1],
    ['sinceSeconds', 1],
  ] as const) {
    const text = query.get(word)
    if (text === null || text === '') continue
    const value = Number(text)
    if (!Number.isInteger(value) || value < least) return { code: 400, text: `invalid ${word} ${JSON.stringify(text)}` }
    numbers[word] = value
  }
  const sinceTime = query.get('sinceTime') || undefined
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime)))
    return { code: 400, text: `invalid sinceTime ${JSON.stringify(sinceTime)}` }
  if (sinceTime !== undefined && numbers.sinceSeconds !== undefined)
    return { code: 400, text: 'at most one of sinceTime or sinceSeconds may be specified' }
  const stream = query.get('stream')?.toLowerCase()
  return {
    follow: isOn(query, 'follow'),
    timestamps: isOn(query, 'timestamps'),
    tailLines: numbers.tailLines,
    limitBytes: numbers.limitBytes,
    sinceAt: sinceTime !== undefined ? Date.parse(sinceTime) : numbers.sinceSeconds && now - numbers.sinceSeconds * 1000,
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
  }
}
