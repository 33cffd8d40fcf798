// postStart and preStop hooks.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { HttpGetAction, LifecycleHandler } from '../api/core/probe.ts'
import type { Clock } from '../lib/clock.ts'
import type { Runtime } from './cri/runtime.ts'
import { type HttpAnswer, httpGet, type HttpOptions, type NetworkTarget } from './network-action.ts'
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
  /** Default: a real request to the Pod's address. The simulation answers itself. */
  httpGet?: ((target: NetworkTarget, action: HttpGetAction, options: HttpOptions) => Promise<HttpAnswer>) | undefined
}

/** A postStart hook failed: kill the container; waiting reason PostStartHookError with this message. The event is recorded already. */
export class HookError extends Error {
  override name = 'HookError'
}

/** Resolves when there is no hook or it went well; rejects with HookError after recording FailedPostStartHook. */
export async function runPostStart(target: HookTarget, world: HookWorld): Promise<void> {
  const hook = target.container.lifecycle?.postStart
  if (!hook) return
  const why = await run(hook, target, world)
  if (why === undefined) return
  const { pod, container } = target
  // k8s: the event does not quote what the hook printed: it may hold secrets
  world.events.event({ pod, container: container.name }, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
  throw new HookError(why)
}

// k8s: however long the hook took, the container gets this long after SIGTERM
const leastSeconds = 2

/**
 * Runs the preStop hook for at most `graceSeconds` and says how many seconds of them are left for SIGTERM (at least 2, as upstream's
 * minimum; exactly `graceSeconds` when there is no hook, or no time for one). Failures are recorded as FailedPreStopHook and
 * otherwise ignored.
 */
export async function runPreStop(target: HookTarget, graceSeconds: number, world: HookWorld): Promise<number> {
  const { pod, container } = target
  const hook = container.lifecycle?.preStop
  if (!hook || graceSeconds <= 0) return graceSeconds
  const { clock, events } = world
  const startedAt = clock.now()
  const over = new AbortController()
  // k8s: a hook that outlasts the grace period is left behind, not ended
  const hooked = run(hook, target, world, over.signal).then((why) => {
    if (why !== undefined) events.event({ pod, container: container.name }, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
    over.abort()
  })
  await Promise.race([hooked, clock.sleep(graceSeconds * 1000, over.signal)])
  over.abort()
  const tookSeconds = Math.floor((clock.now() - startedAt) / 1000)
  return Math.max(leastSeconds, graceSeconds - tookSeconds)
}

/** Why it failed; undefined when it did not. `signal` cuts a sleep short. */
async function run(
  hook: LifecycleHandler,
  target: HookTarget,
  world: HookWorld,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { metadata } = target.pod
  const whose = `for Container "${target.container.name}" in Pod "${metadata.name}_${metadata.namespace}(${metadata.uid})"`
  if (hook.exec) {
    const command = hook.exec.command ?? []
    const failed = await runExec(command, target, world)
    return failed && `Exec lifecycle hook ([${command.join(' ')}]) ${whose} failed - ${failed}`
  }
  if (hook.httpGet) {
    const failed = await runHttp(hook.httpGet, target, world)
    return failed && `HTTP lifecycle hook (${hook.httpGet.path ?? ''}) ${whose} failed - error: ${failed}`
  }
  if (hook.sleep) {
    await world.clock.sleep(hook.sleep.seconds * 1000, signal)
    return undefined
  }
  // k8s: tcpSocket is accepted here and has never done anything but fail
  return `Cannot run handler: invalid handler: ${JSON.stringify(hook)}`
}

async function runExec(command: string[], { containerId }: HookTarget, { runtime }: HookWorld): Promise<string | undefined> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, 0)
    if (exitCode === 0) return undefined
    const output = Buffer.concat([stdout, stderr]).toString('utf8')
    return `error: command '${command.join(' ')}' exited with ${exitCode}: ${Buffer.from(stderr).toString('utf8')}, message: ${JSON.stringify(output)}`
  } catch (error) {
    return `error: ${(error as Error).message}, message: ""`
  }
}

// k8s: a hook's request has no time limit of its own; ours ends with the longest of patience
const httpTimeoutMs = 600_000

async function runHttp(action: HttpGetAction, target: HookTarget, world: HookWorld): Promise<string | undefined> {
  try {
    const answer = await (world.httpGet ?? httpGet)(target, action, { timeoutMs: httpTimeoutMs, agent: 'kube-lifecycle/1.32' })
    // k8s: any answer will do, whatever its status
    return 'error' in answer ? answer.error : undefined
  } catch (error) {
    return (error as Error).message
  }
}
