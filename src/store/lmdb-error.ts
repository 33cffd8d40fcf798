// What LMDB and the file system say when a write fails, in words of ours.
import { statfs } from 'node:fs/promises'
import { StoreFullError } from './store.ts'

/** A write that failed with less than this left failed for want of space: LMDB reports its own short writes as EIO. */
const spareBytes = 1024 ** 2
const full = new Set<unknown>(['ENOSPC', 'EDQUOT', 28, 122, -30792])
const inputOutput = 5

/** StoreFullError when `folder` has no space left, else `error` as it was, as the cause of an Error. */
export async function writeError(folder: string, error: unknown): Promise<Error> {
  const cause = await commitErrorOf(error)
  return (await isFull(folder, cause)) ? new StoreFullError(cause) : new Error('the store could not write', { cause })
}

/** As `writeError`, but anything else stays as it is. */
export async function openError(folder: string, error: unknown): Promise<unknown> {
  const cause = await commitErrorOf(error)
  return (await isFull(folder, cause)) ? new StoreFullError(cause) : cause
}

async function isFull(folder: string, cause: unknown): Promise<boolean> {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (full.has(code)) return true
  if (code !== inputOutput) return false
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < spareBytes
}

/** lmdb hides the reason of a failed commit behind a second promise. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  try {
    if (error instanceof Error && 'commitError' in error) await error.commitError
  } catch (cause) {
    return cause
  }
  return error
}
