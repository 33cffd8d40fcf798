// What a Pod costs: the only place that aggregates containers and adds Pod Overhead.
import type { Container } from '../api/core/container.ts'
import type { PodSpec } from '../api/core/pod-spec.ts'
import type { ContainerStatus, PodStatus } from '../api/core/pod-status.ts'
import { addTo, type Amounts, amounts, raiseTo } from './amounts.ts'

/** The part of a Pod that costs are computed from: a Pod fits, and so does a template. */
export interface Costed {
  spec: Pick<PodSpec, 'containers' | 'initContainers' | 'overhead' | 'resources'>
  /** While a Pod is resized in place, its containers may still have more than they ask for now. */
  status?: Pick<PodStatus, 'containerStatuses' | 'initContainerStatuses' | 'conditions'> | undefined
}

/** What a Pod is meant to have, whatever its containers have now: the kubelet's own sums, and its cgroups. */
export const asSpecified = ({ spec }: Costed): Costed => ({ spec })

export type Side = 'requests' | 'limits'

/** Scheduler, quota, cgroups, describe and the console all read this and nothing else. */
export interface PodLedger {
  /** Containers, init containers, sidecars and Pod-level resources, as KEP-753 and KEP-2837 combine them. */
  base: Amounts
  /** What the runtime costs, as far as it counts on this side. */
  overhead: Amounts
  /** base + overhead. */
  total: Amounts
}

const noMissing: Amounts = new Map()

/** What `pod` costs. On the `limits` side only resources that have a limit appear. */
export function podLedger(pod: Costed, side: Side): PodLedger {
  return ledger(pod, side, noMissing)
}

/** Cpu and memory that the scheduler's scores assume of a container that requests none: 100m and 200Mi. */
const assumedRequests: Amounts = new Map([
  ['cpu', 100_000_000n],
  ['memory', 200n * 1024n * 1024n * 1_000_000_000n],
])

/** `podLedger(pod, 'requests')` with `assumedRequests` for each container (init too) that names none; an explicit zero stays zero. */
export const assumedLedger = (pod: Costed): PodLedger => ledger(pod, 'requests', assumedRequests)

function ledger(pod: Costed, side: Side, missing: Amounts): PodLedger {
  const base = containersOf(pod, side, missing)
  replaceByPodLevel(base, pod, side)
  const overhead = amounts(pod.spec.overhead)
  // k8s: overhead raises only limits that exist; it never creates one
  if (side === 'limits') for (const name of overhead.keys()) if (!base.get(name)) overhead.delete(name)
  const total = new Map(base)
  addTo(total, overhead)
  return { base, overhead, total }
}

function containerAmounts(container: Container, side: Side, missing: Amounts): Map<string, bigint> {
  const own = amounts(container.resources[side])
  for (const [name, amount] of missing) if (!own.has(name)) own.set(name, amount)
  return own
}

/** Whichever is larger, per resource: everything that runs together, or the start of one init container among earlier sidecars. */
function containersOf(pod: Costed, side: Side, missing: Amounts): Map<string, bigint> {
  const { spec } = pod
  const given = grants(pod)
  const running = new Map<string, bigint>()
  for (const container of spec.containers)
    addTo(running, granted(containerAmounts(container, side, missing), given?.get(container.name), side))
  const sidecars = new Map<string, bigint>()
  const startPeak = new Map<string, bigint>()
  for (const container of spec.initContainers ?? []) {
    const asked = containerAmounts(container, side, missing)
    const own = container.restartPolicy === 'Always' ? granted(asked, given?.get(container.name), side) : asked
    if (container.restartPolicy === 'Always') {
      addTo(running, own)
      // sidecars alone are no peak: they are part of what runs
      addTo(sidecars, own)
    } else {
      addTo(own, sidecars)
      raiseTo(startPeak, own)
    }
  }
  raiseTo(running, startPeak)
  return running
}

interface Grant {
  requests: Amounts
  limits: Amounts
  /** The node will never give what the spec asks for: only what it has given counts. */
  isFinal: boolean
}

/** By container; undefined for nearly every Pod: nothing is said of what its containers have. */
function grants({ status }: Costed): ReadonlyMap<string, Grant> | undefined {
  if (!status?.containerStatuses && !status?.initContainerStatuses) return undefined
  const said = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].filter(({ resources }) => resources)
  if (said.length === 0) return undefined
  const pending = status.conditions?.find(({ type }) => type === 'PodResizePending')
  const isFinal = pending?.reason === 'Infeasible'
  const grantOf = ({ name, resources, allocatedResources }: ContainerStatus): [string, Grant] => {
    const requests = amounts(resources?.requests)
    raiseTo(requests, amounts(allocatedResources))
    return [name, { requests, limits: amounts(resources?.limits), isFinal }]
  }
  return new Map(said.map(grantOf))
}

/** Whether a change of the status alone may change what the Pod costs. */
export const costsByStatus = (pod: Costed): boolean => grants(pod) !== undefined

/** k8s: the larger of what is asked for and what is given counts, never their sum. */
function granted(asked: Map<string, bigint>, grant: Grant | undefined, side: Side): Map<string, bigint> {
  if (!grant) return asked
  if (grant.isFinal) return new Map(grant[side])
  raiseTo(asked, grant[side])
  return asked
}

/** Resources that may be given for a Pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

// k8s: Pod-level amounts of other resources than these are ignored
function replaceByPodLevel(base: Map<string, bigint>, { spec }: Costed, side: Side): void {
  for (const [name, amount] of amounts(spec.resources?.[side])) if (isPodLevelResource(name)) base.set(name, amount)
}
