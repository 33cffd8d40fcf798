// Says what happened to an object, as Event objects; the same thing said again raises a count.
import { Event } from '../api/core/event.ts'
import type { AnyObject } from '../api/kind.ts'
import { statusOf, unlessNotFound } from '../api/status.ts'
import { type Clock, rfc3339 } from '../lib/clock.ts'
import type { Client } from './client.ts'

export type EventType = 'Normal' | 'Warning'
/** What an Event needs of the object it is about. */
export type Regarding = Pick<AnyObject, 'apiVersion' | 'kind' | 'metadata'>

export interface EventRecorder {
  /** Returns at once and never throws; an Event that cannot be written is dropped in the end. */
  event(regarding: Regarding, type: EventType, reason: string, message: string): void
  /** The same recorder for a part of the object: `spec.containers{main}`. */
  at(fieldPath: string): Pick<EventRecorder, 'event'>
}

export interface RecorderOptions {
  component: string
  /** The node, where one speaks. */
  host?: string | undefined
  clock: Clock
}

interface Said {
  regarding: Regarding
  fieldPath: string | undefined
  type: EventType
  reason: string
  message: string
  atMs: number
}

interface Recorder extends RecorderOptions {
  client: Pick<Client, 'create' | 'patch'>
  /** By what was said: the Event that says it. The one said longest ago comes first. */
  known: Map<string, Event>
  waiting: number
  /** Writes happen one after the other, so that a count never overtakes its Event. */
  last: Promise<void>
  /** Makes names unique within a millisecond. */
  names: number
}

// k8s: as client-go's broadcaster and correlator hold them
const maxWaiting = 1000
const maxKnown = 4096
const maxTries = 12
const retryMs = 10_000

/** Same object, type, reason and message: one Event whose `count` grows, as client-go's correlator has it. */
export function eventRecorder(client: Pick<Client, 'create' | 'patch'>, options: RecorderOptions): EventRecorder {
  const recorder: Recorder = { ...options, client, known: new Map(), waiting: 0, last: Promise.resolve(), names: 0 }
  const sayAt =
    (fieldPath: string | undefined): EventRecorder['event'] =>
    (regarding, type, reason, message) =>
      enqueue(recorder, { regarding, fieldPath, type, reason, message, atMs: options.clock.now() })
  return { event: sayAt(undefined), at: (fieldPath) => ({ event: sayAt(fieldPath) }) }
}

function enqueue(recorder: Recorder, said: Said): void {
  // k8s: whoever speaks faster than the server listens is not heard
  if (recorder.waiting >= maxWaiting) return
  recorder.waiting += 1
  recorder.last = recorder.last.then(async () => {
    await write(recorder, said)
    recorder.waiting -= 1
  })
}

/** Tries again while the server cannot be reached or is in trouble; what it refuses is dropped. Never rejects. */
async function write(recorder: Recorder, said: Said): Promise<void> {
  for (let tries = 1; tries <= maxTries; tries += 1) {
    try {
      return await writeOnce(recorder, said)
    } catch (error) {
      const { code } = statusOf(error) ?? { code: 503 }
      if (code < 500 && code !== 429) return
      // `after` and not `sleep`: an Event keeps no process alive
      await new Promise<void>((resolve) => void recorder.clock.after(retryMs, resolve))
    }
  }
}

async function writeOnce(recorder: Recorder, said: Said): Promise<void> {
  const key = keyOfSaid(said)
  const known = recorder.known.get(key)
  const stored = (known && (await raise(recorder, known, said))) ?? (await recorder.client.create(Event, eventOf(recorder, said)))
  recorder.known.delete(key)
  recorder.known.set(key, stored)
  for (const oldest of recorder.known.keys()) {
    if (recorder.known.size <= maxKnown) break
    recorder.known.delete(oldest)
  }
}

/** Undefined when the Event has expired meanwhile. */
async function raise(recorder: Recorder, known: Event, said: Said): Promise<Event | undefined> {
  const body = { count: (known.count ?? 1) + 1, lastTimestamp: rfc3339(said.atMs) }
  return recorder.client.patch(Event, known.metadata, { type: 'merge', body }).catch(unlessNotFound)
}

const keyOfSaid = ({ regarding, fieldPath, type, reason, message }: Said): string => {
  const { namespace, name, uid } = regarding.metadata
  return JSON.stringify([regarding.apiVersion, regarding.kind, namespace, name, uid, fieldPath, type, reason, message])
}

function eventOf(recorder: Recorder, { regarding, fieldPath, type, reason, message, atMs }: Said): Event {
  const { namespace, name, uid, resourceVersion } = regarding.metadata
  recorder.names = (recorder.names + 1) % 1_000_000
  const nano = BigInt(atMs) * 1_000_000n + BigInt(recorder.names)
  const { component, host } = recorder
  return {
    apiVersion: Event.apiVersion,
    kind: Event.kind,
    // k8s: Events about cluster-scoped objects live in default
    metadata: { name: `${name}.${nano.toString(16)}`, namespace: namespace ?? 'default' },
    involvedObject: { kind: regarding.kind, namespace, name, uid, apiVersion: regarding.apiVersion, resourceVersion, fieldPath },
    reason,
    message,
    source: { component, host },
    firstTimestamp: rfc3339(atMs),
    lastTimestamp: rfc3339(atMs),
    count: 1,
    type,
    reportingComponent: component,
    reportingInstance: host ?? '',
  }
}
