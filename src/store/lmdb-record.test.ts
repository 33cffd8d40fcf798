import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { decodeRecord, encodeRecord, indexKey, indexRange, keyOfIndex, logKey, revisionOfLog } from './lmdb-record.ts'

const whole = fc.maxSafeNat()

describe('lmdb records', () => {
  it('come back as they were written', () => {
    const fields = {
      key: fc.string({ unit: 'binary' }),
      value: fc.option(fc.uint8Array()),
      previousRevision: whole,
      totalBytes: whole,
    }
    const record = fc.record(fields, { noNullPrototype: true })
    fc.assert(
      fc.property(record, (one) => {
        const back = decodeRecord(encodeRecord(one))
        assert.deepEqual({ ...back, value: back.value && new Uint8Array(back.value) }, one)
      }),
      { numRuns: 200 },
    )
  })

  it('sort in the log as their revisions do', () => {
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        assert.equal(Math.sign(Buffer.compare(logKey(a), logKey(b))), Math.sign(a - b))
        assert.equal(revisionOfLog(logKey(a)), a)
      }),
      { numRuns: 200 },
    )
  })

  it('bound a range to the prefix and what comes after a key', () => {
    const inRange = (key: string, prefix: string, after: string) => {
      const { start, end } = indexRange(prefix, after)
      return Buffer.compare(indexKey(key), start) >= 0 && Buffer.compare(indexKey(key), end) < 0
    }
    assert.deepEqual(
      ['/a', '/a/', '/a/1', '/a/2', '/a/\u{10ffff}', '/b'].map((key) => [inRange(key, '/a/', ''), inRange(key, '/a/', '/a/1')]),
      [
        [false, false],
        [true, false],
        [true, false],
        [true, true],
        [true, true],
        [false, false],
      ],
    )
    assert.equal(keyOfIndex(indexKey('/a/é')), '/a/é')
  })

  it('refuse a key longer than LMDB can hold', () => {
    assert.throws(() => indexKey('x'.repeat(1901)), /1901 bytes/)
  })
})
