// One live process per directory: a lock file that names its holder, and that a killed holder does not leave locked.
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Somebody alive holds the lock. */
export class LockedError extends Error {
  override name = 'LockedError'
  readonly path: string
  readonly pid: number
  constructor(path: string, pid: number) {
    super(`${dirname(path)} is in use by ${pid === process.pid ? 'this process' : `process ${pid}`} (${path})`)
    this.path = path
    this.pid = pid
  }
}

export interface PidLock {
  close(): Promise<void>
}

let attempts = 0

/** Takes the lock file at `path`, creating directories on the way; throws LockedError while a live process holds it. */
export async function takePidLock(path: string): Promise<PidLock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const own = `${path}.${process.pid}.${attempts++}`
  const text = `${process.pid} ${(await identityOf(process.pid)) ?? ''}\n`
  try {
    await writeFile(own, text, { mode: 0o600 })
    // a link either is made or fails, and never shows a half-written file
    while (!(await linked(own, path))) await breakStale(path, own)
  } finally {
    await rm(own, { force: true })
  }
  return {
    async close() {
      if ((await textAt(path)) === text) await rm(path, { force: true })
    },
  }
}

/** The process that holds the lock at `path`, or undefined when it is free or its holder is dead. */
export async function pidLockHolder(path: string): Promise<number | undefined> {
  return liveHolder((await textAt(path)) ?? '')
}

/** Whether there is such a process, and more of it than its exit code. */
export const isAlive = async (pid: number): Promise<boolean> => (await identityOf(pid)) !== undefined

async function liveHolder(text: string): Promise<number | undefined> {
  const [, pid = '', identity = ''] = /^(\d+) (.*)\n$/.exec(text) ?? []
  const alive = pid !== '' && (await identityOf(Number(pid))) === identity
  return alive ? Number(pid) : undefined
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Removes a lock whose holder is dead. One breaker at a time: two that both saw the dead holder could remove a fresh lock. */
async function breakStale(path: string, own: string): Promise<void> {
  const guard = `${path}.break`
  if (!(await linked(own, guard))) return forgetDeadBreaker(guard)
  try {
    const seen = await textAt(path)
    const holder = seen === undefined ? undefined : await liveHolder(seen)
    if (holder !== undefined) throw new LockedError(path, holder)
    if (seen !== undefined) await rm(path, { force: true })
  } finally {
    await rm(guard, { force: true })
  }
}

async function forgetDeadBreaker(guard: string): Promise<void> {
  const seen = await textAt(guard)
  if (seen !== undefined && (await liveHolder(seen)) === undefined) await rm(guard, { force: true })
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** What tells a process from a later one with the same pid; empty where the system does not say, undefined when it is gone. */
async function identityOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!isCode(error, 'EPERM')) return undefined
  }
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // the process name may hold spaces and brackets; state is the first field after it, start time the twentieth
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // a zombie holds nothing any more
    return fields[0] === 'Z' ? undefined : `${boot.trim()} ${fields[19]}`
  } catch {
    return ''
  }
}

const isCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code
