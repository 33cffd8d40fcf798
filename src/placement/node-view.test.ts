import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { addPod, type Journal, maxNoted, nodeView, type NodeView, removePod, showNode } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import { requesting, sampleNode, samplePod } from './sample.ts'

const counts = ({ requested, assumedMilliCpu, assumedMemoryBytes, ports, pods }: NodeView) => ({
  ...{ requested, assumedMilliCpu, assumedMemoryBytes, ports, pods: [...pods.keys()] },
})
const spec = fc.record({
  overhead: fc.option(fc.constant({ cpu: '33m', 'example.com/slot': '1' }), { nil: undefined }),
  containers: fc.array(
    fc.record({
      name: fc.constant('c'),
      resources: fc.record({
        requests: fc.dictionary(fc.constantFrom('cpu', 'memory', 'example.com/gpu'), fc.constantFrom('0', '1', '1500m', '0.1')),
      }),
      ports: fc.array(fc.record({ containerPort: fc.constant(1), hostPort: fc.integer({ min: 1, max: 3 }) }), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})

describe('nodeView', () => {
  it('is as if Pods that left had never been there', () => {
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 5 }), fc.array(spec, { maxLength: 5 }), (staying, leaving) => {
        const [seen, fresh] = [nodeView(sampleNode('n')), nodeView(sampleNode('n'))]
        const stays = staying.map((s, i) => podNeed(samplePod(`s${i}`, s)))
        const leaves = leaving.map((s, i) => podNeed(samplePod(`l${i}`, s)))
        for (const need of [...leaves, ...stays, ...stays]) addPod(seen, need)
        for (const need of [...leaves, ...leaves]) removePod(seen, need.uid)
        for (const need of stays) addPod(fresh, need)
        assert.deepEqual(counts(seen), counts(fresh))
      }),
    )
  })

  it('rounds each Pod up to whole millicores and bytes', () => {
    const view = nodeView(sampleNode('n'))
    addPod(view, podNeed(samplePod('a', requesting({ cpu: '1u', memory: '100m' }))))
    assert.deepEqual([view.requested.milliCpu, view.requested.memoryBytes], [1, 1])
  })

  it('keeps its Pods when the node changes', () => {
    const view = nodeView(sampleNode('n', { handlers: ['runc'] }))
    addPod(view, podNeed(samplePod('a', requesting({ cpu: '1' }))))
    showNode(view, sampleNode('n', { allocatable: { cpu: '2' }, handlers: ['', 'crun'], labels: { a: 'b' } }))
    assert.deepEqual([view.requested.milliCpu, view.allocatable.milliCpu, view.labels['a']], [1000, 2000, 'b'])
    assert.deepEqual([...(view.handlers ?? [])], ['', 'crun'])
  })
})

it('notes so many changes at most while nobody reads them, and is another epoch then', () => {
  const journal: Journal = { epoch: 0, changed: [] }
  const node = sampleNode('a')
  const view = nodeView(node, journal)
  for (let i = 0; i <= maxNoted; i += 1) showNode(view, node)
  assert.deepEqual([journal.epoch, journal.changed.length], [1, 1])
})
