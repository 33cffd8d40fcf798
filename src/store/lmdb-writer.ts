// Writes of the durable store: callers queue, one transaction at a time takes what waits (group commit) and compacts on the way.
import { type Deferred, deferred } from '../lib/deferred.ts'
import {
  type Database,
  entryOf,
  type Logged,
  logFrom,
  newestRevision,
  oldestRevision,
  presentRecord,
  recordAt,
} from './lmdb-reader.ts'
import { writeError } from './lmdb-error.ts'
import { encodeNumber, encodeRecord, indexKey, logKey, oldestKey, recordBytes } from './lmdb-record.ts'
import type { Room } from './lmdb-room.ts'
import type { Change, Outcome, Revision } from './store.ts'

export interface WriterOptions {
  db: Database
  /** The folder the database lies in, to ask for free space. */
  folder: string
  room: Room
  /** History kept: changes and bytes. */
  limits: { changes: number; bytes: number }
  /** Hears of every committed change, in order, before the writers do. */
  onCommit: (changes: Change[]) => void
}

export interface Writer {
  set(key: string, expected: Revision, value: Uint8Array | null): Promise<Outcome>
  compact(before: Revision): Promise<void>
  /** Newest committed revision. */
  revision(): Revision
  /** The first revision that can still be asked for. */
  oldest(): Revision
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
}

interface Waiting {
  key: string
  expected: Revision
  value: Uint8Array | null
  answer: Deferred<Outcome>
}

interface State extends WriterOptions {
  queue: Waiting[]
  running: Promise<void> | undefined
  revision: Revision
  totalBytes: number
  oldest: Revision
  oldestTotalBytes: number
  /** Somebody asked to compact up to here. */
  target: Revision
  compactions: { before: Revision; answer: Deferred<void> }[]
  trimming: boolean
}

const batchSets = 2048
const batchBytes = 16 * 1024 ** 2
const compactionStep = 2048

export function openWriter(options: WriterOptions): Writer {
  const { db } = options
  const [revision, oldest] = [newestRevision(db), oldestRevision(db)]
  const totalAt = (at: Revision) => recordAt(db, at)?.totalBytes ?? 0
  const state: State = {
    ...options,
    queue: [],
    running: undefined,
    revision,
    totalBytes: totalAt(revision),
    oldest,
    oldestTotalBytes: totalAt(oldest),
    target: oldest,
    compactions: [],
    trimming: false,
  }
  return {
    async set(key, expected, value) {
      indexKey(key)
      const answer = deferred<Outcome>()
      state.queue.push({ key, expected, value, answer })
      start(state)
      return answer.promise
    },
    compact(before) {
      const answer = deferred<void>()
      const clamped = Math.min(before, state.revision)
      state.target = Math.max(state.target, clamped)
      state.compactions.push({ before: clamped, answer })
      start(state)
      return answer.promise
    },
    revision: () => state.revision,
    oldest: () => state.oldest,
    idle: async () => {
      while (state.running) await state.running
    },
  }
}

function start(state: State): void {
  state.running ??= drain(state).finally(() => {
    state.running = undefined
    if (state.queue.length > 0 || state.compactions.length > 0) start(state)
  })
}

async function drain(state: State): Promise<void> {
  while (state.queue.length > 0 || state.compactions.length > 0 || state.trimming) {
    // callers answered by the last commit write again within this turn: take them along
    await new Promise<void>((resolve) => void setImmediate(resolve))
    await turn(state)
  }
}

/** What one transaction is to do. */
interface Batch {
  answers: { waiting: Waiting; outcome: Outcome }[]
  puts: { record: Logged; previous: Uint8Array | undefined }[]
  removals: Revision[]
  oldest: Revision
  oldestTotalBytes: number
  totalBytes: number
}

async function turn(state: State): Promise<void> {
  const waiting = takeWaiting(state)
  let batch: Batch
  try {
    batch = plan(state, waiting)
    if (batch.puts.length > 0 || batch.removals.length > 0 || batch.oldest !== state.oldest) {
      state.room.take(roomFor(batch))
      await commit(state.db, batch, state.oldest)
    }
  } catch (error) {
    return refuse(state, waiting, await writeError(state.folder, error))
  }
  accept(state, batch)
}

function takeWaiting(state: State): Waiting[] {
  let count = 0
  for (let bytes = 0; count < state.queue.length && count < batchSets && bytes < batchBytes; count++)
    bytes += state.queue[count]?.value?.length ?? 0
  return state.queue.splice(0, count)
}

/** Decides every write against what is committed and what comes before it in this batch. */
function plan(state: State, waiting: Waiting[]): Batch {
  const { oldest, oldestTotalBytes, totalBytes } = state
  const batch: Batch = { answers: [], puts: [], removals: [], oldest, oldestTotalBytes, totalBytes }
  const present = new Map<string, Logged | undefined>()
  for (const one of waiting) {
    const current = present.has(one.key) ? present.get(one.key) : presentRecord(state.db, one.key)
    const entry = entryOf(current)
    const newest = state.revision + batch.puts.length
    if ((entry?.revision ?? 0) !== one.expected) {
      batch.answers.push({ waiting: one, outcome: { done: false, current: entry } })
      continue
    }
    const revision = entry || one.value !== null ? newest + 1 : newest
    batch.answers.push({ waiting: one, outcome: { done: true, revision } })
    if (revision === newest) continue
    batch.totalBytes += recordBytes(one.key, one.value)
    const record = { key: one.key, value: one.value, previousRevision: one.expected, totalBytes: batch.totalBytes, revision }
    batch.puts.push({ record, previous: entry?.value })
    present.set(one.key, record)
  }
  planCompaction(state, batch)
  return batch
}

/** Takes a step of history away when somebody asked for it or the limits are passed. */
function planCompaction(state: State, batch: Batch): void {
  const { limits } = state
  const tooMany = (oldest: Revision, factor: number) => state.revision - oldest > limits.changes * factor
  const tooBig = (total: number, factor: number) => state.totalBytes - total > limits.bytes * factor
  state.trimming ||= tooMany(batch.oldest, 1.1) || tooBig(batch.oldestTotalBytes, 1.1)
  if (!state.trimming && batch.oldest >= state.target) return
  for (const line of logFrom(state.db, batch.oldest, compactionStep)) {
    const goOn = line.revision < state.target || (state.trimming && (tooMany(line.revision, 1) || tooBig(line.totalBytes, 1)))
    if (!goOn) {
      state.trimming = false
      // the log begins at 1: nothing is lost between 0 and there
      batch.oldest = Math.max(batch.oldest, Math.min(state.target, line.revision))
      return
    }
    batch.oldest = line.revision + 1
    batch.oldestTotalBytes = line.totalBytes
    // this line is now before the oldest: nobody can ask any more for what it replaced, nor hear of its deletion
    if (line.previousRevision !== 0) batch.removals.push(line.previousRevision)
    if (line.value === null) batch.removals.push(line.revision)
  }
}

const pageBytes = 4096

/** What a batch may append: its values, a leaf or two for each put and removal, and copies of what leads there. */
function roomFor({ puts, removals }: Batch): number {
  const values = puts.reduce((pages, { record }) => pages + Math.ceil(recordBytes(record.key, record.value) / pageBytes), 0)
  return (values + 3 * puts.length + 2 * removals.length + 64) * pageBytes
}

async function commit(db: Database, batch: Batch, oldest: Revision): Promise<void> {
  const writes: Promise<unknown>[] = []
  const whole = db.batch(() => {
    for (const { record } of batch.puts) {
      const { revision } = record
      writes.push(db.put(logKey(revision), encodeRecord(record)))
      const key = indexKey(record.key)
      writes.push(record.value === null ? db.remove(key) : db.put(key, encodeNumber(revision)))
    }
    for (const revision of batch.removals) writes.push(db.remove(logKey(revision)))
    if (batch.oldest !== oldest) writes.push(db.put(oldestKey, encodeNumber(batch.oldest)))
  })
  // a failed commit rejects each of its writes as well
  for (const write of writes) write.catch(() => undefined)
  await whole
}

function accept(state: State, batch: Batch): void {
  state.revision += batch.puts.length
  state.totalBytes = batch.totalBytes
  state.oldest = batch.oldest
  state.oldestTotalBytes = batch.oldestTotalBytes
  if (batch.puts.length > 0) state.onCommit(batch.puts.map(changeOf))
  for (const { waiting, outcome } of batch.answers) waiting.answer.resolve(outcome)
  const done = state.compactions.filter(({ before }) => before <= state.oldest)
  state.compactions = state.compactions.filter(({ before }) => before > state.oldest)
  for (const { answer } of done) answer.resolve()
}

function changeOf({ record: { key, value, revision }, previous }: Batch['puts'][number]): Change {
  return { key, value, revision, ...(previous && { previous }) }
}

function refuse(state: State, waiting: Waiting[], error: Error): void {
  state.trimming = false
  state.target = state.oldest
  for (const { answer } of waiting) answer.reject(error)
  for (const { answer } of state.compactions.splice(0)) answer.reject(error)
}
