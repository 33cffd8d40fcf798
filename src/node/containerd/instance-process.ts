// The containerd process of an instance: started detached, found again by pid and start time, ended.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { writeAtomically } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'
import { woken } from '../../lib/scope.ts'
import { toolEnvironment } from './command.ts'
import type { InstancePaths } from './instance-paths.ts'

export interface InstanceProcess {
  pid: number
  /** Clock ticks since boot, from /proc: a pid used again by another process has another one. */
  startTime: string
  /** Of the configuration it was started with. */
  configHash: string
  /** Resolves when the process has ended or `signal` aborts. */
  ended(signal: AbortSignal): Promise<void>
}

/** State and start time of a process; undefined when there is none, or only its zombie. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // the name, in parentheses, may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The process an earlier run of ours left behind, if it still lives. */
export async function runningInstance(paths: InstancePaths, clock: Clock): Promise<InstanceProcess | undefined> {
  const text = await readFile(paths.process, 'utf8').catch(() => '{}')
  const { pid, startTime, configHash } = parsed(text)
  if (pid === undefined || startTime === undefined || (await startTimeOf(pid)) !== startTime) return undefined
  const ended = async (signal: AbortSignal) => {
    while (!signal.aborted && (await startTimeOf(pid)) === startTime) await clock.sleep(500, signal)
  }
  return { pid, startTime, configHash: configHash ?? '', ended }
}

function parsed(text: string): Partial<Pick<InstanceProcess, 'pid' | 'startTime' | 'configHash'>> {
  try {
    return JSON.parse(text) as Partial<InstanceProcess>
  } catch {
    // cut short by a crash: whoever wrote it did not get far
    return {}
  }
}

const logLimitBytes = 10 * 1024 * 1024

/** Starts containerd, with the configuration on disk, so that it outlives us. Rejects when it cannot be started at all. */
export async function launchInstance(containerd: string, paths: InstancePaths): Promise<InstanceProcess> {
  const config = await readFile(paths.config, 'utf8')
  const size = await stat(paths.log).then(
    (s) => s.size,
    () => 0,
  )
  const log = await open(paths.log, size > logLimitBytes ? 'w' : 'a', 0o600)
  try {
    const args = ['--config', paths.config, '--root', paths.root, '--state', paths.state, '--address', paths.socket]
    // containerd looks for shims in its working directory first: it must be one of ours
    const options = {
      detached: true,
      cwd: paths.dir,
      env: toolEnvironment(),
      stdio: ['ignore', log.fd, log.fd] as ['ignore', number, number],
    }
    const child = spawn(containerd, args, options)
    let exited = false
    const exit = new Promise<void>((resolve) => {
      child.once('exit', () => {
        exited = true
        resolve()
      })
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const pid = child.pid ?? 0
    const startTime = (await startTimeOf(pid)) ?? ''
    const configHash = hashOf(config)
    // half a file would hide a running containerd from the next start
    await writeAtomically(paths.process, JSON.stringify({ pid, startTime, configHash }), 0o600)
    const ended = (signal: AbortSignal) => (exited ? Promise.resolve() : woken(signal, (wake) => void exit.then(wake)))
    return { pid, startTime, configHash, ended }
  } finally {
    await log.close()
  }
}

/** SIGTERM, then SIGKILL after 5 s. Containers do not notice. */
export async function endInstance(process: InstanceProcess, paths: InstancePaths, clock: Clock): Promise<void> {
  await endProcess(process.pid, process.startTime, clock)
  await rm(paths.process, { force: true })
}

async function endProcess(pid: number, startTime: string, clock: Clock): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    if ((await startTimeOf(pid)) !== startTime) return
    sendSignal(pid, name)
    for (let waited = 0; waited < 5000; waited += 20) {
      if ((await startTimeOf(pid)) !== startTime) return
      await clock.sleep(20)
    }
  }
}

/** A process that is gone already is no error. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH
  }
}

/** The last lines containerd wrote since `from` (bytes), for a user who must know why it ended. */
export async function logTail(paths: InstancePaths, from: number, lines = 5): Promise<string> {
  const text = await readFile(paths.log).catch(() => Buffer.alloc(0))
  const fresh = text.subarray(from <= text.length ? from : 0).toString()
  const worth = fresh.split('\n').filter((line) => line !== '' && !/level=(info|debug)/.test(line))
  return worth.slice(-lines).join('\n')
}

export const logSize = (paths: InstancePaths): Promise<number> =>
  stat(paths.log).then(
    (s) => s.size,
    () => 0,
  )
