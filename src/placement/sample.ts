// Small Pods and nodes for tests and benches, decoded as the server would.
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'

export interface SampleNode {
  labels?: Record<string, string>
  spec?: object
  allocatable?: Record<string, string>
  /** Absent: not reported. */
  handlers?: readonly string[]
}

/** 4 cpus, 8Gi, 110 Pods unless said otherwise. */
export function sampleNode(name: string, { labels = {}, spec = {}, allocatable = {}, handlers }: SampleNode = {}): Node {
  const amounts = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }
  const status = { allocatable: amounts, capacity: amounts, runtimeHandlers: handlers?.map((handler) => ({ name: handler })) }
  const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } }
  return Node.decode(JSON.parse(JSON.stringify({ metadata, spec, status })), { unknown: [] })
}

/** One container that requests nothing, unless `spec` says otherwise. */
export function samplePod(name: string, spec: object = {}): Pod {
  const metadata = { name, namespace: 'default', uid: `uid-${name}` }
  return Pod.decode({ metadata, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } }, { unknown: [] })
}

/** The spec of a Pod whose only container requests this. */
export const requesting = (requests: Record<string, string>): { containers: object[] } => ({
  containers: [{ name: 'c', image: 'i', resources: { requests } }],
})
