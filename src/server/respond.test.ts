import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { warningHeaders } from './respond.ts'

describe('Warning headers', () => {
  cases(
    [
      { name: 'are quoted', given: ['unknown field "a\\b"'], want: ['299 - "unknown field \\"a\\\\b\\""'] },
      { name: 'say nothing twice', given: ['a', 'b', 'a'], want: ['299 - "a"', '299 - "b"'] },
      { name: 'hold nothing that is no header', given: ['é\r\nx: y\0'], want: ['299 - "???x: y?"'] },
      { name: 'are whole while they are few', given: ['x'.repeat(4000)], want: [`299 - "${'x'.repeat(4000)}"`] },
      {
        name: 'are cut, and at last left out, when they are many',
        given: Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(300, 'x')),
        want: Array.from({ length: 16 }, (_, i) => `299 - "${`${i}`.padEnd(256, 'x')}"`),
      },
    ],
    ({ given, want }) => assert.deepEqual(warningHeaders(given), want),
  )
})
