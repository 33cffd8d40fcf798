import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { canonicalQuantity, milliValueOf, nanoOf, sameQuantity, valueOf } from './quantity.ts'

interface Vector {
  name: string
  given: string
  want: string | null
  source: string
}
const vectors = JSON.parse(readFileSync(new URL('../../test/vectors/quantities.json', import.meta.url), 'utf8')) as Vector[]

describe('quantities', () => {
  cases(vectors, ({ given, want, source }) => assert.equal(canonicalQuantity(given) ?? null, want, source))

  cases(
    [
      { name: 'whole', text: '2', value: 2n, milli: 2000n },
      { name: 'a fraction is rounded up', text: '100m', value: 1n, milli: 100n },
      { name: 'finer than milli is rounded up', text: '1u', value: 1n, milli: 1n },
      { name: 'negative is rounded towards zero', text: '-1500m', value: -1n, milli: -1500n },
      { name: 'binary', text: '1Ki', value: 1024n, milli: 1_024_000n },
    ],
    ({ text, value, milli }) => assert.deepEqual([valueOf(text), milliValueOf(text)], [value, milli]),
  )

  it('are equal as amounts, whatever the spelling', () => {
    assert.deepEqual([sameQuantity('0.1', '100m'), sameQuantity('1Ki', '1024'), sameQuantity('1k', '1Ki')], [true, true, false])
  })

  it('keep their amount in canonical spelling, which is stable', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ei', 'e3', 'e-3')
    const text = fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.option(fc.nat(999)), suffix)
    fc.assert(
      fc.property(text, ([whole, fraction, unit]) => {
        const given = `${whole}${fraction === null ? '' : `.${fraction}`}${unit}`
        const canonical = canonicalQuantity(given) ?? assert.fail(given)
        assert.equal(nanoOf(canonical), nanoOf(given))
        assert.equal(canonicalQuantity(canonical), canonical)
      }),
    )
  })
})
