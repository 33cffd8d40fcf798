// status.conditions that a kubelet sets, reasons and words as upstream's.
import type { Pod } from '../api/core/pod.ts'
import type { ContainerStatus, PodCondition } from '../api/core/pod-status.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { ContainerStatuses } from './container-statuses.ts'
import type { Failure } from './pod-world.ts'
import type { PodPhase } from './pod-phase.ts'
import { isSidecar } from './plan-step.ts'
import { runtimeConditionType } from './trace/runtime-proof.ts'

export interface ConditionFacts {
  phase: PodPhase
  statuses: ContainerStatuses
  /** The sandbox runs and has its network. */
  sandboxReady: boolean
  now: number
  failed?: Failure | undefined
  /** What runs the sandbox, while there is one, and the runtime tells. */
  runtime?: Judgement | undefined
}

type Judgement = Pick<PodCondition, 'status' | 'reason' | 'message'>
const yes: Judgement = { status: 'True' }
const no = (reason: string, message?: string): Judgement => ({
  status: 'False',
  reason,
  ...(message === undefined ? {} : { message }),
})

const ownConditions: readonly string[] = [
  ...['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', runtimeConditionType],
]

// k8s: API-initiated eviction and the scheduler say DisruptionTarget too; the kubelet's carries this reason
const byKubelet = 'TerminationByKubelet'

/** Whether the kubelet says this, and not somebody else. */
export const isOwnCondition = ({ type, reason }: PodCondition): boolean =>
  ownConditions.includes(type) || (type === 'DisruptionTarget' && reason === byKubelet)

/** The kubelet's own conditions first, then those of others (readiness gates, DisruptionTarget) as they were. */
export function podConditions(pod: Pod, facts: ConditionFacts): PodCondition[] {
  const old = pod.status.conditions ?? []
  const containersReady = judgeContainers(pod, facts)
  const own: [string, Judgement][] = [
    ['PodReadyToStartContainers', facts.sandboxReady ? yes : { status: 'False' }],
    ['Initialized', judgeInitialized(pod, facts)],
    ['Ready', judgeReady(pod, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', yes],
    ...disruption(pod, facts),
    // stays, once said: what ran it is of interest afterwards, too
    ...(facts.runtime ? [[runtimeConditionType, facts.runtime] satisfies [string, Judgement]] : []),
  ]
  const conditions = own.map(([type, judgement]): PodCondition => {
    const before = old.find((c) => c.type === type)
    const same = before?.status === judgement.status && before.lastTransitionTime !== undefined
    return { type, ...judgement, lastTransitionTime: same ? before.lastTransitionTime : rfc3339(facts.now) }
  })
  return [...conditions, ...old.filter((c) => !own.some(([type]) => type === c.type))]
}

/** Stays, once said. */
function disruption(pod: Pod, { failed }: ConditionFacts): [string, Judgement][] {
  const before = pod.status.conditions?.find((c) => c.type === 'DisruptionTarget' && isOwnCondition(c))
  const message = failed?.disrupted ?? before?.message
  return message === undefined ? [] : [['DisruptionTarget', { status: 'True', reason: byKubelet, message }]]
}

const namesOf = (statuses: readonly ContainerStatus[]): string => `[${statuses.map((s) => s.name).join(' ')}]`

function judgeInitialized(pod: Pod, { phase, statuses }: ConditionFacts): Judgement {
  const containers = pod.spec.initContainers ?? []
  if (phase === 'Succeeded') return { ...yes, reason: 'PodCompleted' }
  // k8s: a main container that has started says that initialization was over
  if (statuses.main.some((s) => s.started || s.lastState.terminated || s.state.terminated)) return yes
  const incomplete = statuses.init.filter((s, i) => (containers[i] && isSidecar(containers[i]) ? !s.started : !s.ready))
  if (incomplete.length === 0) return yes
  return no('ContainersNotInitialized', `containers with incomplete status: ${namesOf(incomplete)}`)
}

function judgeContainers(pod: Pod, { phase, statuses }: ConditionFacts): Judgement {
  if (phase === 'Succeeded') return no('PodCompleted')
  if (phase === 'Failed') return no('PodFailed')
  const sidecars = statuses.init.filter((_, i) => pod.spec.initContainers?.[i]?.restartPolicy === 'Always')
  const unready = [...sidecars, ...statuses.main].filter((s) => !s.ready)
  return unready.length === 0 ? yes : no('ContainersNotReady', `containers with unready status: ${namesOf(unready)}`)
}

function judgeReady(pod: Pod, containersReady: Judgement): Judgement {
  if (containersReady.status !== 'True') return containersReady
  const wrong: string[] = []
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status.conditions?.find((c) => c.type === conditionType)
    if (!gate) wrong.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (gate.status !== 'True')
      wrong.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`)
  }
  return wrong.length === 0 ? yes : no('ReadinessGatesNotReady', wrong.join(', '))
}
