// A watch over HTTP: one JSON text per change, in chunks of what came together, as fast as the client reads.
import type { ServerResponse } from 'node:http'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { internal, isExpired, statusOf } from '../api/status.ts'
import type { StoredEvent } from './api-server.ts'
import { formOf, tableOf } from './answer.ts'
import type { Call, Target } from './call.ts'
import type { ListCall } from './query.ts'
import { begin, drained } from './respond.ts'
import { partialMetadata } from './table.ts'

/** Watches that name no end get this one. */
const longestMs = 1_800_000
/** A client that takes nothing for this long is cut; what waits for it is bounded by the watch itself, which then ends. */
export const stalledMs = 30_000

/** Resolves when the watch has ended. Throws only before anything was sent. */
export async function serveWatch(call: Call, { kind, namespace }: Target, query: ListCall): Promise<void> {
  const { api, clock } = call.world
  const { response } = call
  const render = renderer(call, kind)
  const over = new AbortController()
  const stop = () => over.abort()
  response.once('close', stop)
  const cancel = clock.after(query.timeoutSeconds === undefined ? longestMs : query.timeoutSeconds * 1000, stop)
  try {
    const batches = api.watch(kind, { ...query, namespace, signal: over.signal })[Symbol.asyncIterator]()
    const first = batches.next()
    // a refusal comes at once and is an answer of its own; afterwards the watch is on, and the client must hear so
    await Promise.race([first.catch(unlessExpired), new Promise((resolve) => setImmediate(resolve))])
    begin(call, 200, { 'content-type': render.type })
    // both kinds of response have it; the types of HTTP/2 do not say so
    ;(response as ServerResponse).flushHeaders()
    await pump(call, { first, next: () => batches.next() }, render, over)
    await batches.return?.()
  } finally {
    cancel()
    stop()
    response.off('close', stop)
    // without a head nothing was answered yet: whoever catches the refusal does
    if (response.headersSent && !response.destroyed) response.end()
  }
}

// k8s: once a watch is well formed, a revision that is gone is an ERROR event under 200, never an answer of 410
function unlessExpired(error: unknown): void {
  if (!isExpired(error)) throw error
}

interface Batches {
  first: Promise<IteratorResult<readonly StoredEvent[]>>
  next(): Promise<IteratorResult<readonly StoredEvent[]>>
}

async function pump(call: Call, batches: Batches, render: Renderer, over: AbortController): Promise<void> {
  try {
    for (let turn = await batches.first; !turn.done; turn = await batches.next()) {
      if (!(await write(call, Buffer.concat(turn.value.flatMap((event) => render.event(event))), over))) return
    }
  } catch (error) {
    if (over.signal.aborted) return
    const status = statusOf(error)
    if (!status) call.world.log('a watch failed', error)
    const object = status ?? internal('the watch failed').status
    await write(call, Buffer.from(`${JSON.stringify({ type: 'ERROR', object })}\n`), over)
  }
}

/** false when the client is gone, or was cut because it does not read. */
async function write({ response, world }: Call, bytes: Buffer, over: AbortController): Promise<boolean> {
  if (bytes.length === 0) return true
  if (response.destroyed || over.signal.aborted) return false
  if ((response as NodeJS.WritableStream).write(bytes)) return true
  const cancel = world.clock.after(stalledMs, () => {
    response.destroy()
    over.abort()
  })
  await drained(response, over.signal)
  cancel()
  return !over.signal.aborted
}

interface Renderer {
  type: string
  event(event: StoredEvent): Uint8Array[]
}

const end = Buffer.from('}\n')

/** Throws 406. */
function renderer(call: Call, kind: AnyKind): Renderer {
  const { form, version } = formOf(call)
  const line = (type: string, object: unknown): Uint8Array[] => [Buffer.from(`${JSON.stringify({ type, object })}\n`)]
  const mark = (event: Extract<StoredEvent, { type: 'BOOKMARK' }>) => bookmark(kind, event)
  if (form === 'metadata')
    return {
      type: `application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=${version}`,
      event: (event) => line(event.type, partialMetadata(event.type === 'BOOKMARK' ? mark(event) : event.stored.object, version)),
    }
  if (form === 'table')
    return { type: `application/json;as=Table;g=meta.k8s.io;v=${version}`, event: tableEvents(call, kind, line) }
  return {
    type: 'application/json',
    event(event) {
      if (event.type === 'BOOKMARK') return line(event.type, mark(event))
      return [Buffer.from(`{"type":"${event.type}","object":`), event.stored.bytes, end]
    },
  }
}

/** k8s: the columns are named in the first event only. */
function tableEvents(call: Call, kind: AnyKind, line: (type: string, object: unknown) => Uint8Array[]): Renderer['event'] {
  let named = false
  const rowsOf = (event: StoredEvent) => {
    if (event.type !== 'BOOKMARK') return tableOf(call, kind, [event.stored], { resourceVersion: String(event.stored.revision) })
    return tableOf(call, kind, [], bookmark(kind, event).metadata as unknown as Record<string, unknown>)
  }
  return (event) => {
    const table = rowsOf(event)
    if (named) table.columnDefinitions = []
    named = true
    return line(event.type, table)
  }
}

function bookmark(kind: AnyKind, { resourceVersion, initialEventsEnd }: Extract<StoredEvent, { type: 'BOOKMARK' }>): AnyObject {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  const metadata = { resourceVersion, creationTimestamp: null, ...annotations }
  return { kind: kind.kind, apiVersion: kind.apiVersion, metadata } as unknown as AnyObject
}
