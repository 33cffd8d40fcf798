// The newest events, oldest first: what watches read with a cursor, so that a slow one costs nothing.
import { type Bell, bell } from '../store/follow.ts'
import type { Stored } from './api-server.ts'

/** One change of one object. `now` is absent when it was deleted, `before` when it was created. */
export interface CacheEvent {
  key: string
  revision: number
  now?: Stored | undefined
  before?: Stored | undefined
  /** `before` under this event's revision: what watchers that lose the object are sent. */
  lost(): Stored
}

/** What a watch reads. */
export interface EventSource {
  /** Rings when there may be something new, and at bookmark ticks. */
  readonly bell: Bell
  /** Events after `since`, oldest first. Ask `reaches(since)` before. */
  after(since: number, limit: number): readonly CacheEvent[]
  /** Whether every event after `since` that concerns this source is still here. */
  reaches(since: number): boolean
}

export interface EventRing extends EventSource {
  /** Every event after this is here. */
  since(): number
  all(): readonly CacheEvent[]
  push(event: CacheEvent): void
  /** Forgets events up to `revision`. */
  drop(revision: number): void
  /** Starts over with nothing to say of the time before `since`. */
  restart(since: number): void
}

export function eventRing(start: number): EventRing {
  let ring: CacheEvent[] = []
  let since = start
  return {
    bell: bell(),
    since: () => since,
    all: () => ring,
    after(cursor, limit) {
      const first = firstAfter(ring, cursor)
      return ring.slice(first, first + limit)
    },
    reaches: (cursor) => cursor >= since,
    push: (event) => void ring.push(event),
    drop(revision) {
      since = ring.splice(0, firstAfter(ring, revision)).at(-1)?.revision ?? since
    },
    restart(cursor) {
      ring = []
      since = cursor
    },
  }
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
