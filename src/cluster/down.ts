// `polypod down`: ends a cluster, alive or crashed, and everything it has started.
import { realpath, rm } from 'node:fs/promises'
import type { Clock } from '../lib/clock.ts'
import { isAlive, type PidLock, pidLockHolder } from '../lib/pid-lock.ts'
import { cgroupRootsOf } from '../node/cgroup-tree.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import { mountsUnder } from '../node/volume/mount-table.ts'
import { type DataDir, holdDataDir, isDiskFull } from './data-dir.ts'
import { removeOurPods, unmountNodes } from './node-plan.ts'
import { Problem } from './problem.ts'
import { readSettings } from './settings.ts'

export interface DownOptions {
  dir: DataDir
  clock: Clock
  /** Deletes the data directory too. */
  purge: boolean
  log: (line: string) => void
}

const patienceMs = 120_000
const exitMs = 5000

/** Safe to call when nothing runs, and twice. Says whether a live cluster was stopped. */
export async function down(options: DownOptions): Promise<{ wasRunning: boolean }> {
  const { dir, clock, log } = options
  const pid = await pidLockHolder(dir.lock)
  if (pid !== undefined) await endProcess(pid, dir, clock)
  // it may have been killed, or have failed to clean up: look for what is left whatever happened above
  const lock = await holdDataDir(dir).catch(unlessFull)
  const steps = [
    () => removeRemains(dir, clock, log),
    () => unmountNodes(dir, log),
    () => lock.close(),
    ...(options.purge ? [() => purge(dir)] : []),
  ]
  // what cannot be removed, as by a runtime that is gone, must not keep the rest; it is told at the end
  const failures: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
  return { wasRunning: pid !== undefined }
}

/** A full disk must not keep a cluster alive: without room for the lock it goes without. */
function unlessFull(error: unknown): PidLock {
  if (isDiskFull(error)) return { close: async () => {} }
  throw error
}

/** Never through a mount: behind it may lie a folder of the machine's own. */
async function purge(dir: DataDir): Promise<void> {
  const path = await realpath(dir.path).catch(() => undefined)
  if (path === undefined) return
  const mounts = (await mountsUnder(path)).filter((mount) => mount.path !== path)
  if (mounts.length > 0) throw new Problem('failed', `not deleted, as it holds mounts: ${mounts.map((m) => m.path).join(', ')}`)
  await rm(dir.path, { recursive: true, force: true })
}

async function endProcess(pid: number, dir: DataDir, clock: Clock): Promise<void> {
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid, signal)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EPERM') throw new Problem('notRoot', `process ${pid} belongs to another user: ${message}`)
    }
  }
  kill('SIGTERM')
  const until = clock.now() + patienceMs
  while ((await pidLockHolder(dir.lock)) === pid) {
    if (clock.now() > until) kill('SIGKILL')
    await clock.sleep(20)
  }
  // it has let go of the directory, but may hold files in it until it is gone
  const gone = clock.now() + exitMs
  while (clock.now() < gone && (await isAlive(pid))) await clock.sleep(10)
}

async function removeRemains(dir: DataDir, clock: Clock, log: (line: string) => void): Promise<void> {
  // even a corrupt settings file must not keep what it started alive
  const settings = await readSettings(dir).catch(() => undefined)
  if (settings?.runtime.kind === 'simulated') return
  if (settings?.runtime.kind === 'cri') {
    const { criRuntime } = await import('../node/cri/grpc.ts')
    const runtime = criRuntime(settings.runtime.socket)
    try {
      return await removeOurPods({ runtime, socket: settings.runtime.socket }, { dir, clock, log })
    } finally {
      await runtime.close()
    }
  }
  if (process.getuid?.() !== 0) return
  const { removeContainerd } = await import('../node/containerd/remove.ts')
  await removeContainerd({ dataDir: dir.path, clock, log, cgroupRoots: cgroupRootsOf(instanceName(dir.path)) })
}
