// What a node has told of a Pod in its status and in events: facts that no pure rule can foresee.
import type { Container } from '../../api/core/container.ts'
import type { Event } from '../../api/core/event.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { ContainerStatus } from '../../api/core/pod-status.ts'
import { sameValue } from '../../api/equal.ts'

type ObservedType = 'Image' | 'Sandbox' | 'CrashLoop' | 'ContainerStart' | 'Volume' | 'NotReady' | 'Failed' | 'Network'

export interface Observed {
  type: ObservedType
  /** `ImagePullBackOff`, `FailedCreatePodSandBox`, ... */
  reason: string
  message: string
  /** Name of the container it is about. */
  container?: string | undefined
  /** Of a crash: how the container ended last. */
  exitCode?: number | undefined
  /** Whether it would be so for this Pod, too: all that it depends on is the same. */
  stillHolds(pod: Pod): boolean
}

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
])
const startReasons = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'PostStartHookError'])

/** `events` are those of the Pod. Empty for a Pod that runs well, or that no node has looked at. */
export function observedOf(pod: Pod, events: readonly Event[]): Observed[] {
  if (!pod.spec.nodeName) return []
  if (pod.status.phase === 'Failed') return [failed(pod)]
  if (pod.status.phase === 'Succeeded') return []
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  const ofContainers = statuses.flatMap((status) => ofContainer(pod, status, events))
  if (ofContainers.length > 0) return ofContainers
  const hasStarted = statuses.some(({ containerID }) => containerID !== undefined)
  return hasStarted ? gates(pod) : ofPod(pod, events)
}

const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers]
const containerOf = (pod: Pod, name: string | undefined) => containersOf(pod).find((one) => one.name === name)

function ofContainer(pod: Pod, status: ContainerStatus, events: readonly Event[]): Observed[] {
  const { name, state, lastState } = status
  const container = containerOf(pod, name)
  const { reason = '', message = '' } = state.waiting ?? {}
  if (imageReasons.has(reason)) {
    const pulled = (of: Pod) => {
      const one = containerOf(of, name)
      return [one?.image, one?.imagePullPolicy, of.spec.imagePullSecrets]
    }
    return [{ type: 'Image', reason, message, container: name, stillHolds: (other) => sameValue(pulled(other), pulled(pod)) }]
  }
  const unchanged = (other: Pod) =>
    sameValue(containerOf(other, name), container) &&
    sameValue(other.metadata.annotations, pod.metadata.annotations) &&
    other.spec.runtimeClassName === pod.spec.runtimeClassName
  const ended = state.terminated ?? lastState.terminated
  if (ended && (reason === 'CrashLoopBackOff' || (ended.exitCode !== 0 && !state.running && !state.terminated))) {
    const why = `${ended.reason ?? 'Error'}, exit code ${ended.exitCode}${ended.message ? `: ${ended.message}` : ''}`
    const times = `restarted ${status.restartCount} times`
    const facts = { container: name, exitCode: ended.exitCode, stillHolds: unchanged }
    return [{ type: 'CrashLoop', reason: ended.reason ?? 'Error', message: `${why}; ${times}`, ...facts }]
  }
  if (startReasons.has(reason)) return [{ type: 'ContainerStart', reason, message, container: name, stillHolds: unchanged }]
  if (!state.running || status.ready) return []
  const unhealthy = latest(events, ['Unhealthy'], `spec.containers{${name}}`)
  if (!unhealthy && container?.readinessProbe === undefined && container?.startupProbe === undefined) return []
  const said = unhealthy?.message ?? 'its probe has not succeeded yet'
  return [{ type: 'NotReady', reason: 'Unhealthy', message: said.trim(), container: name, stillHolds: unchanged }]
}

/** Before any container: sandbox, network, volumes. */
function ofPod(pod: Pod, events: readonly Event[]): Observed[] {
  const surroundings = ({ spec, metadata: { annotations } }: Pod) => [spec.runtimeClassName, spec.hostNetwork, annotations]
  const event = latest(events, ['FailedCreatePodSandBox', 'FailedMount', 'NetworkNotReady'])
  const { reason = '', message = '' } = event ?? {}
  if (reason === 'FailedCreatePodSandBox')
    return [{ type: 'Sandbox', reason, message, stillHolds: (other) => sameValue(surroundings(other), surroundings(pod)) }]
  if (reason === 'NetworkNotReady')
    return [{ type: 'Network', reason, message, stillHolds: (other) => other.spec.hostNetwork === pod.spec.hostNetwork }]
  if (reason === 'FailedMount')
    return [{ type: 'Volume', reason, message, stillHolds: (other) => sameValue(other.spec.volumes, pod.spec.volumes) }]
  return []
}

/** The kubelet did not let it in, or ended it. A Pod made anew is another one. */
const failed = (pod: Pod): Observed => ({
  type: 'Failed',
  reason: pod.status.reason ?? 'Failed',
  message: pod.status.message ?? endsOf(pod),
  stillHolds: ({ metadata }) => metadata.uid !== undefined && metadata.uid === pod.metadata.uid,
})

const endsOf = ({ status }: Pod): string =>
  (status.containerStatuses ?? [])
    .flatMap(({ name, state: { terminated } }) => (terminated ? [`container "${name}" exited with ${terminated.exitCode}`] : []))
    .join(', ')

/** Conditions that somebody else has to set. */
const gates = (pod: Pod): Observed[] =>
  (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    if (pod.status.conditions?.find(({ type }) => type === conditionType)?.status === 'True') return []
    const message = `readiness gate "${conditionType}" is not True`
    const asks = (other: Pod) => other.spec.readinessGates?.some((gate) => gate.conditionType === conditionType) ?? false
    return [{ type: 'NotReady' as const, reason: 'ReadinessGatesNotReady', message, stillHolds: asks }]
  })

const momentOf = (event: Event): string =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? ''

/** The newest of these; of a field where one is given. */
function latest(events: readonly Event[], reasons: readonly string[], field?: string): Event | undefined {
  const about = events.filter(
    ({ reason = '', involvedObject }) => reasons.includes(reason) && (field === undefined || involvedObject.fieldPath === field),
  )
  return about.reduce<Event | undefined>((last, one) => (!last || momentOf(one) >= momentOf(last) ? one : last), undefined)
}
