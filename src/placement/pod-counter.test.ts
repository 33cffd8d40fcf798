import assert from 'node:assert/strict'
import { it } from 'vitest'
import type { Pod } from '../api/core/pod.ts'
import { addPod, nodeView, removePod, withoutPods } from './node-view.ts'
import { podCounter } from './pod-counter.ts'
import { podNeed } from './pod-need.ts'
import { sampleNode, samplePod } from './sample.ts'

it('remembers a count until the Pods of the node change, by key and node', () => {
  let asked = 0
  const isA = ({ metadata }: Pod) => (asked++, metadata.name.startsWith('a'))
  const node = nodeView(sampleNode('n'))
  const count = () => podCounter('a', isA)(node)
  assert.deepEqual([count(), asked], [0, 0])
  for (const name of ['a1', 'a2', 'b']) addPod(node, podNeed(samplePod(name)))
  assert.deepEqual([count(), count(), asked], [2, 2, 3])
  removePod(node, 'uid-a1')
  assert.deepEqual([count(), count(), asked], [1, 1, 5])
  assert.deepEqual([podCounter('a', isA)(withoutPods(node, new Map())), asked], [1, 7])
  // nobody remembers what has no key
  assert.deepEqual([podCounter(undefined, isA)(node), podCounter(undefined, isA)(node), asked], [1, 1, 11])
})
