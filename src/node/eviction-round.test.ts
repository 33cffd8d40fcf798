import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { evictionMessage, nodeConditionMessage } from './eviction-message.ts'
import { calm, judge } from './eviction-round.ts'
import { durationMs, type EvictionSettings, evictionPolicy, heldByThresholds } from './eviction-settings.ts'
import { type Observations, observe } from './eviction-signals.ts'
import { samplePod } from './sample-pod.ts'

const mi = 1024 * 1024
const memory = (available: number): Observations => ({ 'memory.available': { available: available * mi, capacity: 1000 * mi } })
const disk = (percent: number): Observations => ({ 'nodefs.available': { available: percent, capacity: 100 } })

/** [time in seconds, what is left, "conditions -> signal acted on"] */
type Look = [number, Observations, string]

const hard = { evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' }, evictionPressureTransitionPeriod: '30s' }
const soft = {
  ...{ evictionHard: { 'memory.available': '10Mi' }, evictionSoft: { 'memory.available': '100Mi' } },
  ...{ evictionSoftGracePeriod: { 'memory.available': '1m' }, evictionPressureTransitionPeriod: '0s' },
}

describe('judge', () => {
  cases<{ name: string; settings: EvictionSettings; looks: Look[] }>(
    [
      {
        name: 'exactly the threshold is enough; below it is acted on at once',
        settings: hard,
        looks: [
          [0, memory(100), ' -> '],
          [1, memory(99.9), 'MemoryPressure -> memory.available'],
        ],
      },
      {
        name: 'the condition outlives its signal by the transition period',
        settings: hard,
        looks: [
          [0, memory(50), 'MemoryPressure -> memory.available'],
          [10, memory(500), 'MemoryPressure -> '],
          [30, memory(500), 'MemoryPressure -> '],
          [31, memory(500), ' -> '],
        ],
      },
      {
        name: 'a soft threshold shows its condition at once, and is acted on after its grace period',
        settings: soft,
        looks: [
          [0, memory(50), 'MemoryPressure -> '],
          [59, memory(50), 'MemoryPressure -> '],
          [60, memory(50), 'MemoryPressure -> memory.available'],
        ],
      },
      {
        name: 'a recovery starts the grace period anew',
        settings: soft,
        looks: [
          [0, memory(50), 'MemoryPressure -> '],
          [30, memory(200), ' -> '],
          [40, memory(50), 'MemoryPressure -> '],
          [70, memory(50), 'MemoryPressure -> '],
          [100, memory(50), 'MemoryPressure -> memory.available'],
        ],
      },
      {
        name: 'once met it is met until the minimum reclaim is there on top',
        settings: { ...hard, evictionMinimumReclaim: { 'memory.available': '200Mi' } },
        looks: [
          [0, memory(250), ' -> '],
          [1, memory(99), 'MemoryPressure -> memory.available'],
          [2, memory(250), 'MemoryPressure -> memory.available'],
          [3, memory(300), 'MemoryPressure -> '],
          [4, memory(250), 'MemoryPressure -> '],
        ],
      },
      {
        name: 'memory comes before disk',
        settings: hard,
        looks: [
          [0, disk(9), 'DiskPressure -> nodefs.available'],
          [1, { ...disk(9), ...memory(1) }, 'MemoryPressure DiskPressure -> memory.available'],
        ],
      },
      { name: 'a signal that cannot be read meets nothing', settings: hard, looks: [[0, {}, ' -> ']] },
      {
        name: 'zero turns a threshold off',
        settings: { evictionHard: { 'memory.available': '0' } },
        looks: [[0, memory(0), ' -> ']],
      },
    ],
    ({ settings, looks }) => {
      const policy = evictionPolicy(settings)
      let state = calm
      const got = looks.map(([second, seen]): string => {
        const round = judge(state, seen, policy, second * 1000)
        state = round.state
        return `${round.conditions.join(' ')} -> ${round.act?.signal ?? ''}`
      })
      assert.deepEqual(
        got,
        looks.map(([, , want]) => want),
      )
    },
  )
})

describe('evictionPolicy', () => {
  cases<{ name: string; settings: EvictionSettings; want: RegExp }>(
    [
      {
        name: 'a signal nobody knows',
        settings: { evictionHard: { 'memory.free': '1Mi' } },
        want: /unknown eviction signal memory\.free/,
      },
      {
        name: 'no quantity',
        settings: { evictionHard: { 'memory.available': 'much' } },
        want: /memory\.available: much is no quantity/,
      },
      { name: 'too many percent', settings: { evictionHard: { 'nodefs.available': '101%' } }, want: /more than 100%/ },
      {
        name: 'soft without grace',
        settings: { evictionSoft: { 'memory.available': '1Mi' } },
        want: /grace period must be specified/,
      },
      { name: 'no duration', settings: { evictionPressureTransitionPeriod: '5' }, want: /5 is no duration/ },
    ],
    ({ settings, want }) => assert.throws(() => evictionPolicy(settings), want),
  )

  it('has the defaults of kubelets on Linux, but for disks', () => {
    const { thresholds, transitionMs, maxPodGraceSeconds } = evictionPolicy({})
    const shown = thresholds.map(({ signal, bound, graceMs }) => [
      signal,
      'units' in bound ? bound.text : bound.fraction,
      graceMs,
    ])
    assert.deepEqual(shown, [
      ['memory.available', '100Mi', 0],
      ['allocatableMemory.available', '100Mi', 0],
      ['nodefs.available', '1Gi', 0],
      ['nodefs.inodesFree', 0.01, 0],
      ['imagefs.available', '1Gi', 0],
      ['imagefs.inodesFree', 0.01, 0],
    ])
    assert.deepEqual([transitionMs, maxPodGraceSeconds], [300_000, 0])
  })

  it('holds hard thresholds back from what Pods can have', () => {
    const settings = { evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' } }
    const held = heldByThresholds(evictionPolicy(settings), { memory: '1Gi', 'ephemeral-storage': '1000', cpu: '2' })
    assert.deepEqual(held, { memory: String(100 * mi), 'ephemeral-storage': '100' })
  })

  it('reads durations', () => {
    assert.deepEqual(['90s', '1m30s', '1h', '250ms', '0'].map(durationMs), [90_000, 90_000, 3_600_000, 250, 0])
  })
})

describe('evictionMessage', () => {
  const settings = { evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' } }
  const [low, , full] = evictionPolicy(settings).thresholds
  const pod = samplePod({
    containers: [
      { name: 'main', image: 'i' },
      { name: 'modest', image: 'i', resources: { requests: { memory: '300Mi' } } },
    ],
  })
  it('names the containers that use more than they request', () => {
    const used = [
      { name: 'main', used: 200 * mi },
      { name: 'modest', used: 300 * mi },
    ]
    assert.equal(
      low && evictionMessage(pod, low, memory(50), used),
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ' +
        'Container main was using 200Mi, request is 0, has larger consumption of memory. ',
    )
  })
  it('does not tell thresholds in percent', () => {
    assert.equal(full && evictionMessage(pod, full, disk(5), []), 'The node was low on resource: ephemeral-storage. ')
  })
  it('tells who is not let in why', () => {
    assert.equal(
      nodeConditionMessage(['MemoryPressure', 'DiskPressure']),
      'The node had condition: [MemoryPressure DiskPressure]. ',
    )
  })
})

describe('observe', () => {
  it('leaves out what the machine does not count', () => {
    const fs = { capacityBytes: 100, availableBytes: 40, inodes: 0, inodesFree: 0 }
    const node = { cpuNanoseconds: 0, memoryWorkingSetBytes: 1, memoryCapacityBytes: 9, memoryAvailableBytes: 8, fs }
    assert.deepEqual(
      observe(
        { ...node, pids: { max: 10, current: 4 } },
        { imageFs: { ...fs, inodes: 7, inodesFree: 6 }, pods: { limitBytes: 9, workingSetBytes: 7 } },
      ),
      {
        'memory.available': { available: 8, capacity: 9 },
        'nodefs.available': { available: 40, capacity: 100 },
        'pid.available': { available: 6, capacity: 10 },
        'allocatableMemory.available': { available: 2, capacity: 9 },
        'imagefs.available': { available: 40, capacity: 100 },
        'imagefs.inodesFree': { available: 6, capacity: 7 },
      },
    )
  })
})
