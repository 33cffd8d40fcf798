import assert from 'node:assert/strict'
import { describe } from 'vitest'
import type { Toleration } from '../api/core/toleration.ts'
import { cases } from '../testing/cases.ts'
import { mergeTolerations } from './toleration-merge.ts'

const exists = (key: string, more: Toleration = {}): Toleration => ({ key, operator: 'Exists', ...more })
const equal = (key: string, value: string, more: Toleration = {}): Toleration => ({ key, operator: 'Equal', value, ...more })
const everything: Toleration = { operator: 'Exists' }

interface Row {
  name: string
  first: Toleration[]
  second: Toleration[]
  want: Toleration[]
}
const noExecute = (tolerationSeconds?: number): Toleration => exists('a', { effect: 'NoExecute', tolerationSeconds })

const rows: Row[] = [
  { name: 'nothing and nothing', first: [], second: [], want: [] },
  { name: 'the first list comes first', first: [exists('b')], second: [exists('a')], want: [exists('b'), exists('a')] },
  { name: 'identical ones stay once', first: [exists('a')], second: [exists('a')], want: [exists('a')] },
  { name: 'identical ones within one list too', first: [exists('a'), exists('a')], second: [], want: [exists('a')] },
  {
    name: 'an absent value is the empty value',
    first: [{ key: 'a', operator: 'Exists', value: '' }],
    second: [exists('a')],
    want: [{ key: 'a', operator: 'Exists', value: '' }],
  },
  {
    name: 'a broader one of the class drops the one of the Pod',
    first: [equal('a', '1')],
    second: [exists('a')],
    want: [exists('a')],
  },
  {
    name: 'a broader one of the Pod drops the one of the class',
    first: [exists('a')],
    second: [equal('a', '1')],
    want: [exists('a')],
  },
  { name: 'every key covers each', first: [exists('a'), equal('b', '1')], second: [everything], want: [everything] },
  {
    name: 'an empty key without Exists covers nothing else',
    first: [equal('a', '1')],
    second: [{ operator: 'Equal', value: '1' }],
    want: [equal('a', '1'), { operator: 'Equal', value: '1' }],
  },
  {
    name: 'every effect covers one',
    first: [exists('a', { effect: 'NoSchedule' })],
    second: [exists('a')],
    want: [exists('a')],
  },
  {
    name: 'one effect does not cover another',
    first: [exists('a', { effect: 'NoSchedule' })],
    second: [exists('a', { effect: 'NoExecute' })],
    want: [exists('a', { effect: 'NoSchedule' }), exists('a', { effect: 'NoExecute' })],
  },
  { name: 'longer seconds cover shorter ones', first: [noExecute(10)], second: [noExecute(60)], want: [noExecute(60)] },
  { name: 'for ever covers some seconds', first: [noExecute(10)], second: [noExecute()], want: [noExecute()] },
  { name: 'some seconds do not cover for ever', first: [noExecute()], second: [noExecute(10)], want: [noExecute()] },
  {
    name: 'another value is not covered',
    first: [equal('a', '1')],
    second: [equal('a', '2')],
    want: [equal('a', '1'), equal('a', '2')],
  },
  {
    name: 'an empty operator covers Equal',
    first: [equal('a', '1')],
    second: [{ key: 'a', value: '1' }],
    want: [{ key: 'a', value: '1' }],
  },
  {
    name: 'but an empty operator is covered by Exists only, not by Equal with an effect more',
    first: [{ key: 'a', value: '1', effect: 'NoSchedule' }],
    second: [equal('a', '1')],
    want: [{ key: 'a', value: '1', effect: 'NoSchedule' }, equal('a', '1')],
  },
  {
    name: 'an unknown operator covers nothing but itself',
    first: [{ key: 'a', operator: 'Gt', value: '1' }],
    second: [equal('a', '1')],
    want: [{ key: 'a', operator: 'Gt', value: '1' }, equal('a', '1')],
  },
]

describe('merging tolerations', () => {
  cases(rows, ({ first, second, want }) => assert.deepEqual(mergeTolerations(first, second), want))
})
