// Counts by topology domain: a label's key and its value.

/** Key to value to count. */
export type DomainCounts = Map<string, Map<string, number>>

export function addCount(counts: DomainCounts, key: string, value: string, by: number): void {
  let ofKey = counts.get(key)
  if (!ofKey) counts.set(key, (ofKey = new Map()))
  ofKey.set(value, (ofKey.get(value) ?? 0) + by)
}

export const countOf = (counts: DomainCounts, key: string, value: string): number => counts.get(key)?.get(value) ?? 0
