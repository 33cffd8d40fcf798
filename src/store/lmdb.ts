// The durable store: one LMDB file in one folder, opened by one process at a time.
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type PidLock, takePidLock } from '../lib/pid-lock.ts'
import { type ChangeLog, changeLog } from './change-log.ts'
import { type Bell, bell, follow } from './follow.ts'
import { checkDatabaseFile } from './lmdb-check.ts'
import { openError } from './lmdb-error.ts'
import { changesAfter, type Database, entryOf, list, presentRecord } from './lmdb-reader.ts'
import { formatKey } from './lmdb-record.ts'
import { openRoom, type Room } from './lmdb-room.ts'
import { openWriter, type Writer } from './lmdb-writer.ts'
import { type Change, CompactedError, type Revision, type Store } from './store.ts'

export interface LmdbStoreOptions {
  /** The folder of the database; made when missing, readable by its owner only. */
  path: string
  /** Changes kept for watches and old revisions; default 50,000. Older ones are compacted away in the background. */
  historyLimit?: number | undefined
  /** Bytes of history kept; default 256 MiB. */
  historyBytes?: number | undefined
  /** Most the file may grow to; default 64 GiB (address space, not disk). */
  mapBytes?: number | undefined
}

const format = 'polypod-store-1'

interface State {
  db: Database
  writer: Writer
  /** The newest changes again, so that watchers who keep up never read the disk. */
  recent: ChangeLog
  announce: Bell
  closed: Promise<void> | undefined
}

/**
 * Opens or creates the store. A resolved `set` is on the disk. Throws LockedError while another live process has the folder open, StoreFullError
 * when there is no space even to open it.
 * Values handed out may be shared with watchers: nobody may write into one.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const lock = await lockFolder(options.path)
  try {
    const { db, room } = await openDatabase(options)
    const state = openState(options, db, room)
    return storeOf(state, async () => {
      await state.writer.idle()
      room.close()
      await db.close()
      await lock.close()
    })
  } catch (error) {
    await lock.close()
    throw await openError(options.path, error)
  }
}

async function lockFolder(path: string): Promise<PidLock> {
  try {
    return await takePidLock(join(path, 'lock.pid'))
  } catch (error) {
    throw await openError(path, error)
  }
}

async function openDatabase({ path, mapBytes = 64 * 1024 ** 3 }: LmdbStoreOptions): Promise<{ db: Database; room: Room }> {
  await checkDatabaseFile(join(path, 'data.mdb'))
  await reserveReaderTable(join(path, 'lock.mdb'))
  // loaded here so that whoever only needs the store in memory never loads it
  const { open } = await import('lmdb')
  const db: Database = open({
    path,
    // or a dot in the folder's name would make it a file
    noSubdir: false,
    // with overlapping sync a resolved put would be visible but not durable
    overlappingSync: false,
    // the writer makes its own batches; lmdb's would add a promise that nobody can catch when a commit fails
    eventTurnBatching: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    // a fixed map: growing it would remap under readers. Not a shift: 1 << 31 is negative, and LMDB then crashes
    mapSize: mapBytes,
  })
  const room = openRoom(join(path, 'data.mdb'), () => usedBytes(db))
  try {
    await checkFormat(db, room, path)
    return { db, room }
  } catch (error) {
    room.close()
    await db.close()
    throw error
  }
}

async function checkFormat(db: Database, room: Room, path: string): Promise<void> {
  const found = db.getBinary(formatKey)?.toString()
  if (found === format) return
  if (found !== undefined)
    throw new Error(`${path} holds a store of format ${JSON.stringify(found)}; this version reads ${format}`)
  room.take(64 * 1024)
  await db.put(formatKey, Buffer.from(format))
}

function usedBytes(db: Database): number {
  const { lastPageNumber, pageSize } = db.getStats() as { lastPageNumber: number; pageSize: number }
  return (lastPageNumber + 1) * pageSize
}

/**
 * LMDB maps its table of readers sparse; on a full disk the first touch of a page would be SIGBUS.
 * A table already written with zeros cannot fail so, only this write can, as an error.
 */
async function reserveReaderTable(path: string): Promise<void> {
  const file = await openFile(path, 'a', 0o600)
  try {
    const { size } = await file.stat()
    const wanted = 16 * 1024
    if (size < wanted) await file.write(Buffer.alloc(wanted - size))
  } finally {
    await file.close()
  }
}

function openState(
  { path, historyLimit = 50_000, historyBytes = 256 * 1024 ** 2 }: LmdbStoreOptions,
  db: Database,
  room: Room,
): State {
  const announce = bell()
  const limits = { changes: historyLimit, bytes: historyBytes }
  const onCommit = (changes: Change[]) => {
    for (const change of changes) recent.append({ change, previousRevision: 0 })
    announce.ring()
  }
  const writer = openWriter({ db, folder: path, room, limits, onCommit })
  const recent = changeLog({ changes: 4096, bytes: 8 * 1024 ** 2 }, writer.revision() + 1)
  return { db, writer, recent, announce, closed: undefined }
}

function storeOf(state: State, close: () => Promise<void>): Store {
  const { writer, announce } = state
  const open = () => {
    if (state.closed) throw new Error('the store is closed')
    return state.db
  }
  const history = {
    after: (since: Revision) => nextChanges(state, since),
    bell: announce,
    closed: () => state.closed !== undefined,
  }
  return {
    get: async (key) => entryOf(presentRecord(open(), key)),
    list: async (prefix, page = {}) => list(open(), prefix, page),
    async set(key, expected, value) {
      open()
      return await writer.set(key, expected, value)
    },
    watch: (prefix, since, signal) => follow(history, prefix, since, signal),
    async revision() {
      open()
      return writer.revision()
    },
    async compact(before) {
      open()
      await writer.compact(before)
    },
    close() {
      state.closed ??= close()
      announce.ring()
      return state.closed
    },
  }
}

const batchSize = 1000

async function nextChanges({ db, recent, writer }: State, since: Revision): Promise<readonly Change[]> {
  if (since < writer.oldest() - 1) throw new CompactedError(writer.oldest())
  if (since >= writer.revision()) return []
  if (recent.reaches(since)) return recent.after(since, batchSize).map((recorded) => recorded.change)
  // a watcher that comes from far back reads page by page and lets others have their turn
  await new Promise<void>((resolve) => void setImmediate(resolve))
  return changesAfter(db, since, batchSize)
}
