// The status of a Pod as the kubelet reports it: all of it from what is seen now and what was reported before. Pure.
import type { Pod } from '../api/core/pod.ts'
import type { PodStatus } from '../api/core/pod-status.ts'
import { qosClass } from '../api/core/qos.ts'
import { rfc3339 } from '../lib/clock.ts'
import { type ContainerStatuses, containerStatuses, type StatusFacts } from './container-statuses.ts'
import { podConditions } from './pod-conditions.ts'
import { type PodPhase, podPhase } from './pod-phase.ts'
import type { Failure } from './pod-world.ts'
import { isAlive, type Seen } from './seen.ts'
import { runtimeCondition } from './trace/runtime-proof.ts'

export interface PodStatusFacts extends StatusFacts {
  now: number
  /** When this node took the Pod on. */
  startedAt: number
  hostIPs: readonly string[]
  /** What handler "" stands for, where the runtime tells. */
  defaultHandler?: string | undefined
  /** The Pod as a whole has failed: it was not let in, or its time is up. */
  failed: Failure | undefined
}

/** `pod.status` is the last status known: times of transitions and what is not the kubelet's are kept from it. */
export function podStatus(pod: Pod, seen: Seen, facts: PodStatusFacts): PodStatus {
  const { status } = pod
  const rejected = facts.failed !== undefined && seen.containers.length === 0 && !status.containerStatuses
  if (rejected)
    return { ...status, phase: 'Failed', ...reasonOf(facts.failed), startTime: startTime(pod, facts), qosClass: qosOf(pod) }
  const statuses = containerStatuses(pod, seen, facts)
  const phase = phaseOf(pod, seen, facts, statuses)
  const failed = phase === 'Failed' ? facts.failed : undefined
  const hostNetwork = pod.spec.hostNetwork === true
  const ready = seen.sandboxes[0]?.state === 'ready'
  const ips = ready ? (hostNetwork ? facts.hostIPs : seen.ips) : (status.podIPs ?? []).map(({ ip }) => ip)
  const runtime = seen.proof && runtimeCondition(seen.proof, facts.defaultHandler)
  const sandboxReady = ready && (hostNetwork || seen.ips.length > 0)
  const { podIP: _ip, podIPs: _ips, nominatedNodeName: _nominated, ...kept } = status
  return {
    ...kept,
    phase,
    conditions: podConditions(pod, { phase, statuses, sandboxReady, now: facts.now, failed, runtime }),
    ...reasonOf(failed),
    ...addresses('hostIP', facts.hostIPs),
    ...addresses('podIP', ips),
    startTime: startTime(pod, facts),
    ...(pod.spec.initContainers?.length ? { initContainerStatuses: statuses.init } : {}),
    containerStatuses: statuses.main,
    qosClass: qosOf(pod),
  }
}

const reasonOf = (failed: Failure | undefined): Partial<PodStatus> =>
  failed ? { reason: failed.reason, message: failed.message } : {}

const isFinal = (phase: string | undefined): phase is 'Succeeded' | 'Failed' => phase === 'Succeeded' || phase === 'Failed'

function phaseOf(pod: Pod, seen: Seen, facts: PodStatusFacts, statuses: ContainerStatuses): PodPhase {
  const told = pod.status.phase
  if (isFinal(told)) return told
  const phase = facts.failed ? 'Failed' : podPhase(pod, statuses, facts.ended)
  // k8s: no final phase, nor its reason, while anything of the Pod still runs
  const isHeld = isFinal(phase) && seen.containers.some(isAlive)
  return isHeld ? ((told as PodPhase | undefined) ?? 'Pending') : phase
}

const qosOf = (pod: Pod): string => pod.status.qosClass ?? qosClass(pod)
const startTime = (pod: Pod, { startedAt }: PodStatusFacts): string => pod.status.startTime ?? rfc3339(startedAt)

function addresses(field: 'hostIP' | 'podIP', ips: readonly string[]): Partial<PodStatus> {
  const [first] = ips
  return first === undefined ? {} : { [field]: first, [`${field}s`]: ips.map((ip) => ({ ip })) }
}
