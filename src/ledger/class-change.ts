// What an edit of a RuntimeClass would mean: Pods left with the old overhead, and what everybody counts once they are recycled.
import { Pod } from '../api/core/pod.ts'
import type { Node } from '../api/core/node.ts'
import type { ResourceQuota } from '../api/core/resource-quota.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import { resourceOrder } from './account.ts'
import { type Amounts, amounts, amountText, sum } from './amounts.ts'
import { nameOfPod, podsByNode } from './check.ts'
import { podLedger } from './pod-ledger.ts'
import { isMatched, quotaUsage, usageText } from './quota-usage.ts'
import { amountsText, type StalePod, stalePods } from './stale-overhead.ts'

export interface ChangeFacts {
  pods: readonly Pod[]
  nodes: readonly Node[]
  quotas: readonly ResourceQuota[]
  /** Milliseconds since the epoch. */
  now: number
}

/** One resource of a node or quota, in canonical quantities: `after` is with every stale Pod recycled. */
export interface CountChange {
  /** `Node a` or `ResourceQuota default/q`. */
  where: string
  resource: string
  now: string
  after: string
  /** Allocatable, or hard. */
  limit: string
  fits: boolean
}

export interface StaleRow {
  namespace: string
  name: string
  node?: string | undefined
  class: string
  has: string
  declared: string
}

export interface ClassChange {
  class: string
  stale: StaleRow[]
  counts: CountChange[]
  /** Pods that find no room on their own node, or in a quota, when they are recycled in this order. */
  noLongerFit: { pod: string; where: string; resource: string }[]
}

export const staleRow = ({ pod, has, declared }: StalePod): StaleRow => ({
  namespace: pod.metadata.namespace ?? '',
  name: pod.metadata.name,
  node: pod.spec.nodeName,
  class: pod.spec.runtimeClassName ?? '',
  has: amountsText(has),
  declared: declared === undefined ? 'none (the class is gone)' : amountsText(declared),
})

/** Pure. `next` is the class as it would be; Pods that are stale already and agree with it are not stale any more. */
export function classChange(next: RuntimeClass, facts: ChangeFacts): ClassChange {
  const ofClass = facts.pods.filter((pod) => pod.spec.runtimeClassName === next.metadata.name)
  const stale = stalePods(ofClass, new Map([[next.metadata.name, next]]))
  const renewed = new Map(stale.map(({ pod }) => [pod, recycled(pod, next)]))
  const places = [...nodePlaces(facts, renewed), ...quotaPlaces(facts, renewed)]
  return {
    class: next.metadata.name,
    stale: stale.map(staleRow),
    counts: places.flatMap(countChanges),
    noLongerFit: places.flatMap(withoutRoom),
  }
}

const recycled = (pod: Pod, { overhead }: RuntimeClass): Pod => ({ ...pod, spec: { ...pod.spec, overhead: overhead?.podFixed } })

/** Somewhere Pods are counted against a limit. */
interface Place {
  where: string
  limits: Amounts
  now: Amounts
  changes: { pod: Pod; before: Amounts; after: Amounts }[]
  text(resource: string, nano: bigint): string
}

function nodePlaces({ pods, nodes }: ChangeFacts, renewed: ReadonlyMap<Pod, Pod>): Place[] {
  const byNode = podsByNode(pods)
  const cost = (pod: Pod) => podLedger(pod, 'requests').total
  return nodes.flatMap(({ metadata: { name }, status }) => {
    const here = byNode.get(name) ?? []
    const changes = here.flatMap((pod) => changeOf(pod, renewed, cost))
    const limits = amounts(status.allocatable)
    return changes.length === 0 ? [] : [{ where: `Node ${name}`, limits, now: sum(here.map(cost)), changes, text: amountText }]
  })
}

function quotaPlaces({ quotas, now: nowMs }: ChangeFacts, renewed: ReadonlyMap<Pod, Pod>): Place[] {
  const cost = (pod: Pod) => quotaUsage(Pod, pod, nowMs)
  return quotas.flatMap(({ metadata: { namespace, name }, spec, status }) => {
    const { hard = {} } = spec
    const counted = [...renewed.keys()].filter(
      (pod) => pod.metadata.namespace === namespace && isMatched(Pod, pod, { spec, hard }),
    )
    const changes = counted.flatMap((pod) => changeOf(pod, renewed, cost))
    const place = { where: `ResourceQuota ${namespace}/${name}`, limits: amounts(hard), now: amounts(status.used), changes }
    return changes.length === 0 ? [] : [{ ...place, text: usageText }]
  })
}

function changeOf(pod: Pod, renewed: ReadonlyMap<Pod, Pod>, cost: (pod: Pod) => Amounts): Place['changes'] {
  const next = renewed.get(pod)
  return next ? [{ pod, before: cost(pod), after: cost(next) }] : []
}

const grown = ({ before, after }: Place['changes'][number], resource: string): bigint =>
  (after.get(resource) ?? 0n) - (before.get(resource) ?? 0n)

/** Resources whose count changes, of those a quota limits or a node has been asked for. */
function changing({ where, limits, changes }: Place): string[] {
  const names = new Set(changes.flatMap(({ before, after }) => [...before.keys(), ...after.keys()]))
  const counted = [...names].filter((name) => limits.has(name) || where.startsWith('Node '))
  return resourceOrder(counted.filter((name) => changes.some((change) => grown(change, name) !== 0n)))
}

function countChanges(place: Place): CountChange[] {
  return changing(place).map((resource) => {
    const now = place.now.get(resource) ?? 0n
    const after = place.changes.reduce((total, change) => total + grown(change, resource), now)
    const limit = place.limits.get(resource) ?? 0n
    const text = (nano: bigint) => place.text(resource, nano)
    return { where: place.where, resource, now: text(now), after: text(after), limit: text(limit), fits: after <= limit }
  })
}

/** One Pod after the other goes and comes back, as far as it can; what cannot come back leaves its room to the others. */
function withoutRoom(place: Place): ClassChange['noLongerFit'] {
  const names = changing(place)
  const used = new Map(place.now)
  const left: ClassChange['noLongerFit'] = []
  for (const change of place.changes) {
    const tight = names.find(
      (name) => grown(change, name) > 0n && (used.get(name) ?? 0n) + grown(change, name) > (place.limits.get(name) ?? 0n),
    )
    if (tight !== undefined) left.push({ pod: nameOfPod(change.pod), where: place.where, resource: tight })
    for (const name of names)
      used.set(name, (used.get(name) ?? 0n) + (tight === undefined ? grown(change, name) : -(change.before.get(name) ?? 0n)))
  }
  return left
}
