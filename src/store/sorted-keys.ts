// Every key in byte order, in blocks: to add one among 100,000 moves at most one block.
import { compareKeys, positionOf } from './key-order.ts'

export interface SortedKeys {
  add(key: string): void
  remove(key: string): void
  /** Keys from `start` on, in order. Nothing may be added or removed meanwhile. */
  from(start: string): Iterable<string>
}

const blockSize = 512

export function sortedKeys(): SortedKeys {
  // never empty, and each block but a single first one holds a key
  const blocks: string[][] = [[]]
  return {
    add(key) {
      const at = blockOf(blocks, key)
      const block = blocks[at]!
      const position = positionOf(block, key)
      if (block[position] === key) return
      block.splice(position, 0, key)
      if (block.length > blockSize) blocks.splice(at + 1, 0, block.splice(blockSize / 2))
    },
    remove(key) {
      const at = blockOf(blocks, key)
      const block = blocks[at]!
      const position = positionOf(block, key)
      if (block[position] !== key) return
      block.splice(position, 1)
      if (block.length === 0 && blocks.length > 1) blocks.splice(at, 1)
    },
    *from(start) {
      const first = blockOf(blocks, start)
      for (let at = first; at < blocks.length; at++) {
        const block = blocks[at]!
        for (let i = at === first ? positionOf(block, start) : 0; i < block.length; i++) yield block[i]!
      }
    },
  }
}

/** The last block whose first key is not after `key`, else the first block. */
function blockOf(blocks: readonly string[][], key: string): number {
  let low = 0
  let high = blocks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (compareKeys(blocks[middle]?.[0] ?? '', key) <= 0) low = middle
    else high = middle - 1
  }
  return low
}
