import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { backoff, delayAfter } from './backoff.ts'

describe('delayAfter', () => {
  cases(
    [
      { name: 'no failure, no delay', failures: 0, options: { baseMs: 10, maxMs: 100 }, want: 0 },
      { name: 'starts at the base', failures: 1, options: { baseMs: 10, maxMs: 100 }, want: 10 },
      { name: 'doubles', failures: 3, options: { baseMs: 10, maxMs: 100 }, want: 40 },
      { name: 'multiplies by the factor asked for', failures: 3, options: { baseMs: 10, maxMs: 1000, factor: 3 }, want: 90 },
      { name: 'stops at the most', failures: 5, options: { baseMs: 10, maxMs: 100 }, want: 100 },
      { name: 'stays finite after very many failures', failures: 5000, options: { baseMs: 10, maxMs: 100 }, want: 100 },
    ],
    (row) => assert.equal(delayAfter(row.failures, row.options), row.want),
  )
})

describe('backoff', () => {
  it('counts each key by itself and starts over after a reset', () => {
    const delays = backoff({ baseMs: 5, maxMs: 1000 })
    assert.deepEqual([delays.next('a'), delays.next('a'), delays.next('b'), delays.failures('a')], [5, 10, 5, 2])
    delays.reset('a')
    assert.deepEqual([delays.failures('a'), delays.next('a'), delays.next('b')], [0, 5, 10])
  })
})
