// Quality of service: which Pods are guaranteed what they ask for, and which run on what is left.
import { nanoOf } from '../quantity.ts'
import type { PodSpec } from './pod-spec.ts'
import type { ResourceList, ResourceRequirements } from './resources.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = ['cpu', 'memory'] as const

/**
 * The class a Pod's spec gives it. k8s: overhead plays no part, nor do other resources than cpu and memory, zero amounts and
 * ephemeral containers; init containers do; Pod-level resources, when given, count instead of the containers'.
 * `status.qosClass`, once stored, wins over this: read it first where a running Pod is judged.
 */
export function qosClass(pod: { spec: Pick<PodSpec, 'containers' | 'initContainers' | 'resources'> }): QosClass {
  const { containers, initContainers = [], resources } = pod.spec
  const ofPod = resources && isGiven(resources) ? resources : undefined
  const asked = ofPod ? [ofPod] : [...containers, ...initContainers].map((c) => c.resources)
  if (asked.every(isEmpty)) return 'BestEffort'
  return asked.every(isFullyLimited) && sameTotals(asked) ? 'Guaranteed' : 'Burstable'
}

const isGiven = ({ requests, limits }: ResourceRequirements): boolean =>
  [requests, limits].some((list) =>
    Object.keys(list ?? {}).some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')),
  )

const amountOf = (list: ResourceList | undefined, name: string): bigint => nanoOf(list?.[name] ?? '0')
const has = (list: ResourceList | undefined, name: string): boolean => amountOf(list, name) > 0n

const isEmpty = ({ requests, limits }: ResourceRequirements): boolean =>
  counted.every((name) => !has(requests, name) && !has(limits, name))

const isFullyLimited = ({ limits }: ResourceRequirements): boolean => counted.every((name) => has(limits, name))

/** k8s: the sums over the Pod are compared, not container by container. */
function sameTotals(asked: readonly ResourceRequirements[]): boolean {
  const total = (side: 'requests' | 'limits', name: string) => asked.reduce((sum, r) => sum + amountOf(r[side], name), 0n)
  return counted.every((name) => total('requests', name) === total('limits', name))
}
