// Who is tried again when something changes elsewhere: Pods that look at other Pods, and those that others refuse.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { openScheduling } from '../testing/scheduling.ts'

const zone = 'topology.kubernetes.io/zone'
const inZone = (value: string) => ({ labels: { [zone]: value } })
const term = (topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: { app: 'web' } } })
const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(zone)] } } }
const far = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(zone)] } } }
const spread = {
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } } },
  ],
}
const web = { app: 'web' }

describe('a waiting Pod is tried again', () => {
  it('when the company it requires has come, on another node', async () => {
    const { addNode, addPod, whyNot, bound, clock } = await openScheduling()
    await addNode('a1', inZone('a'))
    await addPod('p', near)
    assert.match(await whyNot('p'), /^0\/1 nodes are available: 1 node\(s\) didn't match pod affinity rules\. preemption: /)
    await addPod('friend', {}, web)
    await bound('friend')
    await clock.advance(10_000)
    assert.equal(await bound('p'), 'a1')
  })

  it('when the Pod goes that refused it, on another node of the domain', async () => {
    const { addNode, addPod, deletePod, whyNot, bound, clock } = await openScheduling()
    await addNode('a1', { ...inZone('a'), allocatable: { pods: '1' } })
    await addPod('refuser', far)
    await bound('refuser')
    await addNode('a2', inZone('a'))
    await addPod('plain', { nodeSelector: { 'kubernetes.io/hostname': 'a2' } }, web)
    assert.match(await whyNot('plain'), /node\(s\) didn't satisfy existing pods anti-affinity rules/)
    await deletePod('refuser')
    await clock.advance(10_000)
    assert.equal(await bound('plain'), 'a2')
  })

  it('when the emptiest domain is gone', async () => {
    const { addNode, addPod, whyNot, bound, clock, client } = await openScheduling()
    await addNode('a1', inZone('a'))
    await addNode('b1', { ...inZone('b'), allocatable: { pods: '1' } })
    await addPod('first', { ...spread, nodeName: 'a1' }, web)
    await addPod('other', { nodeName: 'b1' })
    await addPod('second', spread, web)
    assert.match(await whyNot('second'), /1 Too many pods, 1 node\(s\) didn't match pod topology spread constraints\./)
    await client.delete(Node, { name: 'b1' })
    await clock.advance(10_000)
    assert.equal(await bound('second'), 'a1')
  })
})
