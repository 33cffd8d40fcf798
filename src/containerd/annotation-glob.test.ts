import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { globPieces, globsOverlap } from './annotation-glob.ts'

describe('annotation patterns', () => {
  cases(
    [
      { name: 'a wide and a narrow one', a: 'io.katacontainers.*', b: 'io.katacontainers.config.*', want: true },
      { name: 'two runtimes', a: 'io.katacontainers.*', b: 'dev.gvisor.*', want: false },
      { name: 'a star stops at a slash', a: '*', b: 'example.com/key', want: false },
      { name: 'but not at two stars with a slash', a: '*/*', b: 'example.com/key', want: true },
      { name: 'stars on both sides', a: 'a*c', b: '*b*', want: true },
      { name: 'a question mark is one character', a: 'a?', b: 'a', want: false },
      { name: 'classes that meet', a: '[a-m]', b: '[m-z]', want: true },
      { name: 'classes that do not', a: '[a-l]', b: '[m-z]', want: false },
      { name: 'a negated class', a: '[^a]', b: 'a', want: false },
      { name: 'an escaped star is a star', a: '\\*', b: 'x', want: false },
      { name: 'nothing fits a malformed one', a: '[a', b: '*', want: false },
    ],
    ({ a, b, want }) => {
      assert.deepEqual([globsOverlap(a, b), globsOverlap(b, a)], [want, want])
    },
  )

  cases(
    [
      { name: 'an open bracket', pattern: '[a', want: false },
      { name: 'an empty class', pattern: '[]', want: false },
      { name: 'a backslash at the end', pattern: 'a\\', want: false },
      { name: 'a range without an end', pattern: '[a-]', want: false },
      { name: 'a closed class', pattern: '[a-c]', want: true },
    ],
    ({ pattern, want }) => assert.equal(globPieces(pattern) !== undefined, want),
  )
})
