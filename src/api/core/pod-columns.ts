// What `kubectl get pods` shows: readiness, one word for the state, restarts.
import { since } from '../age.ts'
import type { Column } from '../kind.ts'
import type { ObjectMeta } from '../meta.ts'
import type { PodSpec } from './pod-spec.ts'
import type { ContainerState, ContainerStatus, PodStatus } from './pod-status.ts'

interface PodShape {
  metadata: ObjectMeta
  spec: PodSpec
  status: PodStatus
}

export const podColumns: readonly Column<PodShape>[] = [
  { name: 'Ready', cell: (pod) => readyText(pod) },
  { name: 'Status', cell: (pod) => statusWord(pod) },
  { name: 'Restarts', cell: (pod, now) => restartsText(pod, now) },
  { name: 'IP', wide: true, cell: ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '<none>' },
  { name: 'Node', wide: true, cell: ({ spec }) => spec.nodeName ?? '<none>' },
  { name: 'Nominated Node', wide: true, cell: ({ status }) => status.nominatedNodeName ?? '<none>' },
  { name: 'Readiness Gates', wide: true, cell: (pod) => gatesText(pod) },
]

interface Summary {
  reason: string
  ready: number
  restarts: number
  lastRestart: string | undefined
}

/** Starting Pods are described by their first unfinished init container, all others by their containers, the first one last. */
function summaryOf({ spec, status }: PodShape): Summary {
  const start = initSummary(spec, status)
  if (start.reason !== undefined && !isTrue(status, 'Initialized')) return { ...start, reason: start.reason }
  const sidecars = sidecarNames(spec)
  // k8s: once started, restarts of finished init containers no longer count
  const counted = (status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name))
  const containers = status.containerStatuses ?? []
  const isUp = (c: ContainerStatus) => hasNoEnd(c.state) && c.ready && c.state.running !== undefined
  const reasons = containers.flatMap((c) => containerReason(c.state) ?? [])
  const reason = reasons[0] ?? start.reason ?? baseReason(status)
  const up = containers.filter(isUp).length
  const again = isTrue(status, 'Ready') ? 'Running' : 'NotReady'
  return {
    reason: reason === 'Completed' && up > 0 ? again : reason,
    ready: start.ready + up,
    ...restartsOf([...counted, ...containers]),
  }
}

const sidecarNames = (spec: PodSpec): Set<string> =>
  new Set((spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name))

const isTrue = (status: PodStatus, type: string): boolean =>
  (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True')

function baseReason(status: PodStatus): string {
  const gated = (status.conditions ?? []).some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')
  return gated ? 'SchedulingGated' : (status.reason ?? status.phase ?? '')
}

const hasNoEnd = ({ waiting, terminated }: ContainerState): boolean => !waiting?.reason && !terminated

/** The word for a container that waits or has ended; undefined for one that runs. */
function containerReason(state: ContainerState): string | undefined {
  if (state.waiting?.reason !== undefined) return state.waiting.reason
  return state.terminated && endReason(state.terminated)
}

const endReason = ({ reason, signal, exitCode }: NonNullable<ContainerState['terminated']>): string =>
  reason ?? (signal === undefined ? `ExitCode:${exitCode}` : `Signal:${signal}`)

/** The first init container that has not done its part gives the reason; undefined when all have. */
function initSummary(spec: PodSpec, status: PodStatus): Omit<Summary, 'reason'> & { reason: string | undefined } {
  const sidecars = sidecarNames(spec)
  const statuses = status.initContainerStatuses ?? []
  let ready = 0
  for (const [i, init] of statuses.entries()) {
    const { terminated, waiting } = init.state
    if (terminated?.exitCode === 0) continue
    if (sidecars.has(init.name) && init.started) {
      if (init.ready) ready += 1
      continue
    }
    const seen = restartsOf(statuses.slice(0, i + 1))
    if (terminated) return { reason: `Init:${endReason(terminated)}`, ready, ...seen }
    const isStarting = waiting?.reason === undefined || waiting.reason === 'PodInitializing'
    const reason = isStarting ? `${i}/${spec.initContainers?.length ?? 0}` : waiting.reason
    return { reason: `Init:${reason}`, ready, ...seen }
  }
  return { reason: undefined, ready, ...restartsOf(statuses) }
}

function restartsOf(statuses: readonly ContainerStatus[]): { restarts: number; lastRestart: string | undefined } {
  const ends = statuses.flatMap(({ lastState }) => lastState.terminated?.finishedAt ?? [])
  return { restarts: statuses.reduce((sum, c) => sum + c.restartCount, 0), lastRestart: ends.sort().at(-1) }
}

/** The one word of the Status column. */
function statusWord(pod: PodShape): string {
  const { metadata, status } = pod
  if (metadata.deletionTimestamp === undefined) return summaryOf(pod).reason
  if (status.reason === 'NodeLost') return 'Unknown'
  const isOver = status.phase === 'Succeeded' || status.phase === 'Failed'
  return isOver ? summaryOf(pod).reason : 'Terminating'
}

const readyText = (pod: PodShape): string => `${summaryOf(pod).ready}/${pod.spec.containers.length + sidecarNames(pod.spec).size}`

/** `3 (5m ago)`. */
function restartsText(pod: PodShape, now: number): string {
  const { restarts, lastRestart } = summaryOf(pod)
  return restarts === 0 || lastRestart === undefined ? String(restarts) : `${restarts} (${since(lastRestart, now)} ago)`
}

function gatesText({ spec: { readinessGates = [] }, status }: PodShape): string {
  if (readinessGates.length === 0) return '<none>'
  const met = readinessGates.filter(({ conditionType }) => isTrue(status, conditionType)).length
  return `${met}/${readinessGates.length}`
}
