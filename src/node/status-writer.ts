// Writes Pod statuses: the newest one of each Pod, one write at a time, until it is stored.
import { isDeepStrictEqual } from 'node:util'
import { Pod } from '../api/core/pod.ts'
import type { PodStatus } from '../api/core/pod-status.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { type Backoff, backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { isOwnCondition } from './pod-conditions.ts'
import { uidOf } from './pod-labels.ts'

export interface StatusWriter {
  /** Stores `status` soon; a newer one overtakes it. `pod` is the newest version known. */
  put(pod: Pod, status: PodStatus): void
  /** Once the last status is stored, deletes the Pod without grace; once. */
  finish(pod: Pod): void
  /** What is or will be stored last; undefined of a Pod that none was put for. */
  wanted(uid: string): PodStatus | undefined
  forget(uid: string): void
}

interface Entry {
  /** The newest version known, from the watch or from our own write. */
  pod: Pod
  status: PodStatus
  deleting: 'no' | 'wanted' | 'done'
  /** Something was asked for since the write under way began. */
  asked: boolean
  writing: boolean
}

interface Writer extends StatusWriterOptions {
  entries: Map<string, Entry>
  delays: Backoff
}

export interface StatusWriterOptions {
  client: Pick<Client, 'get' | 'update' | 'delete'>
  clock: Clock
  signal: AbortSignal
  log: (line: string) => void
}

export function statusWriter(options: StatusWriterOptions): StatusWriter {
  const writer: Writer = { ...options, entries: new Map(), delays: backoff({ baseMs: 100, maxMs: 10_000 }) }
  return {
    put(pod, status) {
      const uid = uidOf(pod)
      const entry = writer.entries.get(uid) ?? newEntry(pod, status)
      Object.assign(entry, { pod: newer(entry.pod, pod), status: JSON.parse(JSON.stringify(status)) as PodStatus })
      writer.entries.set(uid, entry)
      start(writer, uid, entry)
    },
    finish(pod) {
      const uid = uidOf(pod)
      const entry = writer.entries.get(uid) ?? newEntry(pod, pod.status)
      if (entry.deleting !== 'no') return
      entry.deleting = 'wanted'
      writer.entries.set(uid, entry)
      start(writer, uid, entry)
    },
    wanted: (uid) => writer.entries.get(uid)?.status,
    forget: (uid) => void writer.entries.delete(uid),
  }
}

const newEntry = (pod: Pod, status: PodStatus): Entry => ({ pod, status, deleting: 'no', asked: false, writing: false })

/** Versions are revisions of one store: the larger number is the newer one. */
const newer = (a: Pod, b: Pod): Pod => (Number(b.metadata.resourceVersion) >= Number(a.metadata.resourceVersion) ? b : a)

function start(writer: Writer, uid: string, entry: Entry): void {
  entry.asked = true
  if (entry.writing || writer.signal.aborted) return
  entry.writing = true
  void write(writer, uid, entry)
}

/** Until there is nothing left to write, the Pod is gone, or the signal aborts. Never rejects. */
async function write(writer: Writer, uid: string, entry: Entry): Promise<void> {
  while (entry.asked && !writer.signal.aborted && writer.entries.get(uid) === entry) {
    entry.asked = false
    const again = await writeOnce(writer, entry).then(
      (wrote) => {
        writer.delays.reset(uid)
        return wrote
      },
      (error: unknown) => recover(writer, entry, error),
    )
    entry.asked ||= again
  }
  entry.writing = false
}

/** False when there is no Pod to write to any more; else it waits until writing may work. */
async function recover(writer: Writer, entry: Entry, error: unknown): Promise<boolean> {
  const { metadata } = entry.pod
  if (isNotFound(error)) return false
  try {
    if (!isConflict(error)) throw error
    const live = await writer.client.get(Pod, metadata)
    // another Pod of the same name
    if (uidOf(live) !== metadata.uid) return false
    entry.pod = newer(entry.pod, live)
  } catch (again) {
    if (isNotFound(again)) return false
    writer.log(`cannot write the status of Pod ${metadata.namespace}/${metadata.name}: ${String(again)}`)
    await writer.clock.sleep(writer.delays.next(metadata.uid ?? ''), writer.signal)
  }
  return true
}

/** False when there was nothing to do. */
async function writeOnce({ client }: Writer, entry: Entry): Promise<boolean> {
  const { pod } = entry
  const status = merged(pod.status, entry.status)
  if (!isDeepStrictEqual(status, pod.status)) {
    const written = await client.update(Pod, { ...pod, status }, { subresource: 'status' })
    entry.pod = newer(entry.pod, written)
    // a server may see no difference where we do: it must not be asked for ever
    if (written.metadata.resourceVersion !== pod.metadata.resourceVersion) return true
  }
  if (entry.deleting !== 'wanted') return false
  await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } })
  entry.deleting = 'done'
  return true
}

/** Ours, with the conditions of others as they are now. */
const merged = (present: PodStatus, ours: PodStatus): PodStatus => ({ ...ours, ...withConditionsOf(ours, present) })

/** The kubelet's conditions of `ours`, and everybody else's of `present`. */
export function withConditionsOf(ours: PodStatus, present: PodStatus): Pick<PodStatus, 'conditions'> {
  const own = (ours.conditions ?? []).filter(isOwnCondition)
  const others = (present.conditions ?? []).filter((c) => !isOwnCondition(c) && !own.some(({ type }) => type === c.type))
  return own.length + others.length === 0 ? {} : { conditions: [...own, ...others] }
}
