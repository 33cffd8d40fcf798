// ResourceQuotas as the ledger's check compares them: what their status says, and the same counted anew.
import type { ResourceQuota } from '../api/core/resource-quota.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { nanoOf } from '../api/quantity.ts'
import { kinds } from '../api/kinds.ts'
import { sameValue } from '../api/equal.ts'
import type { QuotaCounts } from './check.ts'
import { type CountedObjects, countedStatus, isCountedLate, isMatched, ownsResource, quotaUsage } from './quota-usage.ts'

/** Every object that some quota limits, by kind; `list` gives those of a kind. Kinds that are counted late are left out. */
export function quotaObjects(
  quotas: readonly ResourceQuota[],
  list: (kind: AnyKind) => Promise<readonly AnyObject[]>,
): Promise<CountedObjects[]> {
  const limited = kinds.filter(
    (kind) =>
      !isCountedLate(kind) && quotas.some(({ spec }) => Object.keys(spec.hard ?? {}).some((name) => ownsResource(kind, name))),
  )
  return Promise.all(limited.map(async (kind) => ({ kind, objects: await list(kind) })))
}

/**
 * `all`: every object of the kinds that quotas limit; resources of other kinds are left out. `now` in milliseconds. Quotas that
 * have just been made or edited are left out: nobody has counted for them yet.
 */
export function quotaCounts(quotas: readonly ResourceQuota[], all: readonly CountedObjects[], now: number): QuotaCounts[] {
  return quotas.flatMap((quota) => {
    const { metadata, spec, status } = quota
    const { hard = {} } = spec
    if (!status.used || !sameValue(status.hard, spec.hard)) return []
    const isHere = (kind: AnyKind) => (object: AnyObject) =>
      object.metadata.namespace === metadata.namespace && isMatched(kind, object, { spec, hard })
    const here = all.map(({ kind, objects }) => ({ kind, objects: [...objects].filter(isHere(kind)) }))
    const computed = countedStatus(quota, here, now).used ?? {}
    const told = Object.entries(status.used).filter(([resource]) => all.some(({ kind }) => ownsResource(kind, resource)))
    const isWrong = ([resource, text]: [string, string]) => nanoOf(text) !== nanoOf(computed[resource] ?? '0')
    const usersOf = (resource: string) =>
      here.flatMap(({ kind, objects }) => objects.filter((object) => quotaUsage(kind, object, now).get(resource)).map(nameOf))
    return [
      {
        ...{ namespace: metadata.namespace ?? '', name: metadata.name, used: Object.fromEntries(told), computed },
        users: Object.fromEntries(told.filter(isWrong).map(([resource]) => [resource, usersOf(resource)])),
      },
    ]
  })
}

const nameOf = ({ kind, metadata }: AnyObject): string => `${kind} ${metadata.namespace}/${metadata.name}`
