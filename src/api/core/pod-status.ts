// What the kubelet reports of a Pod.
import { anyJson, bool, type Infer, integer, listOf, object, embedded, optional, pointer, text, time } from '../schema.ts'
import { resourceList, resourceRequirements } from './resources.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const waiting = object({ reason: optional(text()), message: optional(text()) }, name('ContainerStateWaiting'))
const running = object({ startedAt: optional(time()) }, name('ContainerStateRunning'))
const terminated = object(
  {
    exitCode: integer(),
    signal: optional(integer()),
    reason: optional(text()),
    message: optional(text()),
    startedAt: optional(time()),
    finishedAt: optional(time()),
    containerID: optional(text()),
  },
  name('ContainerStateTerminated'),
)
export const containerState = object(
  { waiting: pointer(waiting), running: pointer(running), terminated: pointer(terminated) },
  name('ContainerState'),
)
const volumeMountStatus = object(
  { name: text(), mountPath: text(), readOnly: optional(bool()), recursiveReadOnly: pointer(text()) },
  name('VolumeMountStatus'),
)
export const containerStatus = object(
  {
    name: text(),
    state: embedded(containerState),
    lastState: embedded(containerState),
    ready: bool(),
    restartCount: integer(),
    image: text(),
    imageID: text(),
    containerID: optional(text()),
    started: pointer(bool()),
    allocatedResources: optional(resourceList),
    resources: pointer(resourceRequirements),
    volumeMounts: optional(listOf(volumeMountStatus, { merge: { keys: ['mountPath'] } })),
    user: pointer(anyJson()),
    allocatedResourcesStatus: optional(listOf(anyJson())),
  },
  name('ContainerStatus'),
)
export const podCondition = object(
  {
    type: text(),
    status: text(),
    lastProbeTime: pointer(time()),
    lastTransitionTime: optional(time()),
    reason: optional(text()),
    message: optional(text()),
  },
  name('PodCondition'),
)
const podIP = object({ ip: text() }, name('PodIP'))
const hostIP = object({ ip: text() }, name('HostIP'))

export const podStatus = object(
  {
    phase: optional(text()),
    conditions: optional(listOf(podCondition, { merge: { keys: ['type'] } })),
    message: optional(text()),
    reason: optional(text()),
    nominatedNodeName: optional(text()),
    hostIP: optional(text()),
    hostIPs: optional(listOf(hostIP, { merge: { keys: ['ip'] } })),
    podIP: optional(text()),
    podIPs: optional(listOf(podIP, { merge: { keys: ['ip'] } })),
    startTime: pointer(time()),
    initContainerStatuses: optional(listOf(containerStatus)),
    containerStatuses: optional(listOf(containerStatus)),
    qosClass: optional(text()),
    ephemeralContainerStatuses: optional(listOf(containerStatus)),
    resize: optional(text()),
    resourceClaimStatuses: optional(listOf(anyJson())),
  },
  name('PodStatus'),
)
export type PodStatus = Infer<typeof podStatus>
export type ContainerStatus = Infer<typeof containerStatus>
export type ContainerState = Infer<typeof containerState>
export type PodCondition = Infer<typeof podCondition>
