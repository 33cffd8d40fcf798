// What one Pod needs of a node, as plain numbers: computed once per Pod, compared with many nodes.
import type { Pod } from '../api/core/pod.ts'
import { type Amounts, milliOf, unitsOf } from '../ledger/amounts.ts'
import { assumedLedger, podLedger } from '../ledger/pod-ledger.ts'
import { podTerms, type PodTerms, spreadRules, type SpreadRule } from './pod-terms.ts'

export interface HostPort {
  /** `TCP/8080`. */
  key: string
  /** `0.0.0.0` stands for every address. */
  ip: string
}

/** Amounts are rounded up per Pod, as upstream does: cpu in millicores, everything else in bytes or pieces. */
export interface PodNeed {
  readonly pod: Pod
  readonly uid: string
  readonly milliCpu: number
  readonly memoryBytes: number
  readonly ephemeralBytes: number
  /** Extended resources and hugepages. */
  readonly others: readonly (readonly [resource: string, count: number])[]
  /** Nothing at all is requested, overhead included. */
  readonly isZero: boolean
  /** For scores: 100m and 200Mi are assumed of each container that requests none. */
  readonly assumedMilliCpu: number
  readonly assumedMemoryBytes: number
  /** Part of the amounts above; exact. */
  readonly overhead: Amounts
  readonly hostPorts: readonly HostPort[]
  readonly priority: number
  /** What it says of other Pods: affinity and anti-affinity. */
  readonly terms: PodTerms | undefined
  /** Topology spread constraints. */
  readonly spread: readonly SpreadRule[] | undefined
}

const named = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods'])

/** Overhead included (KEP-688). */
export function podNeed(pod: Pod): PodNeed {
  const { total, overhead } = podLedger(pod, 'requests')
  const assumed = assumedLedger(pod).total
  return {
    pod,
    uid: pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`,
    milliCpu: milliOf(total.get('cpu')),
    memoryBytes: unitsOf(total.get('memory')),
    ephemeralBytes: unitsOf(total.get('ephemeral-storage')),
    others: othersOf(total),
    isZero: [...total.values()].every((amount) => amount === 0n),
    assumedMilliCpu: milliOf(assumed.get('cpu')),
    assumedMemoryBytes: unitsOf(assumed.get('memory')),
    overhead,
    hostPorts: hostPortsOf(pod),
    priority: pod.spec.priority ?? 0,
    terms: podTerms(pod),
    spread: spreadRules(pod),
  }
}

/** Amounts of resources without a column of their own. */
export const othersOf = (all: Amounts): [string, number][] =>
  [...all].filter(([name]) => !named.has(name)).map(([name, amount]) => [name, unitsOf(amount)])

/** How much of the Pod's need for `resource` is its overhead; millicores for cpu, else bytes or pieces. */
export function overheadOf(need: PodNeed, resource: string): number {
  const amount = need.overhead.get(resource)
  return resource === 'cpu' ? milliOf(amount) : unitsOf(amount)
}

/** Of containers and sidecars; other init containers are gone before anything else could take their port. */
function hostPortsOf({ spec }: Pod): HostPort[] {
  const lasting = [...spec.containers, ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')]
  const found: HostPort[] = []
  for (const container of lasting)
    for (const { hostPort, protocol = 'TCP', hostIP } of container.ports ?? [])
      if (hostPort) found.push({ key: `${protocol}/${hostPort}`, ip: hostIP || '0.0.0.0' })
  return found
}
