// Reads of the durable store. Each function runs in one turn of the event loop and so sees one snapshot.
import type { RootDatabase } from 'lmdb'
import { compareKeys } from './key-order.ts'
import {
  decodeNumber,
  decodeRecord,
  indexKey,
  indexRange,
  keyOfIndex,
  type LogRecord,
  logKey,
  oldestKey,
  revisionOfLog,
} from './lmdb-record.ts'
import { type Change, CompactedError, type Entry, type Listing, type Page, type Revision } from './store.ts'

export type Database = RootDatabase<Buffer, Buffer>

export interface Logged extends LogRecord {
  revision: Revision
}

export function recordAt(db: Database, revision: Revision): LogRecord | undefined {
  const bytes = db.getBinary(logKey(revision))
  return bytes && decodeRecord(bytes)
}

/** The record that holds the present value of `key`. */
export function presentRecord(db: Database, key: string): Logged | undefined {
  const bytes = db.getBinary(indexKey(key))
  if (!bytes) return undefined
  const revision = decodeNumber(bytes)
  return { ...recordThere(db, revision), revision }
}

export function entryOf(record: Logged | undefined): Entry | undefined {
  if (!record || record.value === null) return undefined
  return { key: record.key, value: record.value, revision: record.revision }
}

/** Revision of the last line of the log; 0 when nothing was ever written. */
export function newestRevision(db: Database): Revision {
  for (const key of db.getKeys({ start: logKey(Number.MAX_SAFE_INTEGER), end: logKey(0), reverse: true, limit: 1 }))
    return revisionOfLog(key)
  return 0
}

export function oldestRevision(db: Database): Revision {
  const bytes = db.getBinary(oldestKey)
  return bytes ? decodeNumber(bytes) : 0
}

/** Log lines from `first` on, at most `limit` and about 4 MiB of them. */
export function logFrom(db: Database, first: Revision, limit: number): Logged[] {
  const found: Logged[] = []
  let bytes = 0
  for (const { key, value } of db.getRange({ start: logKey(first), end: logKey(Number.MAX_SAFE_INTEGER), limit })) {
    found.push({ ...decodeRecord(value), revision: revisionOfLog(key) })
    bytes += value.length
    if (bytes > 4 * 1024 ** 2) break
  }
  return found
}

/** The next changes after `since`, with the values before; throws CompactedError. */
export function changesAfter(db: Database, since: Revision, limit: number): Change[] {
  const oldest = oldestRevision(db)
  if (since < oldest - 1) throw new CompactedError(oldest)
  return logFrom(db, since + 1, limit).map(({ key, value, revision, previousRevision }) => {
    const previous = previousRevision === 0 ? undefined : recordAt(db, previousRevision)?.value
    return { key, value, revision, ...(previous && { previous }) }
  })
}

export function list(db: Database, prefix: string, page: Page): Listing {
  const newest = newestRevision(db)
  const { after = '', limit = Infinity, at = newest } = page
  if (at > newest) throw new RangeError(`revision ${at} is in the future; the newest is ${newest}`)
  const oldest = oldestRevision(db)
  if (at < oldest) throw new CompactedError(oldest)
  const found = indexAt(db, { prefix, after, at, wanted: limit + 1 })
  const entries = found
    .slice(0, limit)
    .map(([, revision]) => entryOf({ ...recordThere(db, revision), revision }) ?? broken(revision))
  return { entries, revision: at, more: found.length > limit }
}

interface Query {
  prefix: string
  after: string
  at: Revision
  wanted: number
}

/** The first `wanted` keys as of `at`, with their revisions then. */
function indexAt(db: Database, { prefix, after, at, wanted }: Query): [string, Revision][] {
  const found: [string, Revision][] = []
  for (const { key, value } of db.getRange(indexRange(prefix, after))) {
    const revision = decodeNumber(value)
    if (revision <= at) found.push([keyOfIndex(key), revision])
    if (found.length >= wanted) break
  }
  const before = replacedSince(db, at)
  for (const [key, revision] of before)
    if (revision !== 0 && key.startsWith(prefix) && compareKeys(key, after) > 0) found.push([key, revision])
  return before.size === 0 ? found : found.sort(([a], [b]) => compareKeys(a, b)).slice(0, wanted)
}

/** For every key changed after `at`: its revision then, 0 when it was absent. */
function replacedSince(db: Database, at: Revision): Map<string, Revision> {
  const before = new Map<string, Revision>()
  for (const { value } of db.getRange({ start: logKey(at + 1), end: logKey(Number.MAX_SAFE_INTEGER) })) {
    const { key, previousRevision } = decodeRecord(value)
    if (!before.has(key)) before.set(key, previousRevision)
  }
  return before
}

function recordThere(db: Database, revision: Revision): LogRecord {
  return recordAt(db, revision) ?? broken(revision)
}

function broken(revision: Revision): never {
  throw new Error(`the store is damaged: its index names revision ${revision}, which is not in the log`)
}
