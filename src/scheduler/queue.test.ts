import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { podNeed } from '../placement/pod-need.ts'
import { samplePod } from '../placement/sample.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { heap } from './heap.ts'
import { podQueue } from './queue.ts'

const needOf = (name: string, priority = 0) => podNeed(samplePod(name, { priority }))
const uid = (name: string) => `uid-${name}`
const all = () => true

function setUp() {
  const clock = manualClock()
  const queue = podQueue(clock)
  /** The names of what can be taken now. */
  const ready = async () => {
    const names: string[] = []
    while (queue.counts().active > 0) names.push((await queue.take(AbortSignal.timeout(5000)))?.pod.metadata.name ?? 'nothing')
    return names
  }
  return { clock, queue, ready }
}

describe('podQueue', () => {
  it('gives high priority first, then whoever came first', async () => {
    const { queue, ready } = setUp()
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', 5],
      ['e', -1],
    ] as const)
      queue.put(needOf(name, priority), true)
    assert.deepEqual(await ready(), ['b', 'd', 'a', 'c', 'e'])
  })

  it('wakes who waits, and lets go when the signal aborts', async () => {
    const { queue } = setUp()
    const stop = new AbortController()
    const first = queue.take(stop.signal)
    queue.put(needOf('a'), true)
    assert.equal((await first)?.uid, uid('a'))
    const second = queue.take(stop.signal)
    stop.abort()
    assert.equal(await second, undefined)
  })

  it('gives the newest state of a Pod, once', async () => {
    const { queue } = setUp()
    queue.put(needOf('a'), true)
    const newer = needOf('a')
    queue.put(newer, true)
    assert.equal(await queue.take(AbortSignal.timeout(5000)), newer)
    assert.deepEqual(queue.counts(), { active: 0, backingOff: 0, unschedulable: 0, taken: 1 })
  })

  it('tries errors again after 1, 2, 4, 8, 10, 10 seconds', async () => {
    const { clock, queue, ready } = setUp()
    queue.put(needOf('a'), true)
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      assert.deepEqual(await ready(), ['a'])
      queue.failed(uid('a'), 'error')
      const before = clock.now()
      while (queue.counts().active === 0) await clock.advance(1000)
      waits.push(clock.now() - before)
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 10_000, 10_000])
  })

  it('lets an unschedulable Pod wait until something helps it, and no longer than five minutes', async () => {
    const { clock, queue, ready } = setUp()
    for (const name of ['a', 'b']) queue.put(needOf(name), true)
    await ready()
    for (const name of ['a', 'b']) queue.failed(uid(name), 'unschedulable')
    await clock.advance(60_000)
    queue.retryWhere((need) => need.uid === uid('b'))
    assert.deepEqual(await ready(), ['b'])
    await clock.advance(239_999)
    assert.deepEqual(await ready(), [])
    await clock.advance(1)
    assert.deepEqual(await ready(), ['a'])
    assert.equal(clock.pending(), 0)
  })

  it('keeps the back-off when help comes at once', async () => {
    const { clock, queue, ready } = setUp()
    queue.put(needOf('a'), true)
    await ready()
    queue.failed(uid('a'), 'unschedulable')
    queue.retryWhere(all)
    queue.retryWhere(all)
    assert.deepEqual(queue.counts(), { active: 0, backingOff: 1, unschedulable: 0, taken: 0 })
    await clock.advance(999)
    assert.deepEqual(await ready(), [])
    await clock.advance(1)
    assert.deepEqual(await ready(), ['a'])
  })

  it('retries a Pod whose spec changed, but not one whose status did', async () => {
    const { clock, queue, ready } = setUp()
    queue.put(needOf('a'), true)
    await ready()
    queue.failed(uid('a'), 'unschedulable')
    await clock.advance(5000)
    queue.put(needOf('a'), false)
    assert.deepEqual(await ready(), [])
    queue.put(needOf('a'), true)
    assert.deepEqual(await ready(), ['a'])
  })

  it('forgets removed Pods wherever they are, with their timers', async () => {
    const { clock, queue, ready } = setUp()
    for (const name of ['active', 'error', 'waiting', 'taken']) queue.put(needOf(name, name === 'active' ? -1 : 0), true)
    for (let i = 0; i < 3; i++) await queue.take(AbortSignal.timeout(5000))
    queue.failed(uid('error'), 'error')
    queue.failed(uid('waiting'), 'unschedulable')
    assert.deepEqual(queue.counts(), { active: 1, backingOff: 1, unschedulable: 1, taken: 1 })
    for (const name of ['active', 'error', 'waiting', 'taken']) queue.remove(uid(name))
    queue.failed(uid('taken'), 'error')
    assert.deepEqual(queue.counts(), { active: 0, backingOff: 0, unschedulable: 0, taken: 0 })
    assert.equal(clock.pending(), 0)
    queue.put(needOf('last'), true)
    assert.deepEqual(await ready(), ['last'])
  })

  it('starts anew for a Pod that comes back', async () => {
    const { queue, ready } = setUp()
    queue.put(needOf('a'), true)
    queue.remove(uid('a'))
    queue.put(needOf('a'), true)
    assert.deepEqual(await ready(), ['a'])
  })
})

describe('heap', () => {
  it('sorts', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const ordered = heap<number>((a, b) => a < b)
        for (const n of numbers) ordered.push(n)
        const out: (number | undefined)[] = []
        while (ordered.size() > 0) out.push(ordered.pop())
        assert.deepEqual(
          out,
          numbers.toSorted((a, b) => a - b),
        )
        assert.equal(ordered.pop(), undefined)
      }),
    )
  })
})
