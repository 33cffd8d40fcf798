// One worker per Pod: looks at what is, plans, does, reports; again whenever something may have changed.
import type { Pod } from '../api/core/pod.ts'
import { backoff } from '../lib/backoff.ts'
import { type Mailbox, mailbox } from '../lib/mailbox.ts'
import { RuntimeError } from './cri/runtime.ts'
import { checkLimits, limitsAreDue } from './limit-check.ts'
import { planPod } from './pod-plan.ts'
import { uidOf } from './pod-labels.ts'
import { podStatus } from './pod-status.ts'
import { clearAway, take } from './pod-steps.ts'
import { type Failure, noteOn, podIPOf, type PodMemory, type PodWorld } from './pod-world.ts'
import { keyOfStep, type Plan, type Step } from './plan-step.ts'
import { allContainers } from './sandbox-config.ts'
import { withConditionsOf } from './status-writer.ts'
import { newSight, nothingSeen, seePod, type Seen } from './seen.ts'
import { noted } from './trace/pod-notes.ts'
import { showsChange } from './volumes.ts'

export interface PodWorker {
  /** The newest version of the Pod. `quiet`: nothing in it concerns the worker. */
  update(pod: Pod, quiet: boolean): void
  /** It is not in the API any more. */
  gone(): void
  /** Something may have changed. */
  wake(): void
  /** What failed may go well now: delays are forgotten. */
  hurry(): void
  /** Ends the Pod, which has failed; nothing when it is ending or over. */
  fail(failure: Failure): void
  /** A ConfigMap or Secret it uses is another now: volumes are brought up to date, and what failed is tried again. */
  configChanged(): void
  readonly memory: Readonly<PodMemory>
  /** The Pod is gone and nothing of it is left, or `signal` aborted. Never rejects. */
  readonly ended: Promise<void>
}

interface Worker {
  memory: PodMemory
  world: PodWorld
  box: Mailbox<true>
  cancelTimer: () => void
  /** Containers whose back-off was told. */
  told: Map<string, number>
}

const failureDelays = { baseMs: 1000, maxMs: 10_000 }

export function podWorker(pod: Pod, world: PodWorld): PodWorker {
  const memory: PodMemory = {
    ...{ pod, gone: false, admitted: false, failed: undefined, busy: new Map(), paths: undefined, pulled: new Map() },
    ...{ waiting: new Map(), notBefore: new Map(), failures: backoff(failureDelays), crashes: new Map() },
    ...{ stoppedSandboxes: new Set<string>(), released: false, startedAt: startOf(pod) ?? world.clock.now() },
    limits: { checked: new Set(), againAt: 0 },
    ...{ sight: newSight(), seen: nothingSeen, status: undefined, stale: false },
  }
  const worker: Worker = { memory, world, box: mailbox(), cancelTimer: () => {}, told: new Map() }
  const wake = () => worker.box.put(true)
  wake()
  return {
    update(newer, quiet) {
      if (memory.paths && showsChange(memory.pod, newer)) memory.stale = true
      memory.pod = newer
      if (!quiet) wake()
    },
    gone() {
      memory.gone = true
      wake()
    },
    wake,
    hurry() {
      memory.notBefore.clear()
      wake()
    },
    fail(failure) {
      if (memory.gone || memory.failed || isTerminal(memory.pod)) return
      memory.failed = failure
      wake()
    },
    configChanged() {
      memory.notBefore.clear()
      if (memory.paths) memory.stale = true
      wake()
    },
    memory,
    ended: work(worker),
  }
}

async function work(worker: Worker): Promise<void> {
  const { world, box } = worker
  world.configs.use(worker.memory.pod)
  while (await box.take(world.signal)) {
    worker.cancelTimer()
    try {
      if (await turn(worker)) break
    } catch (error) {
      // a runtime that is away says so through the node; anything else is ours to hear of
      if (!(error instanceof RuntimeError))
        world.log(`Pod ${uidOf(worker.memory.pod)}: ${String((error as Error).stack ?? error)}`)
      wakeAfter(worker, worker.memory.failures.next('turn'))
    }
  }
  worker.cancelTimer()
  await stepsUnderWay(worker)
  world.leave(uidOf(worker.memory.pod))
}

const patienceMs = 10_000

/** Whoever clears the node away next must not be overtaken by what is being made. */
async function stepsUnderWay({ memory, world }: Worker): Promise<void> {
  const making = [...memory.busy].filter(([key]) => !/^(stop|pull|remove)/.test(key)).map(([, done]) => done)
  const waited = new AbortController()
  if (making.length > 0) await Promise.race([Promise.all(making), world.clock.sleep(patienceMs, waited.signal)])
  waited.abort()
}

function wakeAfter(worker: Worker, ms: number): void {
  worker.cancelTimer = worker.world.clock.after(ms, () => worker.box.put(true))
}

/** True when nothing of the Pod is left, in the API as on the node. */
async function turn(worker: Worker): Promise<boolean> {
  const { memory, world } = worker
  await letIn(memory, world)
  const busy = new Set(memory.busy.keys())
  const seen = await seePod(world.runtime, { uid: uidOf(memory.pod), owner: world.facts.owner }, memory.sight)
  memory.seen = seen
  memory.failures.reset('turn')
  const deadline = passDeadline(memory, world)
  watchProbes(memory, world, busy)
  if (limitsAreDue(memory, world.clock.now())) void checkLimits(world, memory)
  const plan = planPod(memory.pod, seen, {
    ...{ now: world.clock.now(), busy, ending: isEnding(memory), mounted: memory.paths !== undefined, stale: memory.stale },
    ...{ pulled: new Set(memory.pulled.keys()), notBefore: memory.notBefore, crashes: memory.crashes },
    probes: (id) => world.prober.results(id),
    ...{ stoppedSandboxes: memory.stoppedSandboxes, released: memory.released, graceSeconds: memory.failed?.graceSeconds },
  })
  tellBackOff(worker, plan)
  for (const step of plan.steps) launch(worker, step)
  report(worker, plan, busy)
  const next = Math.min(plan.againAt ?? Infinity, deadline ?? Infinity)
  if (next !== Infinity) wakeAfter(worker, Math.max(1, next - world.clock.now()))
  if (plan.phase !== 'ended') return false
  world.leave(uidOf(memory.pod))
  return finish(memory, world)
}

async function letIn(memory: PodMemory, world: PodWorld): Promise<void> {
  if (memory.admitted || (isEnding(memory) && !isLeftRunning(memory))) return
  const refused = await noted(noteOn(world, memory.pod), { what: 'AdmitPod' }, () => world.admit(memory.pod))
  memory.admitted = true
  if (!refused) return
  memory.failed = { reason: refused.reason, message: `Pod was rejected: ${refused.message}` }
  world.events.event({ pod: memory.pod }, 'Warning', refused.reason, refused.message)
}

/** By an earlier kubelet, which let it in: until it has ended it counts, and cannot be refused any more. */
export const isLeftRunning = ({ pod, gone, failed }: Readonly<PodMemory>): boolean =>
  !gone && failed === undefined && !isTerminal(pod) && pod.status.startTime !== undefined

/** As an earlier kubelet noted it, in whole seconds. */
const startOf = ({ status }: Pod): number | undefined =>
  status.startTime === undefined ? undefined : Date.parse(status.startTime)

const isTerminal = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

const isEnding = ({ pod, gone, failed, status }: PodMemory): boolean =>
  gone || failed !== undefined || pod.metadata.deletionTimestamp !== undefined || isTerminal(pod) || status?.phase === 'Failed'

/** When activeDeadlineSeconds will be over; fails the Pod once it is. */
function passDeadline(memory: PodMemory, { clock, events }: PodWorld): number | undefined {
  const { pod } = memory
  const seconds = pod.spec.activeDeadlineSeconds
  if (seconds === undefined || isEnding(memory)) return undefined
  const at = memory.startedAt + seconds * 1000
  if (clock.now() < at) return at
  memory.failed = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }
  events.event({ pod }, 'Normal', memory.failed.reason, memory.failed.message)
  return undefined
}

/** Probes what runs, and nothing else. A container whose postStart hook has not ended does not run yet. */
function watchProbes(memory: PodMemory, world: PodWorld, busy: ReadonlySet<string>): void {
  const { pod, seen } = memory
  for (const { id, metadata, state, startedAt } of seen.containers) {
    const container = allContainers(pod).find((c) => c.name === metadata.name)
    if (state !== 'running' || !container) world.prober.drop(id)
    else if (!busy.has(`start:${metadata.name}`))
      world.prober.watch({ pod, container, containerId: id, podIP: podIPOf(world, memory), startedAt })
  }
  if (isEnding(memory)) world.prober.terminating(uidOf(pod))
}

function tellBackOff({ memory, world, told }: Worker, plan: Plan): void {
  const { pod } = memory
  for (const { container, delayMs, until } of plan.backingOff) {
    const where = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${uidOf(pod)})`
    const message = `back-off ${durationText(delayMs)} restarting failed container=${container} pod=${where}`
    memory.waiting.set(container, { reason: 'CrashLoopBackOff', message })
    if (told.get(container) === until) continue
    told.set(container, until)
    world.events.event(
      { pod, container },
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${container} in pod ${where}`,
    )
  }
}

/** As Go prints a duration: 10s, 1m20s, 5m0s. */
const durationText = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

function launch({ memory, world, box }: Worker, step: Step): void {
  const key = keyOfStep(step)
  const { busy } = memory
  const done = take(step, world, memory)
    .then(
      () => {
        memory.failures.reset(key)
        memory.notBefore.delete(key)
        return true
      },
      (error: unknown) => failed({ memory, world }, key, error),
    )
    .then((went) => {
      busy.delete(key)
      // cost: a look at the runtime; what only makes ready for the sandbox's containers waits for the sandbox
      const isPreparation = step.do === 'pull' || step.do === 'mount'
      if (!(went && isPreparation && busy.has('start-sandbox'))) box.put(true)
    })
  busy.set(key, done)
}

/** Steps that know better when to be tried again have said so before. Returns false, for the step did not go well. */
function failed({ memory, world }: Pick<Worker, 'memory' | 'world'>, key: string, error: unknown): false {
  const delay = memory.failures.next(key)
  const now = world.clock.now()
  if ((memory.notBefore.get(key) ?? 0) <= now) memory.notBefore.set(key, now + delay)
  const { namespace, name } = memory.pod.metadata
  if (!world.signal.aborted)
    world.log(`Pod ${namespace}/${name}: ${key}: ${error instanceof Error ? error.message : String(error)}`)
  return false
}

function report({ memory, world }: Worker, plan: Plan, busy: ReadonlySet<string>): void {
  const { pod } = memory
  if (memory.gone || (isTerminal(pod) && memory.status === undefined && pod.metadata.deletionTimestamp === undefined)) return
  const known = memory.status ? { ...pod, status: { ...memory.status, ...withConditionsOf(memory.status, pod.status) } } : pod
  const status = podStatus(known, withHooksPending(memory.seen, busy), {
    ...{ runtimeName: world.facts.runtimeName, waiting: memory.waiting, failed: memory.failed },
    probes: (id) => world.prober.results(id),
    ended: plan.phase !== 'running' && !memory.seen.containers.some((c) => c.state === 'running') && busy.size === 0,
    ...{ now: world.clock.now(), startedAt: memory.startedAt, hostIPs: world.facts.hostIPs },
    defaultHandler: world.defaultHandler(),
  })
  memory.status = status
  world.statuses.put(pod, status)
}

// k8s: a container counts as running once its postStart hook has ended
const withHooksPending = (seen: Seen, busy: ReadonlySet<string>): Seen => ({
  ...seen,
  containers: seen.containers.map((c) =>
    c.state === 'running' && busy.has(`start:${c.metadata.name}`) ? { ...c, state: 'created' } : c,
  ),
})

async function finish(memory: PodMemory, world: PodWorld): Promise<boolean> {
  const { pod } = memory
  if (memory.gone) {
    await clearAway(world, memory)
    world.statuses.forget(uidOf(pod))
    return true
  }
  if (pod.metadata.deletionTimestamp !== undefined) world.statuses.finish(pod)
  return false
}
