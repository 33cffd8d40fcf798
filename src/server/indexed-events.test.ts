import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { AnyObject } from '../api/kind.ts'
import type { Stored } from './api-server.ts'
import { type CacheEvent, eventRing } from './event-ring.ts'
import { indexedEvents } from './indexed-events.ts'

const stored = (node: string): Stored => {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { nodeName: node } }
  return { object, bytes: new Uint8Array(), revision: 0 }
}
const event = (revision: number, before: string | undefined, now: string | undefined): CacheEvent => ({
  key: 'p',
  revision,
  before: before === undefined ? undefined : stored(before),
  now: now === undefined ? undefined : stored(now),
  lost: () => assert.fail('nobody asked'),
})
const nodeOf = (object: AnyObject) => (object['spec'] as { nodeName: string }).nodeName
const revisions = (events: readonly CacheEvent[]) => events.map(({ revision }) => revision)

function opened() {
  const main = eventRing(10)
  const index = indexedEvents(main, nodeOf)
  const push = (...events: CacheEvent[]) => {
    for (const each of events) {
      main.push(each)
      index.push(each)
    }
    index.ring()
  }
  return { main, index, push }
}

describe('events by field', () => {
  it('hold what a value gains, changes and loses, from before the index was asked for as well', () => {
    const { index, push } = opened()
    push(event(11, undefined, ''), event(12, '', 'a'), event(13, undefined, 'b'))
    const a = index.of('a')
    push(event(14, 'a', 'a'), event(15, 'a', undefined), event(16, 'b', undefined))
    assert.deepEqual(revisions(a.after(10, 9)), [12, 14, 15])
    assert.deepEqual(revisions(index.of('').after(10, 9)), [11, 12])
    assert.deepEqual(revisions(index.of('b').after(13, 9)), [16])
    assert.deepEqual(revisions(index.of('c').after(10, 9)), [])
    assert.deepEqual([a.reaches(9), a.reaches(10)], [false, true])
  })

  it('ring for their own value only', () => {
    const { index, push } = opened()
    const [a, b] = [index.of('a'), index.of('b')]
    push(event(11, undefined, 'a'))
    assert.deepEqual([a.bell.rung(), b.bell.rung()], [1, 0])
    index.ringAll()
    assert.deepEqual([a.bell.rung(), b.bell.rung()], [2, 1])
  })

  it('do not call a watcher too late that missed nothing, whatever others did', () => {
    const { main, index, push } = opened()
    const [a, b] = [index.of('a'), index.of('b')]
    push(event(11, undefined, 'a'), event(12, undefined, 'b'), event(13, 'b', 'b'))
    main.drop(12)
    index.drop(12)
    assert.deepEqual([main.reaches(11), a.reaches(11), b.reaches(11)], [false, true, false])
    assert.deepEqual(revisions(b.after(12, 9)), [13])
  })

  it('start over with the ring', () => {
    const { main, index, push } = opened()
    const a = index.of('a')
    push(event(11, undefined, 'a'))
    main.restart(20)
    index.restart(20)
    assert.deepEqual([a.reaches(19), a.reaches(20), index.of('new').reaches(19)], [false, true, false])
    assert.deepEqual(a.after(0, 9), [])
  })
})
