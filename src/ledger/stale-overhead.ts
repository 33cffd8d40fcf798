// Pods whose overhead is not what their RuntimeClass declares now: a class edited later leaves them as they were.
import type { Pod } from '../api/core/pod.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import { isCounted, resourceOrder } from './account.ts'
import { type Amounts, amounts, amountText } from './amounts.ts'

export interface StalePod {
  pod: Pod
  /** What it got when it was created, and counts until it is recycled. */
  has: Amounts
  /** What a Pod created now would get; undefined: the class is gone. */
  declared: Amounts | undefined
}

/** In the order given; Pods that are over, or have no class, are never stale. A class that is gone declares nothing. */
export function stalePods(pods: readonly Pod[], classes: ReadonlyMap<string, RuntimeClass>): StalePod[] {
  const found: StalePod[] = []
  const declarations = new Map([...classes].map(([name, { overhead }]) => [name, amounts(overhead?.podFixed)]))
  for (const pod of pods) {
    const name = pod.spec.runtimeClassName
    if (!name || !isCounted(pod)) continue
    const declared = declarations.get(name)
    const has = amounts(pod.spec.overhead)
    if (!sameCost(has, declared ?? none)) found.push({ pod, has, declared })
  }
  return found
}

const none: Amounts = new Map()

export const classesByName = (classes: readonly RuntimeClass[]): Map<string, RuntimeClass> =>
  new Map(classes.map((found) => [found.metadata.name, found]))

/** An amount of nothing costs what an absent one costs. */
function sameCost(a: Amounts, b: Amounts): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((name) => (a.get(name) ?? 0n) === (b.get(name) ?? 0n))
}

/** `cpu=250m,memory=120Mi`; `none` of nothing. */
export function amountsText(list: Amounts): string {
  const names = resourceOrder([...list.keys()])
  return names.map((name) => `${name}=${amountText(name, list.get(name) ?? 0n)}`).join(',') || 'none'
}
