import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import type { Client } from '../client/client.ts'
import { internal } from '../api/status.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { requesting } from '../placement/sample.ts'
import { objectOf } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { openScheduling } from '../testing/scheduling.ts'

async function crowded(wrap?: (client: Client) => Client) {
  const all = await openScheduling(wrap)
  const metadata = { name: 'high' }
  await all.client.create(PriorityClass, objectOf(PriorityClass, { metadata, value: 1000 }))
  await all.addNode('a', { allocatable: { cpu: '2' } })
  await all.addPod('low', requesting({ cpu: '2' }))
  await all.bound('low')
  return all
}
const high = { ...requesting({ cpu: '1' }), priorityClassName: 'high' }
const insufficient = '0/1 nodes are available: 1 Insufficient cpu.'

describe('preemption', () => {
  it('marks and deletes the victim, says so, keeps the node, and binds when the victim is gone', async () => {
    const { addPod, pod, bound, whyNot, events, deletePod, clock } = await crowded()
    const { metadata } = await addPod('vip', high)
    assert.equal(await whyNot('vip'), insufficient)
    assert.equal((await pod('vip')).status.nominatedNodeName, 'a')
    const low = await pod('low')
    assert.ok(low.metadata.deletionTimestamp)
    assert.deepEqual(
      low.status.conditions?.filter(({ type }) => type === 'DisruptionTarget'),
      [
        {
          ...{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: '2023-11-14T22:13:20Z' },
          ...{ reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' },
        },
      ],
    )
    await eventually(async () => (await events('low')).length === 2)
    assert.deepEqual((await events('low'))[1], ['Normal', 'Preempted', `Preempted by pod ${metadata.uid} on node a`])
    // one of no priority that waits, too, does not get between
    await addPod('thief', requesting({ cpu: '1500m' }))
    await whyNot('thief')
    await deletePod('low')
    await clock.advance(10_000)
    assert.equal(await bound('vip'), 'a')
    assert.equal((await pod('thief')).spec.nodeName, undefined)
  })

  it('preempts nobody twice while victims are going', async () => {
    const { addPod, whyNot, addNode, clock, pod, bound } = await crowded()
    await addPod('vip', high)
    await whyNot('vip')
    await addNode('b', { allocatable: { cpu: '500m' } })
    await clock.advance(5 * 60_000)
    await eventually(async () => /nominated node/.test((await whyNot('vip')) ?? ''))
    assert.equal((await pod('vip')).status.nominatedNodeName, 'a')
    await addNode('c')
    await clock.advance(10_000)
    assert.equal(await bound('vip'), 'c')
  })

  it('is not for Pods that would not, and says so', async () => {
    const { addPod, whyNot, pod, client } = await crowded()
    const polite = { metadata: { name: 'polite' }, value: 1000, preemptionPolicy: 'Never' }
    await client.create(PriorityClass, objectOf(PriorityClass, polite))
    await addPod('vip', { ...requesting({ cpu: '1' }), priorityClassName: 'polite' })
    assert.equal(await whyNot('vip'), `${insufficient} preemption: not eligible due to preemptionPolicy=Never.`)
    assert.equal((await pod('low')).metadata.deletionTimestamp, undefined)
  })

  it('frees the node again when the Pod it was kept for is deleted', async () => {
    const { addPod, whyNot, deletePod, bound, clock, client } = await crowded()
    await addPod('vip', high)
    await whyNot('vip')
    await addPod('next', requesting({ cpu: '2' }))
    await whyNot('next')
    await deletePod('low')
    await deletePod('vip')
    await clock.advance(10_000)
    assert.equal(await bound('next'), 'a')
    assert.equal((await client.list(Pod, { namespace: 'default' })).items.length, 1)
  })

  it('tries again when a victim could not be deleted', async () => {
    let refusals = 1
    const wrap = (client: Client): Client => ({
      ...client,
      delete: (...call) => (refusals-- > 0 ? Promise.reject(internal('no')) : client.delete(...call)),
    })
    const { addPod, pod, clock } = await crowded(wrap)
    await addPod('vip', high)
    await eventually(() => refusals === 0)
    assert.equal((await pod('low')).metadata.deletionTimestamp, undefined)
    await eventually(async () => {
      await clock.advance(1000)
      return (await pod('vip')).status.nominatedNodeName === 'a'
    })
    assert.ok((await pod('low')).metadata.deletionTimestamp)
  })

  it('is thought of again when a Pod goes that stood in its way', async () => {
    const { addPod, pod, bound, whyNot, deletePod, clock } = await crowded()
    await deletePod('low')
    await addPod('peer', { ...high, nodeName: 'a' })
    await addPod('lesser', { ...requesting({ cpu: '1' }), nodeName: 'a' })
    await addPod('vip', { ...high, ...requesting({ cpu: '2' }) })
    assert.equal(await whyNot('vip'), `${insufficient} preemption: 0/1 nodes are available: 1 Insufficient cpu.`)
    await deletePod('peer')
    await clock.advance(10_000)
    await eventually(async () => (await pod('lesser')).metadata.deletionTimestamp !== undefined)
    await deletePod('lesser')
    await clock.advance(10_000)
    assert.equal(await bound('vip'), 'a')
  })
})
