// Events go one hour after they were last heard of.
import { Event } from '../api/core/event.ts'
import { type Controller, watching } from './controller.ts'

const ttlMs = 60 * 60 * 1000

export const eventTtl = (): Controller => ({
  name: 'event-ttl',
  watches: [watching(Event)],
  async reconcile(ref, { client, clock, mirrored }) {
    const event = mirrored(Event).get(ref)
    if (!event) return undefined
    const leftMs = lastHeardAt(event, clock.now()) + ttlMs - clock.now()
    if (leftMs > 0) return { againMs: leftMs }
    // one that is said again in this moment stays
    const { uid, resourceVersion } = event.metadata
    await client.delete(Event, ref, { preconditions: { uid, resourceVersion } })
    return undefined
  },
})

/** The newest of its times; one in the future is a mistake of whoever wrote it, and would keep it for ever. */
function lastHeardAt({ metadata, firstTimestamp, lastTimestamp, eventTime, series }: Event, nowMs: number): number {
  const times = [metadata.creationTimestamp, firstTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  const past = times.map((time) => Date.parse(time ?? '')).filter((ms) => ms <= nowMs)
  return Math.max(0, ...past)
}
