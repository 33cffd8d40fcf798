import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { compareKeys } from './key-order.ts'
import { sortedKeys } from './sorted-keys.ts'

/** The numbers below `count` in a scattered order. */
const scattered = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919) % count)

describe('sortedKeys', () => {
  it('keeps thousands of keys in order while they come and go, each once', () => {
    const keys = sortedKeys()
    const want = new Set<string>()
    for (const n of scattered(5000)) {
      for (const key of [`/k/${n}`, `/k/${n}`]) keys.add(key)
      want.add(`/k/${n}`)
    }
    for (const n of scattered(4000)) {
      keys.remove(`/k/${n}`)
      want.delete(`/k/${n}`)
    }
    keys.remove('/k/absent')
    assert.deepEqual([...keys.from('')], [...want].sort(compareKeys))
    assert.deepEqual([...keys.from('/k/4500')], [...want].filter((key) => compareKeys(key, '/k/4500') >= 0).sort(compareKeys))
  })

  it('is empty again when all are gone, and takes new keys', () => {
    const keys = sortedKeys()
    for (const n of scattered(2000)) keys.add(`${n}`)
    for (const n of scattered(2000)) keys.remove(`${n}`)
    assert.deepEqual([...keys.from('')], [])
    keys.add('b')
    keys.add('a')
    assert.deepEqual([...keys.from('')], ['a', 'b'])
  })
})
