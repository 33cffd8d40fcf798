// One kind in memory: what is there now, in key order, and the newest events in a ring that watches read from.
import type { AnyKind } from '../api/kind.ts'
import { type SortedKeys, sortedKeys } from '../store/sorted-keys.ts'
import type { Change, Entry } from '../store/store.ts'
import type { Stored } from './api-server.ts'
import { type CacheEvent, type EventRing, eventRing, type EventSource } from './event-ring.ts'
import { type IndexedEvents, indexedEvents } from './indexed-events.ts'
import { restamped, storedFrom } from './stored.ts'

export interface KindCache {
  readonly kind: AnyKind
  /** Every event of the kind. */
  readonly events: EventSource
  get(key: string): Stored | undefined
  /** Present keys from `start` on, in order, as long as they begin with `prefix`; nothing may change meanwhile. */
  from(start: string, prefix: string): Iterable<[key: string, stored: Stored]>
  /** The event that made `revision`, while the ring still holds it. */
  at(revision: number): CacheEvent | undefined
  /** The events of Pods that are, or were just before, on this node. */
  onNode(name: string): EventSource
  /** Starts over from a listing: the ring is empty, and watches from before `revision` must look elsewhere. */
  load(entries: readonly Entry[], revision: number): void
  /** Takes a change in; `ring` tells watches of it. */
  apply(change: Change): void
  ring(): void
  /** Rings for every watch, whether there is something new or not. */
  ringAll(): void
}

const ringLimit = 8192

interface State {
  kind: AnyKind
  present: Map<string, Stored>
  keys: SortedKeys
  events: EventRing
  byNode: IndexedEvents
}

const nodeOf = (object: Record<string, unknown>): string => (object['spec'] as { nodeName?: string }).nodeName ?? ''

export function kindCache(kind: AnyKind): KindCache {
  const events = eventRing(0)
  const state: State = { kind, present: new Map(), keys: sortedKeys(), events, byNode: indexedEvents(events, nodeOf) }
  return {
    kind,
    events,
    get: (key) => state.present.get(key),
    from: (start, prefix) => from(state, start, prefix),
    at(revision) {
      const [event] = events.after(revision - 1, 1)
      return event?.revision === revision ? event : undefined
    },
    onNode: (name) => state.byNode.of(name),
    load: (entries, revision) => load(state, entries, revision),
    apply: (change) => apply(state, change),
    ring() {
      events.bell.ring()
      state.byNode.ring()
    },
    ringAll() {
      events.bell.ring()
      state.byNode.ringAll()
    },
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
  state.events.restart(revision)
  state.byNode.restart(revision)
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
  if (!now && !before) return
  const event = eventOf(state.kind, { key, revision, now, before })
  state.events.push(event)
  state.byNode.push(event)
  trim(state)
}

/** By an eighth at a time, so that moving the rest is rare. */
function trim({ events, byNode }: State): void {
  const all = events.all()
  if (all.length <= ringLimit) return
  events.drop(all[ringLimit / 8]!.revision)
  byNode.drop(events.since())
}

export function eventOf(kind: AnyKind, event: Omit<CacheEvent, 'lost'>): CacheEvent {
  let lost: Stored | undefined
  return { ...event, lost: () => (lost ??= restamped(kind, event.before!, event.revision)) }
}
