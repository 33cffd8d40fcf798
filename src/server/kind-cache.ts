// One kind in memory: what is there now, in key order, and the newest events in a ring that watches read from.
import type { AnyKind } from '../api/kind.ts'
import { type Bell, bell } from '../store/follow.ts'
import { type SortedKeys, sortedKeys } from '../store/sorted-keys.ts'
import type { Change, Entry } from '../store/store.ts'
import type { Stored } from './api-server.ts'
import { restamped, storedFrom } from './stored.ts'

/** One change of one object. `now` is absent when it was deleted, `before` when it was created. */
export interface CacheEvent {
  key: string
  revision: number
  now?: Stored | undefined
  before?: Stored | undefined
  /** `before` under this event's revision: what watchers that lose the object are sent. */
  lost(): Stored
}

export interface KindCache {
  readonly kind: AnyKind
  /** Rings after each change and each bookmark tick. */
  readonly bell: Bell
  size(): number
  get(key: string): Stored | undefined
  /** Present keys from `start` on, in order, as long as they begin with `prefix`; nothing may change meanwhile. */
  from(start: string, prefix: string): Iterable<[key: string, stored: Stored]>
  /** Events after `since`, oldest first. Ask `reaches(since)` before. */
  after(since: number, limit: number): readonly CacheEvent[]
  /** Whether every event after `since` is still in the ring. */
  reaches(since: number): boolean
  /** The event that made `revision`, while the ring still holds it. */
  at(revision: number): CacheEvent | undefined
  /** Starts over from a listing: the ring is empty, and watches from before `revision` must look elsewhere. */
  load(entries: readonly Entry[], revision: number): void
  apply(change: Change): void
}

const ringLimit = 8192

interface State {
  kind: AnyKind
  present: Map<string, Stored>
  keys: SortedKeys
  ring: CacheEvent[]
  /** Every event after this is in the ring. */
  since: number
}

export function kindCache(kind: AnyKind): KindCache {
  const state: State = { kind, present: new Map(), keys: sortedKeys(), ring: [], since: 0 }
  return {
    kind,
    bell: bell(),
    size: () => state.present.size,
    get: (key) => state.present.get(key),
    from: (start, prefix) => from(state, start, prefix),
    after(since, limit) {
      const first = firstAfter(state.ring, since)
      return state.ring.slice(first, first + limit)
    },
    reaches: (since) => since >= state.since,
    at(revision) {
      const event = state.ring[firstAfter(state.ring, revision - 1)]
      return event?.revision === revision ? event : undefined
    },
    load: (entries, revision) => load(state, entries, revision),
    apply: (change) => apply(state, change),
  }
}

function* from({ keys, present }: State, start: string, prefix: string): Iterable<[string, Stored]> {
  for (const key of keys.from(start)) {
    if (!key.startsWith(prefix)) return
    yield [key, present.get(key)!]
  }
}

function load(state: State, entries: readonly Entry[], revision: number): void {
  state.present = new Map(entries.map((entry) => [entry.key, storedFrom(state.kind, entry.value, entry.revision)]))
  state.keys = sortedKeys()
  for (const { key } of entries) state.keys.add(key)
  state.ring = []
  state.since = revision
}

function apply(state: State, { key, value, revision }: Change): void {
  const before = state.present.get(key)
  const now = value === null ? undefined : storedFrom(state.kind, value, revision)
  if (now) {
    state.present.set(key, now)
    if (!before) state.keys.add(key)
  } else {
    state.present.delete(key)
    state.keys.remove(key)
  }
  if (now || before) state.ring.push(eventOf(state.kind, key, revision, { now, before }))
  // by an eighth at a time, so that moving the rest is rare
  if (state.ring.length > ringLimit) state.since = state.ring.splice(0, ringLimit / 8).at(-1)?.revision ?? state.since
}

export function eventOf(
  kind: AnyKind,
  key: string,
  revision: number,
  { now, before }: { now?: Stored | undefined; before?: Stored | undefined },
): CacheEvent {
  let lost: Stored | undefined
  return { key, revision, now, before, lost: () => (lost ??= restamped(kind, before!, revision)) }
}

function firstAfter(ring: readonly CacheEvent[], since: number): number {
  let low = 0
  let high = ring.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring[middle]!.revision <= since) low = middle + 1
    else high = middle
  }
  return low
}
