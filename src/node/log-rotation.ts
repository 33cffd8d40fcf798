// Keeps container logs from filling the disk: 10 MiB each, five files per container.
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { createReadStream, createWriteStream } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../lib/clock.ts'
import type { ContainerStatus, Runtime } from './cri/runtime.ts'

export interface RotationOptions {
  runtime: Pick<Runtime, 'reopenContainerLog'>
  clock: Clock
  /** Default 10 MiB. */
  maxBytes?: number | undefined
  /** With the one being written; default 5, at least 2. */
  maxFiles?: number | undefined
}

const defaultMaxBytes = 10 * 1024 * 1024

/** Rotates the log of a running container once it is too large: the older ones are compressed, the oldest go. */
export async function rotateLog(
  { id, logPath }: Pick<ContainerStatus, 'id' | 'logPath'>,
  options: RotationOptions,
): Promise<void> {
  const { runtime, clock, maxBytes = defaultMaxBytes, maxFiles = 5 } = options
  const size = await stat(logPath).then(
    (found) => found.size,
    () => 0,
  )
  if (size < maxBytes) return
  const old = await rotated(logPath)
  // room for the one rotated now and the one written next
  const kept = maxFiles - 2
  for (const path of old.slice(0, Math.max(0, old.length - kept))) await rm(path, { force: true })
  for (const path of old.slice(-kept || old.length)) if (!path.endsWith('.gz')) await compress(path)
  const to = `${logPath}.${stamp(clock.now())}`
  await rename(logPath, to)
  try {
    await runtime.reopenContainerLog(id)
  } catch (error) {
    // it goes on writing to the old file: that has to keep its name
    await rename(to, logPath)
    throw error
  }
}

/** Rotated files of a log, oldest first; what a crash left half compressed goes. */
async function rotated(logPath: string): Promise<string[]> {
  const folder = dirname(logPath)
  const prefix = `${basename(logPath)}.`
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix)).toSorted()
  const halves = names.filter((name) => name.endsWith('.tmp'))
  for (const name of halves) await rm(join(folder, name), { force: true })
  return names.filter((name) => !halves.includes(name)).map((name) => join(folder, name))
}

async function compress(path: string): Promise<void> {
  const half = `${path}.tmp`
  await pipeline(createReadStream(path), createGzip(), createWriteStream(half, { mode: 0o640 }))
  await rename(half, `${path}.gz`)
  await rm(path, { force: true })
}

/** As upstream names rotated files: 20060102-150405. */
const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
