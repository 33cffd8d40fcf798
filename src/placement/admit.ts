// The kubelet's own check of a Pod that was bound to its node: the scheduler's rules, asked once more on the spot.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Filter } from './filter.ts'
import { nodeAffinity } from './filters/node-affinity.ts'
import { nodeName } from './filters/node-name.ts'
import { nodePorts } from './filters/node-ports.ts'
import { resourcesFit } from './filters/resources-fit.ts'
import type { NodeView } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import type { Reason, Shortage } from './reason.ts'
import { untolerated } from '../api/core/tolerates.ts'

/** For a Pod's status: phase Failed, this reason, and `Pod was rejected: ` before the message. */
export interface Refused {
  /** `OutOfcpu`, `OutOfmemory`, `OutOfpods`, `NodeAffinity`, `PodOSNotSupported`, ... */
  reason: string
  message: string
  shortage?: Shortage | undefined
}

interface AdmitOptions {
  /** Pods from a manifest on the node: NoExecute taints do not concern them. */
  isStatic?: boolean | undefined
  /** The node's operating system as Go spells it; default `linux`. */
  os?: string | undefined
}

const noWorld = { classes: new Map<string, string>(), namespaces: new Map(), everyNode: [], affineNodes: new Set<NodeView>() }

/** Undefined: may run. `node` must not count `pod` itself. The first failure is told. */
export function admit(pod: Pod, node: NodeView, { isStatic = false, os = 'linux' }: AdmitOptions = {}): Refused | undefined {
  const wrongOs = osRefusal(pod, os)
  if (wrongOs) return wrongOs
  const need = podNeed(withoutUnknownResources(pod, node))
  for (const filter of [resourcesFit, nodeAffinity, nodeName, nodePorts]) {
    const [reason] = reasonsOf(filter, need, node)
    if (reason) return refusal(filter.name, reason)
  }
  const noExecute = node.hardTaints.filter((t) => t.effect === 'NoExecute')
  if (!isStatic && untolerated(noExecute, pod.spec.tolerations ?? []))
    return refusal('TaintToleration', { text: "node(s) had taints that the pod didn't tolerate" })
  return undefined
}

function reasonsOf(filter: Filter, need: ReturnType<typeof podNeed>, node: NodeView): readonly Reason[] {
  const state = filter.prepare(need, noWorld)
  return state === undefined ? [] : (filter.check(state, node) ?? [])
}

function refusal(filter: string, { text, shortage }: Reason): Refused {
  if (!shortage) return { reason: filter, message: `Predicate ${filter} failed: ${text}` }
  const { resource, need, used, capacity } = shortage
  const message = `Node didn't have enough resource: ${resource}, requested: ${need}, used: ${used}, capacity: ${capacity}`
  return { reason: `OutOf${resource}`, message, shortage }
}

function osRefusal({ spec }: Pod, os: string): Refused | undefined {
  const selected = spec.nodeSelector?.['kubernetes.io/os']
  if (selected !== undefined && selected !== os)
    return {
      reason: 'PodOSSelectorNodeLabelDoesNotMatch',
      message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    }
  if (spec.os && spec.os.name !== os)
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  return undefined
}

const isExtended = (resource: string): boolean =>
  resource.includes('/') && !resource.includes('kubernetes.io/') && !resource.startsWith('requests.')

/** k8s: requests for extended resources that the node has lost are forgiven to regular containers, but not to overhead. */
function withoutUnknownResources(pod: Pod, { allocatable }: NodeView): Pod {
  const isUnknown = (resource: string) => isExtended(resource) && !allocatable.others.has(resource)
  const cleaned = (container: Container): Container => {
    const requests = Object.entries(container.resources.requests ?? {}).filter(([resource]) => !isUnknown(resource))
    return { ...container, resources: { ...container.resources, requests: Object.fromEntries(requests) } }
  }
  const asksUnknown = pod.spec.containers.some((c) => Object.keys(c.resources.requests ?? {}).some(isUnknown))
  return asksUnknown ? { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(cleaned) } } : pod
}
