import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { maxDepth, scanJson } from './json-scan.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('what a JSON text hides', () => {
  cases(
    [
      { name: 'nothing, mostly', text: '{"a":[{"b":1},{"b":2}],"c":{"b":"a"}}', want: { tooDeep: false, duplicates: [] } },
      { name: 'a key that comes twice', text: '{"a":1,"b":2,"a":3}', want: { tooDeep: false, duplicates: ['a'] } },
      {
        name: 'where the key is, each once',
        text: '{"spec":{"containers":[{"name":"x"},{"name":"y","name":"z","name":"q"}]}}',
        want: { tooDeep: false, duplicates: ['spec.containers[1].name'] },
      },
      { name: 'keys that are spelled differently', text: '{"a":1,"\\u0061":2}', want: { tooDeep: false, duplicates: ['a'] } },
      { name: 'brackets and quotes inside texts', text: '{"a":"{\\"a\\":[","b":"]"}', want: { tooDeep: false, duplicates: [] } },
      { name: 'values that are like keys', text: '{"a":"b","b":"a"}', want: { tooDeep: false, duplicates: [] } },
      { name: 'the deepest that is allowed', text: nested(maxDepth), want: { tooDeep: false, duplicates: [] } },
      { name: 'one deeper', text: nested(maxDepth + 1), want: { tooDeep: true, duplicates: [] } },
      { name: 'a text that breaks off', text: '{"a":"b', want: { tooDeep: false, duplicates: [] } },
    ],
    ({ text, want }) => assert.deepEqual(scanJson(text), want),
  )
})
