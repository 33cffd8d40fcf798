// What an object uses of a ResourceQuota. Overhead counts, and comes from podLedger like everywhere else.
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { Service } from '../api/core/service.ts'
import type { ResourceList } from '../api/core/resources.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { own } from '../api/own.ts'
import { formatQuantity, type QuantityFormat } from '../api/quantity.ts'
import { qualified } from '../api/status.ts'
import { addTo, type Amounts, amounts } from './amounts.ts'
import { podLedger, type Side } from './pod-ledger.ts'
import { hasScopes, inScope } from './quota-scope.ts'
import { formatOf, formatOfSum } from './written-as.ts'

const one = 1_000_000_000n

/** Kinds that quotas know by their plural, too: `secrets` is `count/secrets`. */
const shortNamed = new Set(['Service', 'Secret', 'ConfigMap', 'ResourceQuota'])

/** Stored objects of a namespace. k8s: Events are never counted: a namespace full of them could not even say so. */
export const isCountable = ({ kind, scope, without = [] }: AnyKind): boolean =>
  kind !== 'Event' && scope === 'namespaced' && !without.includes('get') && !without.includes('watch')

/** Renewed all the time, and rarely limited: their deletes are found by the next full count, not at once. */
export const isCountedLate = ({ kind }: AnyKind): boolean => kind === 'Lease'

/** How a quota names the number of objects of a kind: `count/pods`, `count/leases.coordination.k8s.io`. */
const countOf = (kind: AnyKind): string => `count/${qualified(kind)}`

/** Whether objects of this kind are what a quota means by a resource. */
export function ownsResource(kind: AnyKind, resource: string): boolean {
  if (!isCountable(kind)) return false
  if (resource === countOf(kind)) return true
  if (kind.kind === Pod.kind) return isPodResource(resource)
  if (kind.kind === Service.kind && resource.startsWith('services.')) return true
  return shortNamed.has(kind.kind) && resource === kind.plural
}

const compute = ['cpu', 'memory', 'ephemeral-storage']
const ofPods = new Set(['pods', ...compute.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])])

function isPodResource(resource: string): boolean {
  if (ofPods.has(resource) || /^(requests\.)?hugepages-/.test(resource)) return true
  const [, name = ''] = /^requests\.(.*)$/.exec(resource) ?? []
  return name.includes('/') && !name.includes('kubernetes.io/')
}

/** Standard names of kinds that are not served here, of which there are therefore none. */
const unserved = new Set(['replicationcontrollers', 'persistentvolumeclaims', 'requests.storage'])

/** Resources of `hard` that can be told: the others have no place in `status.used`. */
export const countedResources = (hard: ResourceList, kinds: readonly AnyKind[]): string[] =>
  Object.keys(hard).filter((resource) => unserved.has(resource) || kinds.some((kind) => ownsResource(kind, resource)))

/** What `object` uses, in nano-units by the quota's names of resources. `nowMs`: see `isOver`. */
export function quotaUsage(kind: AnyKind, object: AnyObject, nowMs: number): Amounts {
  if (kind.kind === Pod.kind) return podUsage(object as Pod, nowMs)
  const used = new Map([[countOf(kind), one]])
  if (kind.kind === Service.kind) for (const [name, amount] of serviceUsage(object as Service)) used.set(name, amount)
  else if (shortNamed.has(kind.kind)) used.set(kind.plural, one)
  return used
}

// objects are frozen, and asked about again with every recount
const remembered = new WeakMap<Pod, Amounts>()

function podUsage(pod: Pod, nowMs: number): Amounts {
  // k8s: a finished Pod is still an object
  if (isOver(pod, nowMs)) return new Map([['count/pods', one]])
  let used = remembered.get(pod)
  if (!used) remembered.set(pod, (used = activeUsage(pod)))
  return used
}

function activeUsage(pod: Pod): Amounts {
  const used = new Map([
    ['count/pods', one],
    ['pods', one],
  ])
  for (const [name, amount] of podLedger(pod, 'requests').total) {
    if (compute.includes(name) || name.startsWith('hugepages-')) used.set(name, amount)
    if (compute.includes(name) || isPodResource(`requests.${name}`)) used.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of podLedger(pod, 'limits').total) if (compute.includes(name)) used.set(`limits.${name}`, amount)
  return used
}

/**
 * Whether a Pod no longer asks for anything: it is finished, or its end is overdue.
 * k8s: deletionTimestamp includes the grace already, so that the grace is waited for twice.
 */
export const isOver = (pod: Pod, nowMs: number): boolean => nowMs > (overAt(pod) ?? Number.POSITIVE_INFINITY)

/** When it will be over (milliseconds) if nothing happens; -Infinity for one that is, undefined for one that may run on. */
export function overAt({ metadata, status }: Pod): number | undefined {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return Number.NEGATIVE_INFINITY
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

function serviceUsage({ spec }: Service): [string, bigint][] {
  const ports = BigInt((spec.ports ?? []).length) * one
  const withoutPorts = spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false
  const given = BigInt((spec.ports ?? []).filter(({ nodePort }) => nodePort !== undefined).length) * one
  const hasNodePorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  return [
    ['services', one],
    ['services.nodeports', hasNodePorts ? (withoutPorts ? given : ports) : 0n],
    ['services.loadbalancers', spec.type === 'LoadBalancer' ? one : 0n],
  ]
}

/** Whether a quota that limits `hard` is about this object at all. */
export function isMatched(
  kind: AnyKind,
  object: AnyObject,
  { spec, hard }: { spec: ResourceQuota['spec']; hard: ResourceList },
): boolean {
  if (!Object.keys(hard).some((resource) => ownsResource(kind, resource))) return false
  return kind.kind === Pod.kind ? inScope(object as Pod, spec) : !hasScopes(spec)
}

/** Every object of a kind that a quota may count. */
export interface CountedObjects {
  kind: AnyKind
  objects: Iterable<AnyObject>
}

/** What a quota's `status` should say: spec.hard, and the sum over all objects it is about. */
export function countedStatus({ spec }: ResourceQuota, all: readonly CountedObjects[], nowMs: number): ResourceQuota['status'] {
  const { hard } = spec
  if (hard === undefined) return {}
  const scoped = hasScopes(spec)
  const total = new Map<string, bigint>()
  const formats = new Map<string, QuantityFormat>()
  for (const { kind, objects } of all) {
    const owned = Object.keys(hard).filter((resource) => ownsResource(kind, resource))
    const isPod = kind.kind === Pod.kind
    if (owned.length === 0 || (scoped && !isPod)) continue
    // cost: once for every object of the namespace
    for (const object of objects) {
      if (scoped && !inScope(object as Pod, spec)) continue
      const usage = quotaUsage(kind, object, nowMs)
      for (const resource of owned) {
        const amount = usage.get(resource) ?? 0n
        if (amount === 0n) continue
        total.set(resource, (total.get(resource) ?? 0n) + amount)
        if (!formats.has(resource)) formats.set(resource, usageFormat(kind, object, resource))
      }
    }
  }
  const names = countedResources(
    hard,
    all.map(({ kind }) => kind),
  )
  const used = Object.fromEntries(names.map((name) => [name, usageText(name, total.get(name) ?? 0n, formats.get(name))]))
  return { hard, ...(names.length > 0 ? { used } : {}) }
}

/** k8s: what an object uses is written in the suffixes it was asked for in. */
export function usageFormat(kind: AnyKind, object: AnyObject, resource: string): QuantityFormat {
  if (kind.kind !== Pod.kind) return 'DecimalSI'
  const [, side, name] = /^(requests|limits)\.(.*)$/.exec(resource) ?? [undefined, 'requests', resource]
  return formatOfSum(object as Pod, side as Side, name ?? '') ?? 'DecimalSI'
}

/** The canonical quantity. Where nobody knows how it was written, whole Ki of bytes have binary suffixes. */
export function usageText(resource: string, nano: bigint, format?: QuantityFormat): string {
  const binary = /(^|\.)(memory|ephemeral-storage|storage|hugepages-[^.]*)$/.test(resource)
  return formatQuantity({ nano, format: format ?? (binary && nano % (one * 1024n) === 0n ? 'BinarySI' : 'DecimalSI') })
}

/** `used` of a quota after `more` is added to the resources it has; zeros take the format of what is added. */
export function usedWith(used: ResourceList, more: Amounts, formatFor: (resource: string) => QuantityFormat): ResourceList {
  const sum = amounts(used)
  addTo(sum, more)
  const text = (name: string) => usageText(name, sum.get(name) ?? 0n, formatOf(own(used, name)) ?? formatFor(name))
  return { ...used, ...Object.fromEntries([...more.keys()].map((name) => [name, text(name)])) }
}
