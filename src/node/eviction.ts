// Node-pressure eviction: watches the signals, shows conditions, and ends one Pod at a time until there is enough again.
import type { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import { qosClass } from '../api/core/qos.ts'
import { tolerates } from '../api/core/tolerates.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { isCritical } from '../ledger/eviction-rank.ts'
import type { Clock } from '../lib/clock.ts'
import { evictionMessage, nodeConditionMessage } from './eviction-message.ts'
import { type EvictionState, calm, isMet, judge } from './eviction-round.ts'
import type { EvictionPolicy, Threshold } from './eviction-settings.ts'
import { type Observations, type PressureCondition, resourceOf } from './eviction-signals.ts'
import type { Measured } from './eviction-victims.ts'
import { uidOf } from './pod-labels.ts'
import type { Failure } from './pod-world.ts'

/** A Pod that runs on the node. */
export interface Evictable {
  pod: Pod
  fail: (failure: Failure) => void
  /** Nothing of it uses the node any more. */
  isReleased: () => boolean
}

export interface EvictionWorld {
  policy: EvictionPolicy
  clock: Clock
  events: EventRecorder
  node(): Node
  pods(): readonly Evictable[]
  signals(): Promise<Observations>
  /** The Pods in the order in which they go, with what each container uses of the resource. */
  rank(threshold: Threshold, pods: readonly Pod[]): Promise<Measured[]>
  /** Pods over their own limits, and what is said of each. */
  overLimit(pods: readonly Pod[]): Promise<{ pod: Pod; signal: string; message: string }[]>
  /** Takes room on disk back without ending Pods. */
  collectGarbage(): Promise<void>
  /** By the name of the signal, or of the limit. */
  onEvicted(signal: string): void
  onConditions(conditions: readonly PressureCondition[]): void
  log: (line: string) => void
}

export interface Evictor {
  conditions(): readonly PressureCondition[]
  /** Why a new Pod is not let in now; undefined: no pressure forbids it. */
  refusal(pod: Pod): { reason: string; message: string } | undefined
  /** Until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
}

const lookEveryMs = 500
const limitsEveryMs = 10_000
/** k8s: the next Pod is not ended before the last one has given back what it had, or this has passed. */
const patienceMs = 30_000
const waitMs = 200
/** k8s: a hard threshold leaves a Pod one second. */
const hardGraceSeconds = 1

interface State {
  world: EvictionWorld
  memory: EvictionState
  conditions: readonly PressureCondition[]
  limitsAt: number
}

export function evictor(world: EvictionWorld): Evictor {
  const state: State = { world, memory: calm, conditions: [], limitsAt: -Infinity }
  return {
    conditions: () => state.conditions,
    refusal: (pod) => refusal(pod, state.conditions),
    async run(signal) {
      while (!signal.aborted) {
        await look(state, signal).catch((error: unknown) => world.log(`cannot look for pressure on the node: ${String(error)}`))
        await world.clock.sleep(lookEveryMs, signal)
      }
    },
  }
}

async function look(state: State, signal: AbortSignal): Promise<void> {
  const { world } = state
  const seen = await world.signals()
  const round = judge(state.memory, seen, world.policy, world.clock.now())
  state.memory = round.state
  show(state, round.conditions)
  const ended = (await endOverLimit(state)) ?? (round.act && (await relieve(state, round.act, seen)))
  if (ended) await released(ended, world, signal)
}

const names: Record<PressureCondition, [pressed: string, relieved: string]> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
}

function show(state: State, conditions: readonly PressureCondition[]): void {
  const { world, conditions: before } = state
  const changed = [...conditions.filter((c) => !before.includes(c)), ...before.filter((c) => !conditions.includes(c))]
  if (changed.length === 0) return
  state.conditions = conditions
  const node = world.node()
  for (const condition of changed) {
    const reason = names[condition][conditions.includes(condition) ? 0 : 1]
    world.events.event(node, 'Normal', reason, `Node ${node.metadata.name} status is now: ${reason}`)
  }
  world.onConditions(conditions)
}

const isOver = ({ pod: { status }, isReleased }: Evictable): boolean =>
  isReleased() || status.phase === 'Succeeded' || status.phase === 'Failed'

/** emptyDirs and ephemeral storage beyond their limits. All of them go, whatever the node has left. */
async function endOverLimit(state: State): Promise<Evictable | undefined> {
  const { world } = state
  if (world.clock.now() - state.limitsAt < limitsEveryMs) return undefined
  state.limitsAt = world.clock.now()
  const pods = world.pods().filter((each) => !isOver(each))
  const over = await world.overLimit(pods.map(({ pod }) => pod))
  let last: Evictable | undefined
  for (const { pod, signal, message } of over) {
    const each = pods.find((p) => uidOf(p.pod) === uidOf(pod))
    // k8s: critical Pods may exceed their limits
    if (!each || isCritical(pod)) continue
    end(each, message, hardGraceSeconds, world)
    world.onEvicted(signal)
    last = each
  }
  return last
}

/** The Pod that was ended; undefined when none had to, or could. */
async function relieve({ world }: State, threshold: Threshold, seen: Observations): Promise<Evictable | undefined> {
  const resource = resourceOf[threshold.signal]
  const node = world.node()
  world.events.event(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`)
  world.log(`node ${node.metadata.name}: ${threshold.signal} is below its threshold: ${JSON.stringify(seen[threshold.signal])}`)
  if (/^(nodefs|imagefs)/.test(threshold.signal)) {
    await world.collectGarbage()
    if (!isMet(threshold, await world.signals(), true)) return undefined
  }
  const pods = world.pods().filter((each) => !isOver(each))
  for (const { pod, containers } of await world.rank(
    threshold,
    pods.map((each) => each.pod),
  )) {
    const each = pods.find((p) => uidOf(p.pod) === uidOf(pod))
    if (!each || isCritical(pod)) continue
    const grace = threshold.hard ? hardGraceSeconds : world.policy.maxPodGraceSeconds
    end(each, evictionMessage(pod, threshold, seen, containers), grace, world)
    world.onEvicted(threshold.signal)
    return each
  }
  return undefined
}

function end({ pod, fail }: Evictable, message: string, graceSeconds: number, { events, log }: EvictionWorld): void {
  log(`Pod ${pod.metadata.namespace}/${pod.metadata.name} is evicted: ${message}`)
  events.event(pod, 'Warning', 'Evicted', message)
  fail({ reason: 'Evicted', message, graceSeconds, disrupted: message })
}

async function released(each: Evictable, { clock }: EvictionWorld, signal: AbortSignal): Promise<void> {
  const until = clock.now() + patienceMs
  while (!signal.aborted && !each.isReleased() && clock.now() < until) await clock.sleep(waitMs, signal)
}

const memoryPressure = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const

function refusal(pod: Pod, conditions: readonly PressureCondition[]): { reason: string; message: string } | undefined {
  // it was let in before this kubelet started; only new Pods can be refused
  if (conditions.length === 0 || isCritical(pod) || pod.status.startTime !== undefined) return undefined
  // k8s: pressure on memory alone keeps out only those who say nothing of what they need, unless they tolerate it
  if (conditions.every((condition) => condition === 'MemoryPressure')) {
    if (qosClass(pod) !== 'BestEffort') return undefined
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, memoryPressure))) return undefined
  }
  return { reason: 'Evicted', message: nodeConditionMessage(conditions) }
}
