// Picks the Pod network of a cluster, so that clusters side by side do not collide.

interface Range {
  base: number
  size: number
}

function rangeOf(cidr: string): Range {
  const [address = '', bits = '32'] = cidr.split('/')
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - Number(bits))
  return { base: base - (base % size), size }
}

const overlap = (a: Range, b: Range) => a.base < b.base + b.size && b.base < a.base + a.size

/**
 * A /24 within 10.64.0.0/10, started from `seed` (hex) and moved on while it overlaps with `taken` (IPv4 CIDRs).
 * Throws when nothing is free.
 */
export function freeSubnet(seed: string, taken: readonly string[]): string {
  const ranges = taken.map(rangeOf)
  const first = Number.parseInt(seed.slice(0, 8), 16)
  for (let i = 0; i < 16_384; i++) {
    const slot = (first + i) % 16_384
    const cidr = `10.${64 + (slot >> 8)}.${slot & 255}.0/24`
    if (!ranges.some((range) => overlap(range, rangeOf(cidr)))) return cidr
  }
  throw new Error('no free /24 within 10.64.0.0/10 for the Pod network')
}
