import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { median, percentile, summary } from './statistics.ts'

describe('statistics', () => {
  cases(
    [
      { name: 'nothing', values: [], want: { count: 0, mean: 0, error: 0, min: 0, max: 0 } },
      { name: 'one value has no error', values: [7], want: { count: 1, mean: 7, error: 0, min: 7, max: 7 } },
      // by hand: deviation sqrt(2), t(1) 12.706, sqrt(2) values
      { name: 'two values', values: [1, 3], want: { count: 2, mean: 2, error: 12.706, min: 1, max: 3 } },
      // deviation sqrt(10 / 4), t(4) 2.776
      { name: 'five values', values: [5, 1, 4, 2, 3], want: { count: 5, mean: 3, error: 1.963, min: 1, max: 5 } },
      {
        name: 'equal values',
        values: Array.from({ length: 40 }, () => 2),
        want: { count: 40, mean: 2, error: 0, min: 2, max: 2 },
      },
    ],
    ({ values, want }) => {
      const got = summary(values)
      assert.deepEqual({ ...got, error: Math.round(got.error * 1000) / 1000 }, want)
    },
  )

  it('takes percentiles of nearest rank, whatever the order', () => {
    const values = [90, 10, 30, 70, 50, 20, 40, 60, 80, 100]
    const shares = [0, 0.1, 0.5, 0.9, 0.99, 1]
    assert.deepEqual(
      shares.map((share) => percentile(values, share)),
      [10, 10, 50, 90, 100, 100],
    )
    assert.deepEqual([median([3, 1, 2]), median([]), values[0]], [2, 0, 90])
  })
})
