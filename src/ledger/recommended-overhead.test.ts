import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Summary } from '../lib/statistics.ts'
import { cases } from '../testing/cases.ts'
import { publishedOverhead } from './published-overhead.ts'
import { recommendedOverhead } from './recommended-overhead.ts'

const of = (mean: number, error: number): Summary => ({ count: 9, mean, error, min: mean, max: mean })
const mi = (mean: number, error: number): Summary => of(mean * 1024 * 1024, error * 1024 * 1024)
const milli = (mean: number, error: number): Summary => of(mean * 1e6, error * 1e6)

describe('recommended overhead', () => {
  cases(
    [
      {
        name: 'is what is counted, its error and a tenth more, in whole mebibytes',
        sandbox: mi(9, 1),
        nodeAvailable: mi(9, 2),
        idleCpu: milli(0.1, 0.1),
        // (9 + 1) * 1.1
        want: { memory: '11Mi' },
      },
      {
        name: 'is what the node surely lost, where that is more',
        sandbox: mi(9, 1),
        nodeAvailable: mi(25, 5),
        idleCpu: milli(0, 0),
        // (25 - 5) * 1.1
        want: { memory: '22Mi' },
      },
      {
        name: 'does not believe a node that something else went on in',
        sandbox: mi(9, 1),
        nodeAvailable: mi(25, 20),
        idleCpu: milli(0, 0),
        want: { memory: '11Mi' },
      },
      {
        name: 'does not believe a node that was looked at once or twice',
        sandbox: mi(9, 1),
        nodeAvailable: { ...mi(25, 0), count: 2 },
        idleCpu: milli(0, 0),
        want: { memory: '11Mi' },
      },
      {
        name: 'has cpu where an idle sandbox uses some',
        sandbox: mi(100, 0),
        nodeAvailable: mi(0, 0),
        idleCpu: milli(7.2, 0.5),
        want: { cpu: '8m', memory: '111Mi' },
      },
      {
        name: 'is never nothing',
        sandbox: mi(0, 0),
        nodeAvailable: mi(-3, 1),
        idleCpu: milli(0, 0),
        want: { memory: '1Mi' },
      },
    ],
    ({ sandbox, nodeAvailable, idleCpu, want }) => {
      assert.deepEqual(recommendedOverhead({ sandbox, nodeAvailable, idleCpu }).podFixed, want)
    },
  )

  it('says why', () => {
    const { reasons } = recommendedOverhead({ sandbox: mi(9, 1), nodeAvailable: mi(25, 5), idleCpu: milli(0.1, 0) })
    assert.deepEqual(reasons, [
      'cgroup and processes: 9.0Mi ± 1.0Mi a Pod, at most 10.0Mi with 95 % confidence',
      'the node has 25.0Mi ± 5.0Mi less for each, at least 20.0Mi: kernel memory that no cgroup counts, so this is taken',
      'with 10 % headroom, rounded up: 22Mi',
      'an idle Pod uses 0.10m ± 0.00m of CPU: too little to declare',
    ])
  })

  it('is compared with what others published, where anybody did', () => {
    const found = ['kata-qemu', 'gvisor', 'runc'].map((handler) =>
      publishedOverhead(handler).map(({ podFixed }) => podFixed.memory),
    )
    assert.deepEqual(found, [['160Mi', '130Mi', '2Gi', '120Mi'], ['19M', '60M'], []])
  })
})
