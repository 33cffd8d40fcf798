// The log of a cluster: lines appended to a file, which may be on a disk that is full.
import { closeSync, openSync, writeSync } from 'node:fs'

export interface LogFile {
  write(line: string): void
  close(): void
}

/**
 * Opens `path` for appending (mode 0600). `write` never throws: what there is no room for is dropped, and the next line that finds
 * room says how much. Lines go out at once, so that the last words before a crash are there. Throws when it cannot be opened.
 */
export function logFile(path: string, put: (fd: number, bytes: Buffer) => number = writeSync): LogFile {
  const fd = openSync(path, 'a', 0o600)
  let lost = 0
  let torn = false
  return {
    write(line) {
      const gap =
        lost === 0 ? '' : `${torn ? '\n' : ''}{"level":40,"msg":"${lost} lines were lost: the log could not be written"}\n`
      const bytes = Buffer.from(gap + line)
      const written = tried(() => put(fd, bytes))
      if (written === bytes.length) {
        lost = 0
        torn = false
        return
      }
      lost++
      torn ||= written > 0
    },
    close: () => closeSync(fd),
  }
}

function tried(write: () => number): number {
  try {
    return write()
  } catch {
    return 0
  }
}
