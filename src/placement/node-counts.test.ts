import assert from 'node:assert/strict'
import { it } from 'vitest'
import { checkLedger } from '../ledger/check.ts'
import { nodeCounts } from './node-counts.ts'
import { addPod, nodeView, removePod } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import { requesting, sampleNode, samplePod } from './sample.ts'

const node = sampleNode('a', { allocatable: { 'example.com/gpu': '4' } })
const bound = (name: string, spec: object) => samplePod(name, { nodeName: 'a', ...spec })
const pods = [
  bound('web', { ...requesting({ cpu: '100m', memory: '1Gi' }), overhead: { cpu: '250m', 'example.com/gpu': '1' } }),
  bound('odd', requesting({ cpu: '0.0005', 'ephemeral-storage': '1Gi' })),
  bound('none', {}),
]

it('the sums of a node view are the sums of the ledger, whatever came and went', () => {
  const view = nodeView(node)
  for (const pod of [...pods, bound('gone', requesting({ cpu: '1' }))]) addPod(view, podNeed(pod))
  removePod(view, 'uid-gone')
  const counts = nodeCounts(view)
  assert.deepEqual(counts.requested, { cpu: 351, memory: 1024 ** 3, 'ephemeral-storage': 1024 ** 3, 'example.com/gpu': 1 })
  const facts = {
    pods,
    nodes: [{ ...node, status: { ...node.status, allocatable: { ...node.status.allocatable, 'ephemeral-storage': '9Gi' } } }],
    classes: [],
  }
  assert.deepEqual(checkLedger({ ...facts, scheduler: [counts] }), [])
})

it('a sum that was changed behind its back is found, with no Pod to blame', () => {
  const view = nodeView(node)
  addPod(view, podNeed(pods[0] ?? samplePod('x')))
  view.requested.milliCpu += 5
  const [found, ...others] = checkLedger({ pods: pods.slice(0, 1), nodes: [node], classes: [], scheduler: [nodeCounts(view)] })
  assert.deepEqual(others, [])
  assert.deepEqual(found, {
    ...{ kind: 'SchedulerDiffers', about: { kind: 'Node', name: 'a' }, what: 'cpu', expected: '350m', found: '355m' },
    causes: ['the sum the scheduler keeps, not one Pod of it'],
  })
})
