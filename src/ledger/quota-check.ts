// Whether a write fits into a ResourceQuota, and in which words it is refused.
import { Pod } from '../api/core/pod.ts'
import type { ResourceQuota } from '../api/core/resource-quota.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { own } from '../api/own.ts'
import { nanoOf } from '../api/quantity.ts'
import type { Amounts } from './amounts.ts'
import { isPodLevelResource } from './pod-ledger.ts'
import { isMatched, ownsResource, quotaUsage, usageFormat, usageText, usedWith } from './quota-usage.ts'

export interface Charged {
  kind: AnyKind
  object: AnyObject
  /** As it was, for an update: only what it uses more is charged. */
  old?: AnyObject | undefined
  nowMs: number
}

/** Why a write is refused, or what `status.used` is to be once it is let through; undefined: nothing changes. */
export type QuotaAnswer = { refused: string } | { used: NonNullable<ResourceQuota['status']['used']> } | undefined

/** k8s: the quota's status decides, and what its controller has not counted yet is not known. */
export function chargeOf(quota: ResourceQuota, charged: Charged): QuotaAnswer {
  const { kind, object, old, nowMs } = charged
  const { hard = {}, used = {} } = quota.status
  const { name } = quota.metadata
  if (!isMatched(kind, object, { spec: quota.spec, hard })) return undefined
  const owned = Object.keys(hard)
    .filter((resource) => ownsResource(kind, resource))
    .sort()
  const unsaid = kind.kind === Pod.kind ? undeclared(object as Pod, owned) : undefined
  if (unsaid !== undefined) return { refused: `failed quota: ${name}: must specify ${unsaid}` }
  const unknown = owned.filter((resource) => own(used, resource) === undefined)
  if (unknown.length > 0) return { refused: `status unknown for quota: ${name}, resources: ${unknown.join(',')}` }
  const before = old && isMatched(kind, old, { spec: quota.spec, hard }) ? quotaUsage(kind, old, nowMs) : undefined
  const asked = risen(quotaUsage(kind, object, nowMs), before, owned)
  if (asked.size === 0) return undefined
  const formatFor = (resource: string) => usageFormat(kind, object, resource)
  const after = usedWith(used, asked, formatFor)
  const exceeded = [...asked.keys()].filter((resource) => nanoOf(after[resource] ?? '0') > nanoOf(hard[resource] ?? '0'))
  if (exceeded.length === 0) return { used: after }
  const list = (amountOf: (resource: string) => string | undefined) =>
    exceeded.map((resource) => `${resource}=${amountOf(resource) ?? '0'}`).join(',')
  const requested = list((resource) => usageText(resource, asked.get(resource) ?? 0n, formatFor(resource)))
  const taken = `used: ${list((resource) => used[resource])}, limited: ${list((resource) => hard[resource])}`
  return { refused: `exceeded quota: ${name}, requested: ${requested}, ${taken}` }
}

/** What is used more than before, of the named resources, in their order; zeros are left out. */
function risen(now: Amounts, before: Amounts | undefined, names: readonly string[]): Map<string, bigint> {
  const more = names.map((name) => [name, (now.get(name) ?? 0n) - (before?.get(name) ?? 0n)] as const)
  return new Map(more.filter(([, amount]) => amount > 0n))
}

const declared = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

/**
 * k8s: a quota on cpu or memory demands that every container says how much it wants; overhead says nothing for it, resources
 * of the Pod as a whole do. `resources` are sorted. Undefined when nothing is missing.
 */
function undeclared({ spec }: Pod, resources: readonly string[]): string | undefined {
  const { requests, limits } = spec.resources ?? {}
  if ([requests, limits].some((list) => Object.keys(list ?? {}).some(isPodLevelResource))) return undefined
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const missing = resources.flatMap((resource) => {
    if (!declared.has(resource)) return []
    const side = resource.startsWith('limits.') ? 'limits' : 'requests'
    const wanted = resource.split('.').at(-1) ?? ''
    const silent = containers.filter((container) => own(container.resources[side], wanted) === undefined)
    const names = [...new Set(silent.map((container) => container.name))].sort()
    return names.length === 0 ? [] : [`${resource} for: ${names.join(',')}`]
  })
  return missing.length === 0 ? undefined : missing.join('; ')
}
