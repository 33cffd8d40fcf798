// Whether a file can be an LMDB database at all: LMDB maps it without looking, and the process would die of what is missing.
import { open, type FileHandle } from 'node:fs/promises'

const pageBytes = 4096
const magic = 0xbeefc0de
// of MDB_meta behind a page header of 24 bytes, as lmdb 3 has it
const at = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152 } as const

/** Throws an Error of one line when `path` is there and is not whole. An absent or empty file is one that LMDB will begin. */
export async function checkDatabaseFile(path: string): Promise<void> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return
  try {
    const why = await whatIsWrong(file)
    if (why !== undefined) throw new Error(`${path} is corrupt (${why})`)
  } finally {
    await file.close()
  }
}

async function whatIsWrong(file: FileHandle): Promise<string | undefined> {
  const { size } = await file.stat()
  if (size === 0) return undefined
  const pages = Buffer.alloc(2 * pageBytes)
  const { bytesRead } = await file.read(pages, 0, pages.length, 0)
  const metas = [pages.subarray(0, pageBytes), pages.subarray(pageBytes)]
  if (bytesRead < pages.length || metas.some((meta) => meta.readUInt32LE(at.magic) !== magic)) return 'it is no database'
  // the newer of the two tells how far the file is used
  const [first, second] = metas.map((meta) => ({
    transaction: meta.readBigUInt64LE(at.transaction),
    bytes: (meta.readBigUInt64LE(at.lastPage) + 1n) * BigInt(meta.readUInt32LE(at.pageSize)),
  }))
  const used = (first && second && second.transaction > first.transaction ? second : first)?.bytes ?? 0n
  return used > BigInt(size) ? `it ends after ${size} of ${used} bytes` : undefined
}
