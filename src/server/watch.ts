// WATCH: a cursor into a kind's ring of events, or, for an older start, into the store's own history until it reaches the ring.
import { setMaxListeners } from 'node:events'
import type { AnyKind } from '../api/kind.ts'
import { gone, type StatusError } from '../api/status.ts'
import { type Change, CompactedError } from '../store/store.ts'
import type { StoredEvent, WatchQuery } from './api-server.ts'
import type { CacheEvent, EventSource } from './event-ring.ts'
import { eventOf, type KindCache } from './kind-cache.ts'
import { kindPrefix } from './keys.ts'
import { checkWatchOptions, revisionOf } from './list-options.ts'
import { type Selection, selectionOf } from './selection.ts'
import { storedFrom } from './stored.ts'
import type { World } from './world.ts'

const batchLimit = 1000

/** Ends when the signal aborts or the server closes. Throws 410 when the events after the cursor are gone. */
export async function* watch(world: World, kind: AnyKind, query: WatchQuery): AsyncGenerator<readonly StoredEvent[]> {
  // many watches may live on one signal; Node would take more than ten for a leak
  setMaxListeners(0, query.signal)
  checkWatchOptions(query)
  const selection = selectionOf(kind, query)
  const cache = world.cache.of(kind)
  const start = startOf(query)
  let cursor = start.since ?? world.cache.revision()
  if (start.initial) {
    const events = initialEvents(cache, selection)
    if (query.sendInitialEvents && query.allowWatchBookmarks)
      events.push({ type: 'BOOKMARK', resourceVersion: String(cursor), initialEventsEnd: true })
    if (events.length > 0) yield events
  }
  const { node } = selection
  const source = node === undefined ? cache.events : cache.onNode(node)
  if (!source.reaches(cursor)) cursor = yield* olderEvents(world, kind, { ...query, cursor, selection })
  yield* newEvents(world, source, { ...query, cursor, selection })
}

interface Cursor extends WatchQuery {
  cursor: number
  selection: Selection
}

/** k8s: without a resourceVersion, or with 0, a watch begins with what is there. */
function startOf({ resourceVersion = '', sendInitialEvents }: WatchQuery): { initial: boolean; since?: number } {
  const since = revisionOf(resourceVersion)
  if (sendInitialEvents !== undefined)
    return sendInitialEvents || since === 0 ? { initial: sendInitialEvents } : { initial: false, since }
  return since === 0 ? { initial: true } : { initial: false, since }
}

function initialEvents(cache: KindCache, { prefix, matches }: Selection): StoredEvent[] {
  const events: StoredEvent[] = []
  for (const [, stored] of cache.from(prefix, prefix))
    if (!matches || matches(stored.object)) events.push({ type: 'ADDED', stored })
  return events
}

async function* newEvents(
  world: World,
  source: EventSource,
  { cursor: since, selection, signal, allowWatchBookmarks }: Cursor,
): AsyncGenerator<readonly StoredEvent[]> {
  let cursor = since
  let ticks = world.cache.ticks()
  while (!signal.aborted && !world.cache.closed()) {
    if (!source.reaches(cursor)) throw tooOld(cursor, world.cache.revision())
    const heard = source.bell.rung()
    const events = source.after(cursor, batchLimit)
    cursor = events.at(-1)?.revision ?? cursor
    const seen = events.flatMap((event) => seenAs(event, selection) ?? [])
    if (seen.length > 0) yield seen
    if (events.length > 0) continue
    if (allowWatchBookmarks && ticks !== world.cache.ticks()) {
      ticks = world.cache.ticks()
      cursor = Math.max(cursor, world.cache.revision())
      yield [{ type: 'BOOKMARK', resourceVersion: String(cursor) }]
    }
    await source.bell.wait(heard, signal)
  }
}

/** Reads the whole store's history, which is sure to come to where the ring begins. Returns the cursor there. */
async function* olderEvents(
  { store, cache }: World,
  kind: AnyKind,
  { cursor: since, selection, signal }: Cursor,
): AsyncGenerator<readonly StoredEvent[], number> {
  let cursor = since
  try {
    for await (const changes of store.watch('', since, signal)) {
      cursor = changes.at(-1)?.revision ?? cursor
      const seen = changes.flatMap((change) => seenAs(eventOfChange(kind, change, since), selection) ?? [])
      if (seen.length > 0) yield seen
      if (cache.of(kind).events.reaches(cursor)) break
    }
  } catch (error) {
    throw error instanceof CompactedError ? tooOld(since, error.oldest) : error
  }
  return cursor
}

function eventOfChange(kind: AnyKind, { key, value, previous, revision }: Change, since: number): CacheEvent {
  // without the object that is gone a watcher cannot be told which one it was
  if (value === null && !previous && key.startsWith(kindPrefix(kind))) throw tooOld(since, revision)
  const now = value === null ? undefined : storedFrom(kind, value, revision)
  return eventOf(kind, { key, revision, now, before: previous && storedFrom(kind, previous, 0) })
}

const tooOld = (asked: number, oldest: number): StatusError => gone(`too old resource version: ${asked} (${oldest})`)

/** What a watcher with this selection is told: objects that come into it are ADDED, those that leave it DELETED. */
function seenAs(event: CacheEvent, { prefix, matches }: Selection): StoredEvent | undefined {
  if (!event.key.startsWith(prefix)) return undefined
  const now = event.now && (!matches || matches(event.now.object)) ? event.now : undefined
  const before = event.before !== undefined && (!matches || matches(event.before.object))
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', stored: now }
  return before ? { type: 'DELETED', stored: event.lost() } : undefined
}
