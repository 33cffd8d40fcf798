// Reads a container's CRI log file as `kubectl logs` wants it: tail, since, timestamps, limit, follow across rotation.
import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { woken } from '../lib/scope.ts'
import { fixedTimestamp, parseLogLine } from './cri/log-line.ts'
import { tailStart } from './log-tail.ts'

export interface LogOptions {
  follow: boolean
  timestamps: boolean
  tailLines?: number | undefined
  /** Only lines written at or after this instant (milliseconds since the epoch). */
  sinceAt?: number | undefined
  limitBytes?: number | undefined
  stream?: 'stdout' | 'stderr' | undefined
}

export interface LogSource {
  path: string
  /** Whether its container has exited, so that nothing more will be written; asked only while following. */
  ended(): Promise<boolean>
}

export interface LogWorld {
  clock: Clock
  signal: AbortSignal
}

const chunkBytes = 64 * 1024
const lineFeed = 0x0a
const checkMs = 500

/**
 * The log's text in pieces of at most about 64 KiB, read only as fast as they are taken. Rejects with ENOENT when there is no
 * such file. k8s: only the current file is read; one that was rotated away before is not looked for. While following, the
 * reader goes on to the new file after a rotation, and ends when the container has exited and its file is drained.
 */
export async function* readLog(source: LogSource, options: LogOptions, world: LogWorld): AsyncGenerator<Buffer> {
  const printer = linePrinter(options)
  const wake = options.follow ? fileWatch(source.path) : undefined
  let file = await open(source.path)
  try {
    const { size } = await file.stat()
    let at = options.tailLines === undefined ? 0 : await tailStart(file, size, options.tailLines)
    for (let last = !options.follow; ; ) {
      for await (const chunk of chunksFrom(file, at)) {
        at += chunk.length
        const text = printer.print(chunk)
        if (text.length > 0) yield text
        if (printer.full()) return
        if (world.signal.aborted) return
      }
      if (last || world.signal.aborted) break
      const next = await nextFile(source.path, file, at)
      if (next === 'truncated') at = 0
      else if (next) {
        // the writer has let go of the old file by now, but may have written after we last looked
        for await (const chunk of chunksFrom(file, at)) yield printer.print(chunk)
        await file.close()
        file = next
        at = 0
      } else if (!(await wake?.wait(world))) last = await source.ended()
    }
    const rest = printer.rest()
    if (rest.length > 0) yield rest
  } finally {
    wake?.close()
    await file.close()
  }
}

async function* chunksFrom(file: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let at = start; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** The file now under that name when it is another one; undefined while it is the same or is just being replaced. */
async function nextFile(path: string, file: FileHandle, at: number): Promise<FileHandle | 'truncated' | undefined> {
  const now = await stat(path).catch(() => undefined)
  if (!now) return undefined
  const ours = await file.stat()
  if (now.ino === ours.ino && now.dev === ours.dev) return now.size < at ? 'truncated' : undefined
  return open(path).catch(() => undefined)
}

interface FileWatch {
  /** True when the file changed, false when nothing was heard for a while. */
  wait(world: LogWorld): Promise<boolean>
  close(): void
}

/** Watches the folder, because rotation replaces the file. Where watching fails, waiting alone makes it a poll. */
function fileWatch(path: string): FileWatch {
  let changed = false
  let wake = () => undefined as void
  const onChange = (_event: string, name: string | null) => {
    if (name !== null && name !== basename(path)) return
    changed = true
    wake()
  }
  const watcher = tryWatch(path, onChange)
  return {
    async wait({ clock, signal }) {
      if (!changed) {
        let cancel = () => undefined as void
        await woken(signal, (done) => {
          wake = done
          cancel = clock.after(checkMs, done)
        })
        cancel()
      }
      const heard = changed
      changed = false
      return heard
    },
    close: () => watcher?.close(),
  }
}

function tryWatch(path: string, onChange: (event: string, name: string | null) => void) {
  try {
    const watcher = watch(dirname(path), { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

interface LinePrinter {
  print(chunk: Buffer): Buffer
  /** What stands in the file without a line feed. */
  rest(): Buffer
  full(): boolean
}

function linePrinter(options: LogOptions): LinePrinter {
  let carry = Buffer.alloc(0)
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  const format = lineFormat(options)
  const limited = (text: Buffer) => {
    const kept = text.subarray(0, Math.min(left, text.length))
    left -= kept.length
    return kept
  }
  return {
    print(chunk) {
      const bytes = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk
      const parts: Buffer[] = []
      let start = 0
      for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
        parts.push(...format(bytes.subarray(start, end)))
        start = end + 1
      }
      carry = Buffer.from(bytes.subarray(start))
      return limited(Buffer.concat(parts))
    },
    rest: () => limited(Buffer.concat(format(carry))),
    full: () => left <= 0,
  }
}

/** Joins the parts of a line; a timestamp stands only where a line begins. */
function lineFormat(options: LogOptions): (raw: Buffer) => Buffer[] {
  let atLineStart = true
  return (raw) => {
    const line = parseLogLine(raw)
    if (!line || (options.stream && line.stream !== options.stream)) return []
    if (options.sinceAt !== undefined && Date.parse(line.timestamp) < options.sinceAt) return []
    const parts = atLineStart && options.timestamps ? [Buffer.from(`${fixedTimestamp(line.timestamp)} `), line.text] : [line.text]
    if (!line.partial) parts.push(Buffer.from('\n'))
    atLineStart = !line.partial
    return parts
  }
}
