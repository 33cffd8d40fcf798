// postStart and preStop hooks.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Clock } from '../lib/clock.ts'
import type { Runtime } from './cri/runtime.ts'
import type { PodEvents } from './pod-events.ts'

export interface HookTarget {
  pod: Pod
  container: Container
  containerId: string
  podIP: string
}

export interface HookWorld {
  runtime: Pick<Runtime, 'execSync'>
  clock: Clock
  events: PodEvents
}

/** A postStart hook failed: kill the container; waiting reason PostStartHookError with this message. The event is recorded already. */
export class HookError extends Error {
  override name = 'HookError'
}

/** Resolves when there is no hook or it went well; rejects with HookError after recording FailedPostStartHook. */
export async function runPostStart(target: HookTarget, world: HookWorld): Promise<void> {
  throw new Error(`not written yet: ${target.containerId} ${Object.keys(world).join()}`)
}

/**
 * Runs the preStop hook for at most `graceSeconds` and says how many seconds of them are left for SIGTERM (at least 2, as upstream's
 * minimum; exactly `graceSeconds` when there is no hook). Failures are recorded as FailedPreStopHook and otherwise ignored.
 */
export async function runPreStop(target: HookTarget, graceSeconds: number, world: HookWorld): Promise<number> {
  throw new Error(`not written yet: ${target.containerId} ${graceSeconds} ${Object.keys(world).join()}`)
}
