import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { compareKeys, positionOf } from './key-order.ts'

describe('compareKeys', () => {
  it('agrees with the bytes of UTF-8 for any text', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (a, b) =>
        assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b))),
      ),
    )
  })

  it('puts a private-use character before an emoji, which UTF-16 does not', () => {
    assert.ok(compareKeys('\uf8ff', '😀') < 0)
  })
})

describe('positionOf', () => {
  it('finds the first key that is not before the one asked for', () => {
    const keys = ['a', 'c', 'e']
    assert.deepEqual(
      ['', 'a', 'b', 'e', 'f'].map((key) => positionOf(keys, key)),
      [0, 0, 1, 2, 3],
    )
  })
})
