// Which Pods a node under pressure ends first. Pure.
import type { Pod } from '../api/core/pod.ts'
import { unitsOf } from './amounts.ts'
import { evictionRequest } from './eviction-request.ts'

/** `used`: of the resource in question, in whole units (bytes, inodes, processes); undefined: nothing is known of it. */
export interface Consumer {
  pod: Pod
  used: number | undefined
}

type Order = (a: Consumer, b: Consumer) => number

/** k8s: Pods from this priority on are never evicted. */
export const criticalPriority = 2_000_000_000
export const isCritical = ({ spec }: Pod): boolean => (spec.priority ?? 0) >= criticalPriority

const firstThat =
  (is: (c: Consumer) => boolean): Order =>
  (a, b) =>
    Number(is(b)) - Number(is(a))

const byPriority: Order = (a, b) => (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0)
const unknown = firstThat(({ used }) => used === undefined)

const requested = ({ pod }: Consumer, resource: string): number => unitsOf(evictionRequest(pod, resource))
const over = (consumer: Consumer, resource: string): number => (consumer.used ?? 0) - requested(consumer, resource)

const exceeding = (resource: string): Order => firstThat((c) => over(c, resource) > 0)
const byExcess =
  (resource: string): Order =>
  (a, b) =>
    over(b, resource) - over(a, resource)

const ordered = (consumers: readonly Consumer[], orders: readonly Order[]): Pod[] =>
  consumers
    .toSorted((a, b) => {
      for (const order of orders) {
        const result = order(a, b)
        if (result !== 0) return result
      }
      return 0
    })
    .map(({ pod }) => pod)

/**
 * First to go first: more than requested before the rest, then lower priority, then by how much more than requested. Pods of which
 * nothing is known come first of all. `resource`: memory, ephemeral-storage, or a name nobody can request (inodes).
 */
export const rankByUsage = (consumers: readonly Consumer[], resource: string): Pod[] =>
  ordered(consumers, [unknown, exceeding(resource), byPriority, byExcess(resource)])

/** k8s: processes cannot be requested: priority decides, then their number. */
export const rankByProcesses = (consumers: readonly Consumer[]): Pod[] =>
  ordered(consumers, [byPriority, unknown, byExcess('pids')])
