// Exact amounts of resources: resource name to bigint nano-units, so that 100m of cpu and 1Gi add up without rounding.
import type { ResourceList } from '../api/core/resources.ts'
import { formatQuantity, nanoOf } from '../api/quantity.ts'

/** Resource name to nano-units (10^-9). An absent name differs from an explicit zero: nobody asked at all. */
export type Amounts = ReadonlyMap<string, bigint>

const nanoPerUnit = 1_000_000_000n
const nanoPerMilli = 1_000_000n

/** A validated resource list in nano-units. Throws RangeError on a text that is no quantity. */
export function amounts(list: ResourceList | undefined): Map<string, bigint> {
  const found = new Map<string, bigint>()
  if (list) for (const name in list) found.set(name, nanoOf(list[name] ?? '0'))
  return found
}

/** Adds every entry of `more` to `into`, creating names. */
export function addTo(into: Map<string, bigint>, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0n) + amount)
}

/** Raises every entry of `into` to at least that of `other`, creating names. */
export function raiseTo(into: Map<string, bigint>, other: Amounts): void {
  for (const [name, amount] of other) {
    const present = into.get(name)
    if (present === undefined || amount > present) into.set(name, amount)
  }
}

/** The sum per resource. */
export function sum(all: readonly Amounts[]): Map<string, bigint> {
  const total = new Map<string, bigint>()
  for (const one of all) addTo(total, one)
  return total
}

/** Back into canonical quantities. */
export const listOf = (all: Amounts): ResourceList =>
  Object.fromEntries([...all].map(([name, nano]) => [name, amountText(name, nano)]))

/** The same names with the same amounts, in any order. */
export function sameAmounts(a: Amounts, b: Amounts): boolean {
  if (a.size !== b.size) return false
  for (const [name, amount] of a) if (b.get(name) !== amount) return false
  return true
}

function ceilDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value > 0n && value % divisor !== 0n ? quotient + 1n : quotient
}

/** Whole units (bytes, pieces), rounded up as `Quantity.Value`. */
export const unitsOf = (nano: bigint | undefined): number => Number(ceilDiv(nano ?? 0n, nanoPerUnit))
/** Thousandths (millicores), rounded up as `Quantity.MilliValue`. */
export const milliOf = (nano: bigint | undefined): number => Number(ceilDiv(nano ?? 0n, nanoPerMilli))

/** The canonical quantity of an amount: binary suffixes for whole Ki of memory-like resources, decimal ones for the rest. */
export function amountText(resource: string, nano: bigint): string {
  const binary = resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')
  return formatQuantity({ nano, format: binary && nano % (1024n * nanoPerUnit) === 0n ? 'BinarySI' : 'DecimalSI' })
}
