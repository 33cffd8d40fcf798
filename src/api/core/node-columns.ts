// What `kubectl get nodes` shows.
import type { Column } from '../kind.ts'
import type { ObjectMeta } from '../meta.ts'
import type { NodeSpec, NodeStatus } from './node.ts'

interface NodeShape {
  metadata: ObjectMeta
  spec: NodeSpec
  status: NodeStatus
}

const address = (type: string) => (node: NodeShape) =>
  node.status.addresses?.find((entry) => entry.type === type)?.address ?? '<none>'

/** A fact the kubelet has not told yet is empty. */
const told = (fact: string): string => (fact === '' ? '<unknown>' : fact)

export const nodeStateColumns: readonly Column<NodeShape>[] = [
  { name: 'Status', cell: (node) => statusText(node) },
  { name: 'Roles', cell: (node) => rolesText(node.metadata.labels ?? {}) },
]

/** They come after Age. */
export const nodeFactColumns: readonly Column<NodeShape>[] = [
  { name: 'Version', cell: ({ status }) => status.nodeInfo.kubeletVersion },
  { name: 'Internal-IP', wide: true, cell: address('InternalIP') },
  { name: 'External-IP', wide: true, cell: address('ExternalIP') },
  { name: 'OS-Image', wide: true, cell: ({ status }) => told(status.nodeInfo.osImage) },
  { name: 'Kernel-Version', wide: true, cell: ({ status }) => told(status.nodeInfo.kernelVersion) },
  { name: 'Container-Runtime', wide: true, cell: ({ status }) => told(status.nodeInfo.containerRuntimeVersion) },
]

function statusText({ spec, status }: NodeShape): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec.unschedulable ? `${word},SchedulingDisabled` : word
}

const rolePrefix = 'node-role.kubernetes.io/'

function rolesText(labels: Record<string, string>): string {
  const roles = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length)
    return key === 'kubernetes.io/role' ? value : ''
  })
  return [...new Set(roles.filter((role) => role !== ''))].sort().join(',') || '<none>'
}
