// The canary: a throw-away sandbox that shows whether a handler works. It is no Pod: it carries none of the labels by which Pods
// are found, belongs to no namespace of users, and is gone when its result is known.
import { randomUUID } from 'node:crypto'
import { systemNamespace } from '../../api/polypod/node-handler.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Runtime, RuntimeError, type SandboxConfig, type SandboxStatus } from '../cri/runtime.ts'

/** On every canary, with the owner of the node: runtimes are shared. */
export const canaryLabel = 'polypod.dev/canary-of'

export interface CanaryWorld {
  runtime: Pick<Runtime, 'runSandbox' | 'stopSandbox' | 'removeSandbox' | 'sandboxStatus' | 'listSandboxes'>
  clock: Clock
  owner: string
  /** CRI cgroup_parent; empty: the runtime's business. */
  cgroupParent: string
  /** Nothing is real: no network is made. */
  simulated: boolean
  log: (line: string) => void
}

export type CanaryResult =
  | { ok: true; startedAtMs: number; durationMs: number; evidence: SandboxStatus['evidence'] }
  | {
      ok: false
      startedAtMs: number
      durationMs: number
      reason: 'CanaryFailed' | 'CanaryTimedOut'
      /** The runtime's own words. */
      message: string
    }
  /** The runtime does not answer: that says nothing about the handler. */
  | 'away'

export interface CanaryOptions {
  annotations?: Record<string, string> | undefined
  timeoutMs: number
  /** The node ends. */
  signal?: AbortSignal | undefined
  /** Looks at what serves the sandbox while it is there. */
  look?: ((evidence: SandboxStatus['evidence']) => Promise<void>) | undefined
}

/** Starts a sandbox on `handler`, and takes it away again. Never rejects. */
export async function runCanary(world: CanaryWorld, handler: string, options: CanaryOptions): Promise<CanaryResult> {
  const { runtime, clock } = world
  const startedAtMs = clock.now()
  const took = () => ({ startedAtMs, durationMs: Math.round(clock.now() - startedAtMs) })
  const over = new AbortController()
  const started = runtime.runSandbox(canaryConfig(world, handler, options.annotations), handler)
  const limit = patience(clock, options, over.signal)
  try {
    const id = await Promise.race([started, limit])
    if (id === 'late') {
      // it may come yet
      void started.then((late) => remove(world, late)).catch(() => {})
      const message = `no sandbox within ${options.timeoutMs / 1000} s`
      return { ok: false, ...took(), reason: 'CanaryTimedOut', message }
    }
    const runs = took()
    const evidence = await evidenceOf(world, id, options)
    await remove(world, id)
    return { ok: true, ...runs, evidence }
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'Unavailable') return 'away'
    return { ok: false, ...took(), reason: 'CanaryFailed', message: error instanceof Error ? error.message : String(error) }
  } finally {
    over.abort()
  }
}

/** Ends after the time limit, or soon after whoever wants to know is gone. */
async function patience(clock: Clock, { timeoutMs, signal }: CanaryOptions, over: AbortSignal): Promise<'late'> {
  await clock.sleep(timeoutMs, signal ? AbortSignal.any([over, signal]) : over)
  // most canaries end within a second: one that is under way had better be taken away than left
  if (signal?.aborted) await clock.sleep(2000, over)
  return 'late'
}

/** What cannot be told is left out: the proof is the sandbox itself. */
async function evidenceOf({ runtime }: CanaryWorld, id: string, { look }: CanaryOptions): Promise<SandboxStatus['evidence']> {
  try {
    const { evidence } = await runtime.sandboxStatus(id)
    await look?.(evidence)
    return evidence
  } catch {
    return {}
  }
}

async function remove({ runtime }: CanaryWorld, id: string): Promise<void> {
  await runtime.stopSandbox(id)
  await runtime.removeSandbox(id)
}

/** Takes away what a canary left that nobody could finish. Never rejects. */
export async function removeCanaries(world: CanaryWorld): Promise<void> {
  const left = await world.runtime.listSandboxes({ [canaryLabel]: world.owner }).catch(() => [])
  for (const { id } of left)
    await remove(world, id).catch((error: unknown) => world.log(`cannot remove canary sandbox ${id}: ${String(error)}`))
}

function canaryConfig(world: CanaryWorld, handler: string, annotations: Record<string, string> = {}): SandboxConfig {
  return {
    metadata: { name: `canary-${handler}`, uid: randomUUID(), namespace: systemNamespace, attempt: 0 },
    hostname: 'canary',
    logDirectory: '',
    portMappings: [],
    labels: { [canaryLabel]: world.owner },
    annotations,
    linux: {
      cgroupParent: world.cgroupParent,
      sysctls: {},
      security: {
        // a network of its own, as Pods have: some runtimes refuse the machine's
        namespaces: { network: world.simulated ? 'node' : 'pod', pid: 'pod', ipc: 'pod' },
        supplementalGroups: [],
        privileged: false,
        seccomp: { type: 'RuntimeDefault' },
      },
      overhead: {},
      resources: {},
    },
  }
}
