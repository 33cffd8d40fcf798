// Events apart by the value of one field: a thousand watchers of one node each are woken for their own Pods only.
import type { AnyObject } from '../api/kind.ts'
import { type CacheEvent, type EventRing, eventRing, type EventSource } from './event-ring.ts'

export interface IndexedEvents {
  /** The events of objects whose field has, or had just before, this value. */
  of(value: string): EventSource
  push(event: CacheEvent): void
  drop(revision: number): void
  restart(since: number): void
  /** Rings for what was pushed since the last call. */
  ring(): void
  ringAll(): void
}

/** An index over `main`'s events that costs nothing before the first `of`. */
export function indexedEvents(main: EventRing, valueOf: (object: AnyObject) => string): IndexedEvents {
  const rings = new Map<string, EventRing>()
  const touched = new Set<EventRing>()
  let since: number | undefined
  const ringOf = (value: string) => {
    let ring = rings.get(value)
    if (!ring) rings.set(value, (ring = eventRing(since ?? 0)))
    return ring
  }
  const push = (event: CacheEvent) => {
    const values = [event.now, event.before].flatMap((stored) => (stored ? valueOf(stored.object) : []))
    for (const value of new Set(values)) {
      ringOf(value).push(event)
      touched.add(ringOf(value))
    }
  }
  return {
    of(value) {
      if (since === undefined) {
        since = main.since()
        for (const event of main.all()) push(event)
      }
      return ringOf(value)
    },
    push(event) {
      if (since !== undefined) push(event)
    },
    drop(revision) {
      for (const ring of rings.values()) ring.drop(revision)
    },
    restart(start) {
      if (since !== undefined) since = start
      for (const ring of rings.values()) ring.restart(start)
    },
    ring() {
      for (const ring of touched) ring.bell.ring()
      touched.clear()
    },
    ringAll() {
      for (const ring of rings.values()) ring.bell.ring()
    },
  }
}
