// Node: a machine that runs Pods, and the runtime handlers it really has.
import { ageColumn, nameColumn } from '../column.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { anyJson, bool, embedded, type Infer, integer, listOf, object, optional, pointer, text, time } from '../schema.ts'
import { nodeFactColumns, nodeStateColumns } from './node-columns.ts'
import { nodeErrors, nodeUpdateErrors } from './node-rules.ts'
import { resourceList } from './resources.ts'
import { taint } from './toleration.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const nodeSpec = object(
  {
    podCIDR: optional(text()),
    podCIDRs: optional(listOf(text(), { merge: 'set' })),
    providerID: optional(text()),
    unschedulable: optional(bool()),
    taints: optional(listOf(taint)),
    configSource: pointer(anyJson()),
    externalID: optional(text()),
  },
  {
    ...name('NodeSpec'),
    // k8s: the old and the new name of the same fact always agree
    complete(spec) {
      if (spec.podCIDR !== undefined) spec.podCIDRs ??= [spec.podCIDR]
      const [first] = spec.podCIDRs ?? []
      if (first !== undefined) spec.podCIDR = first
    },
  },
)
const nodeCondition = object(
  {
    type: text(),
    status: text(),
    lastHeartbeatTime: optional(time()),
    lastTransitionTime: optional(time()),
    reason: optional(text()),
    message: optional(text()),
  },
  name('NodeCondition'),
)
const nodeAddress = object({ type: text(), address: text() }, name('NodeAddress'))
const daemonEndpoint = object({ Port: integer() }, name('DaemonEndpoint'))
const nodeDaemonEndpoints = object({ kubeletEndpoint: pointer(daemonEndpoint) }, name('NodeDaemonEndpoints'))
const nodeSystemInfo = object(
  {
    machineID: text(),
    systemUUID: text(),
    bootID: text(),
    kernelVersion: text(),
    osImage: text(),
    containerRuntimeVersion: text(),
    kubeletVersion: text(),
    kubeProxyVersion: text(),
    operatingSystem: text(),
    architecture: text(),
  },
  name('NodeSystemInfo'),
)
const containerImage = object({ names: optional(listOf(text())), sizeBytes: optional(integer('int64')) }, name('ContainerImage'))
const runtimeHandlerFeatures = object(
  { recursiveReadOnlyMounts: pointer(bool()), userNamespaces: pointer(bool()) },
  name('NodeRuntimeHandlerFeatures'),
)
// k8s: the entry with the empty name is the default handler, listed beside its real name
const runtimeHandler = object({ name: text(), features: pointer(runtimeHandlerFeatures) }, name('NodeRuntimeHandler'))
const nodeFeatures = object({ supplementalGroupsPolicy: pointer(bool()) }, name('NodeFeatures'))

const nodeStatus = object(
  {
    capacity: optional(resourceList),
    allocatable: optional(resourceList),
    phase: optional(text()),
    conditions: optional(listOf(nodeCondition, { merge: { keys: ['type'] } })),
    addresses: optional(listOf(nodeAddress, { merge: { keys: ['type'] } })),
    daemonEndpoints: embedded(nodeDaemonEndpoints),
    nodeInfo: embedded(nodeSystemInfo),
    images: optional(listOf(containerImage)),
    volumesInUse: optional(listOf(text())),
    volumesAttached: optional(listOf(anyJson())),
    config: pointer(anyJson()),
    runtimeHandlers: optional(listOf(runtimeHandler)),
    features: pointer(nodeFeatures),
  },
  name('NodeStatus'),
)

export const Node = kind({
  ...{ group: '', version: 'v1', kind: 'Node', plural: 'nodes', shortNames: ['no'], scope: 'cluster' },
  openapiName: 'io.k8s.api.core.v1.Node',
  fields: { spec: embedded(nodeSpec), status: embedded(nodeStatus) },
  hasStatus: true,
  validate: nodeErrors,
  validateUpdate: nodeUpdateErrors,
  validateStatusUpdate: (next, old) => [...nodeErrors(next), ...nodeUpdateErrors(next, old)],
  ownColumns: true,
  columns: [nameColumn, ...nodeStateColumns, ageColumn, ...nodeFactColumns],
  selectable: { 'spec.unschedulable': (node) => String(node.spec.unschedulable ?? false) },
})
export type NodeSpec = Infer<typeof nodeSpec>
export type NodeStatus = Infer<typeof nodeStatus>
export type Node = ObjectOf<typeof Node>
export type NodeCondition = Infer<typeof nodeCondition>
