// Which Pods a kubelet ends to let a critical Pod in. Pure.
import type { Pod } from '../api/core/pod.ts'
import { qosClass } from '../api/core/qos.ts'
import { milliOf, unitsOf } from './amounts.ts'
import { isCritical } from './eviction-rank.ts'
import { evictionRequest } from './eviction-request.ts'

/** Resource to how much of it is missing: millicores, bytes, pieces; `pods` counts Pods. */
export type Missing = ReadonlyMap<string, number>

/** k8s: what a Pod frees counts its overhead only where it requests something itself. */
function freed(pod: Pod, resource: string): number {
  if (resource === 'pods') return 1
  const amount = evictionRequest(pod, resource)
  return resource === 'cpu' ? milliOf(amount) : unitsOf(amount)
}

function less(missing: Missing, pods: readonly Pod[]): Missing {
  const left = new Map<string, number>()
  for (const [resource, amount] of missing) {
    const rest = amount - pods.reduce((sum, pod) => sum + freed(pod, resource), 0)
    if (rest > 0) left.set(resource, rest)
  }
  return left
}

/** k8s: a critical Pod may end those that are not; any Pod those of lower priority. */
const mayEnd =
  (preemptor: Pod) =>
  (pod: Pod): boolean =>
    (isCritical(preemptor) && !isCritical(pod)) || (preemptor.spec.priority ?? 0) > (pod.spec.priority ?? 0)

/**
 * The Pods whose end frees what is missing: as few Guaranteed ones as can be, then Burstable, then BestEffort. Undefined: all of
 * them together would not be enough.
 */
export function preemptionVictims(preemptor: Pod, pods: readonly Pod[], missing: Missing): Pod[] | undefined {
  const may = pods.filter(mayEnd(preemptor))
  if (less(missing, may).size > 0) return undefined
  const of = (qos: string) => may.filter((pod) => qosClass(pod) === qos)
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')]
  const first = nearest(guaranteed, less(missing, [...bestEffort, ...burstable]))
  const second = nearest(burstable, less(missing, [...bestEffort, ...first]))
  const third = nearest(bestEffort, less(missing, [...second, ...first]))
  return [...third, ...second, ...first]
}

/** One after the other the Pod that leaves least missing; of two such the one that requests less. `pods` are enough. */
function nearest(pods: readonly Pod[], missing: Missing): Pod[] {
  const chosen: Pod[] = []
  const left = [...pods]
  for (let rest = missing; rest.size > 0 && left.length > 0; rest = less(rest, chosen.slice(-1))) {
    const current = rest
    const best = left.reduce((a, b) => {
      const [da, db] = [distance(a, current), distance(b, current)]
      return db < da || (db === da && requestsLess(b, a)) ? b : a
    })
    chosen.push(best)
    left.splice(left.indexOf(best), 1)
  }
  return chosen
}

/** What would still be missing, as squares of its share: 0 (nothing) to the number of resources. */
const distance = (pod: Pod, missing: Missing): number =>
  [...missing].reduce((sum, [resource, amount]) => sum + (Math.max(0, amount - freed(pod, resource)) / amount) ** 2, 0)

function requestsLess(a: Pod, b: Pod): boolean {
  for (const resource of ['memory', 'cpu']) {
    const [ra, rb] = [freed(a, resource), freed(b, resource)]
    if (ra !== rb) return ra < rb
  }
  // k8s: of equals the later one
  return true
}
