// Disk space for LMDB, taken before it writes. Told in the middle of a commit that the disk is full, it writes its error text past the end
// of a buffer of 100 bytes (lmdb 3.5.6, mdb_page_flush), and after a few such commits the process dies.
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'

export interface Room {
  /** Makes sure that LMDB can append this many bytes. Throws what the file system says when it cannot. */
  take(bytes: number): void
  close(): void
}

export type Put = (fd: number, bytes: Uint8Array, length: number, position: number) => number

const step = Buffer.alloc(1024 ** 2)
const put: Put = (fd, bytes, length, position) => writeSync(fd, bytes, 0, length, position)

/**
 * `path` is the database file, `usedBytes` what LMDB has used of it. To be called only while nothing is being committed.
 * Written with zeros, as a hole would be no promise; file systems that never write in place (btrfs, ZFS) make none anyway.
 */
export function openRoom(path: string, usedBytes: () => number, write: Put = put): Room {
  const fd = openSync(path, 'r+')
  let size = 0
  return {
    take(bytes) {
      const wanted = usedBytes() + bytes
      if (wanted <= size) return
      size = fstatSync(fd).size
      if (wanted <= size) return
      const goal = Math.max(wanted, size + step.length)
      while (size < goal) {
        try {
          size += write(fd, step, Math.min(step.length, goal - size), size)
        } catch (error) {
          if (size < wanted) throw error
          return
        }
      }
    },
    close: () => closeSync(fd),
  }
}
