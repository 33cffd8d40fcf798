import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { podNeed } from '../placement/pod-need.ts'
import { requesting, sampleNode, samplePod } from '../placement/sample.ts'
import { snapshot } from './snapshot.ts'

const need = (name: string) => podNeed(samplePod(name, requesting({ cpu: '1' })))

function setUp(...names: string[]) {
  const seen = snapshot()
  for (const name of names) seen.setNode(sampleNode(name))
  const used = () => Object.fromEntries(seen.nodes.map((node) => [node.name, node.requested.milliCpu]))
  return { seen, used }
}

describe('snapshot', () => {
  it('counts a Pod where it was last said to be', () => {
    const { seen, used } = setUp('a', 'b')
    assert.equal(seen.setPod(need('p'), 'a'), undefined)
    assert.equal(seen.setPod(need('p'), 'a'), undefined)
    assert.deepEqual(used(), { a: 1000, b: 0 })
    assert.equal(seen.setPod(need('p'), 'b')?.name, 'a')
    assert.deepEqual([used(), seen.nodeOf('uid-p')], [{ a: 0, b: 1000 }, 'b'])
    assert.equal(seen.removePod('uid-p')?.name, 'b')
    assert.equal(seen.removePod('uid-p'), undefined)
    assert.deepEqual(used(), { a: 0, b: 0 })
  })

  it('keeps the Pods of a node that comes late, goes, and comes back', () => {
    const { seen, used } = setUp()
    for (const name of ['p', 'q', 'r']) seen.setPod(need(name), 'a')
    assert.equal(seen.removePod('uid-r'), undefined)
    seen.setNode(sampleNode('a'))
    assert.deepEqual(used(), { a: 2000 })
    seen.removeNode('a')
    assert.deepEqual(used(), {})
    seen.removePod('uid-q')
    seen.setNode(sampleNode('a'))
    assert.deepEqual(used(), { a: 1000 })
  })

  it('tells changes that matter from heartbeats', () => {
    const { seen } = setUp('a')
    const node = sampleNode('a')
    const beat = {
      ...node,
      status: { ...node.status, conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: 'now' }] },
    }
    assert.equal(seen.setNode(beat), undefined)
    assert.equal(seen.nodes[0]?.node, beat)
    const changed = seen.setNode(sampleNode('a', { spec: { unschedulable: true } }))
    assert.deepEqual([changed?.name, changed?.unschedulable], ['a', true])
  })
})
