// In which family of suffixes a sum is written: as the first amount in it that is not zero, as upstream's sums are.
import type { ResourceList } from '../api/core/resources.ts'
import { parseQuantity, type QuantityFormat } from '../api/quantity.ts'
import { type Costed, isPodLevelResource, type Side } from './pod-ledger.ts'

/** `64M` of memory stays decimal, and is not 62500Ki; undefined when nothing of it is asked for. */
export function formatOfSum(pod: Costed, side: Side, resource: string): QuantityFormat | undefined {
  const { resources, containers, initContainers = [], overhead } = pod.spec
  const atPodLevel = isPodLevelResource(resource) ? resources?.[side]?.[resource] : undefined
  if (atPodLevel !== undefined) return formatOf(atPodLevel) ?? formatOf(overhead?.[resource])
  const lists: (ResourceList | undefined)[] = [...containers, ...initContainers].map((container) => container.resources[side])
  return firstFormat([...lists, overhead], resource)
}

/** Of `resource` in the first list that names it with more than zero. */
function firstFormat(lists: readonly (ResourceList | undefined)[], resource: string): QuantityFormat | undefined {
  for (const list of lists) {
    const found = formatOf(list?.[resource])
    if (found) return found
  }
  return undefined
}

/** Undefined of zero, which is written in no family. */
export function formatOf(text: string | undefined): QuantityFormat | undefined {
  const quantity = text === undefined ? undefined : parseQuantity(text)
  return quantity === undefined || quantity.nano === 0n ? undefined : quantity.format
}
