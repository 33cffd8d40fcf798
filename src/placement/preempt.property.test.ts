// What preemption promises, whatever the node: the Pod fits then, nobody goes for nothing, nobody of its rank goes.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { it } from 'vitest'
import { decide, isPlaced, worldOf } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { addPod, nodeView, withoutPods } from './node-view.ts'
import { podNeed, type PodNeed } from './pod-need.ts'
import { preempt } from './preempt.ts'
import { requesting, sampleNode, samplePod } from './sample.ts'

const sample = fc.record({
  cpu: fc.integer({ min: 0, max: 2000 }),
  memory: fc.integer({ min: 0, max: 4096 }),
  overhead: fc.integer({ min: 0, max: 500 }),
  priority: fc.integer({ min: -2, max: 3 }),
})
const needOf = (name: string, { cpu, memory, overhead, priority }: typeof sample extends fc.Arbitrary<infer T> ? T : never) =>
  podNeed(
    samplePod(name, { ...requesting({ cpu: `${cpu}m`, memory: `${memory}Mi` }), overhead: { cpu: `${overhead}m` }, priority }),
  )
const world = { classes: new Map<string, string>(), random: () => 0 }
const byUid = (needs: readonly PodNeed[]) => new Map(needs.map((need) => [need.uid, need]))

it('takes the fewest lesser Pods that make room, and none when that is no help', () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 8 }), sample, (there, coming) => {
      const node = nodeView(sampleNode('a', { allocatable: { cpu: '4', memory: '6Gi' } }))
      for (const [i, one] of there.entries()) addPod(node, needOf(`there-${i}`, one))
      const need = needOf('coming', coming)
      const fits = (gone: readonly PodNeed[]) => isPlaced(decide(need, [withoutPods(node, byUid(gone))], defaultProfile, world))
      const unplaced = decide(need, [node], defaultProfile, world)
      fc.pre(!isPlaced(unplaced))
      if (isPlaced(unplaced)) return
      const lesser = [...node.pods.values()].filter(({ priority }) => priority < need.priority)
      const found = preempt(need, unplaced, { ...worldOf([node], world), profile: defaultProfile, budgets: [] })
      if (found.do === 'nothing') return assert.ok(!fits(lesser))
      const { victims } = found.candidate
      assert.ok(fits(victims))
      assert.ok(victims.every((victim) => lesser.includes(victim)))
      for (const spared of victims) assert.ok(!fits(victims.filter((victim) => victim !== spared)))
    }),
    { numRuns: 300 },
  )
})
