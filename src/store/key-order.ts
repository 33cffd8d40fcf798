// Keys in the byte order of their UTF-8, as every maker lists them.

/** Negative, zero or positive as `a` sorts before, with or after `b`. JavaScript's own order differs beyond the basic plane. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

// a surrogate stands for a code point above every other UTF-16 unit
const rank = (unit: number) => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)

/** The first position in the sorted `keys` whose key is not before `key`. */
export function positionOf(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle] ?? '', key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
