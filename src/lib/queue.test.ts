import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { manualClock } from '../testing/manual-clock.ts'
import { keyQueue } from './queue.ts'

const forever = () => new AbortController().signal

describe('keyQueue', () => {
  it('gives keys in order of arrival, each once however often it was added', async () => {
    const queue = keyQueue(manualClock())
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
    assert.equal(queue.size(), 3)
    assert.deepEqual([await queue.take(forever()), await queue.take(forever()), await queue.take(forever())], ['a', 'b', 'c'])
    assert.equal(queue.size(), 0)
  })

  it('never gives a key to a second taker while the first works on it, and gives it again afterwards', async () => {
    const queue = keyQueue(manualClock())
    queue.add('a')
    await queue.take(forever())
    queue.add('a')
    queue.add('a')
    assert.equal(queue.size(), 0)
    queue.done('a')
    assert.equal(await queue.take(forever()), 'a')
    queue.done('a')
    assert.equal(queue.size(), 0)
  })

  it('wakes every waiting taker, also when another one has stopped waiting', async () => {
    const queue = keyQueue(manualClock())
    const gone = new AbortController()
    const first = queue.take(gone.signal)
    const others = [queue.take(forever()), queue.take(forever())]
    gone.abort()
    queue.add('a')
    queue.add('b')
    assert.equal(await first, undefined)
    assert.deepEqual(new Set(await Promise.all(others)), new Set(['a', 'b']))
  })

  it('adds a delayed key when its time has come, the earliest of several delays', async () => {
    const clock = manualClock()
    const queue = keyQueue(clock)
    queue.after(100, 'a')
    queue.after(50, 'a')
    queue.after(200, 'a')
    await clock.advance(49)
    assert.equal(queue.size(), 0)
    await clock.advance(1)
    assert.equal(queue.size(), 1)
    await queue.take(forever())
    queue.done('a')
    await clock.advance(1000)
    assert.equal(queue.size(), 0)
    assert.equal(clock.pending(), 0)
  })

  it('waits longer after each failure of a key until it is forgotten', async () => {
    const clock = manualClock()
    const queue = keyQueue(clock, { baseMs: 10, maxMs: 30 })
    assert.deepEqual([queue.retry('a'), queue.retry('a'), queue.retry('a'), queue.retry('b')], [10, 20, 30, 10])
    queue.forget('a')
    assert.equal(queue.retry('a'), 10)
    await clock.advance(10)
    assert.equal(queue.size(), 2)
  })

  it('leaves no timer behind and ends every take when it closes', async () => {
    const clock = manualClock()
    const queue = keyQueue(clock)
    const taken = queue.take(forever())
    queue.after(10, 'a')
    queue.close()
    assert.equal(await taken, undefined)
    queue.add('b')
    queue.after(5, 'c')
    assert.deepEqual([queue.size(), clock.pending(), await queue.take(forever())], [0, 0, undefined])
  })
})
