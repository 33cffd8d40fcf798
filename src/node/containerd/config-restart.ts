// Makes a containerd read its configuration again: containers live under their shims and do not notice.
import type { Clock } from '../../lib/clock.ts'
import { criRuntime } from '../cri/grpc.ts'
import type { RuntimeStatus } from '../cri/runtime.ts'
import { command } from './command.ts'
import type { InstancePaths } from './instance-paths.ts'
import { launchInstance, logSize, logTail, runningInstance, sendSignal, startTimeOf } from './instance-process.ts'

export interface OwnInstance {
  paths: InstancePaths
  containerd: string
  /** Whether a running cluster starts it again by itself. */
  isSupervised: boolean
}

/** Undefined when it answers again; else why it does not, in containerd's own last words. */
export async function restartOwn({ paths, containerd, isSupervised }: OwnInstance, clock: Clock): Promise<string | undefined> {
  const old = await runningInstance(paths, clock)
  const from = await logSize(paths)
  if (old) await end(old, clock)
  // whoever supervises it starts it again
  if (!isSupervised) await launchInstance(containerd, paths)
  const until = clock.now() + 20_000
  while (clock.now() < until) {
    const now = await runningInstance(paths, clock)
    if (now && now.startTime !== old?.startTime && (await statusAt(paths.socket))) return undefined
    await clock.sleep(100)
  }
  return (await logTail(paths, from)) || `containerd does not answer on ${paths.socket}`
}

async function end({ pid, startTime }: { pid: number; startTime: string }, clock: Clock): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    sendSignal(pid, name)
    for (let waited = 0; waited < 5000; waited += 20) {
      if ((await startTimeOf(pid)) !== startTime) return
      await clock.sleep(20)
    }
  }
}

/** Runs a shell command that restarts it. Undefined when CRI answers afterwards; else why not. */
export async function restartBy(shell: string, socket: string, clock: Clock): Promise<string | undefined> {
  const { code, stderr, stdout } = await command('/bin/sh', ['-c', shell], 120_000)
  if (code !== 0) return `\`${shell}\` failed: ${(stderr.trim() || stdout.trim()).split('\n').at(-1) ?? ''}`
  const until = clock.now() + 30_000
  while (clock.now() < until) {
    if (await statusAt(socket)) return undefined
    await clock.sleep(100)
  }
  return `containerd does not answer on ${socket}`
}

/** Undefined while CRI does not answer. */
export async function statusAt(socket: string): Promise<RuntimeStatus | undefined> {
  const runtime = criRuntime(socket)
  try {
    return await runtime.status()
  } catch {
    return undefined
  } finally {
    await runtime.close()
  }
}
