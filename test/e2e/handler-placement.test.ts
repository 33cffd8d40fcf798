// A Pod whose handler no node offers: waits with a reason, or (upstream profile) is bound and told by the kubelet.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../../src/api/core/event.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import type { Client } from '../../src/client/client.ts'
import { startCluster } from '../../src/cluster/start-cluster.ts'
import { samplePod } from '../../src/placement/sample.ts'
import { eventually } from '../../src/testing/eventually.ts'

const ref = { namespace: 'default', name: 'p' }

async function createPodOfClass(client: Client): Promise<void> {
  const metadata = { name: 'rare' }
  await client.create(RuntimeClass, {
    ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'nowhere' },
    overhead: { podFixed: { cpu: '10m' } },
  })
  await client.create(Pod, { ...samplePod('p', { runtimeClassName: 'rare' }), metadata: ref })
}

const eventOf = (client: Client, reason: string) =>
  eventually(async () => {
    const { items } = await client.list(Event, { namespace: 'default' })
    return items.find((e) => e.involvedObject.name === 'p' && e.reason === reason)?.message
  })

describe('a handler that no node offers', () => {
  it('keeps the Pod pending, names class and handler, and lets it run when the class names one that is there', async () => {
    await using cluster = await startCluster({ nodes: 2, handlers: ['runc'] })
    const { client } = cluster
    await createPodOfClass(client)
    const why = '2 node(s) do not offer runtime handler "nowhere" of RuntimeClass "rare"'
    const hope = 'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'
    assert.equal(await eventOf(client, 'FailedScheduling'), `0/2 nodes are available: ${why}. ${hope}`)
    const pod = await client.get(Pod, ref)
    assert.deepEqual([pod.spec.nodeName, pod.status.phase, pod.spec.overhead], [undefined, 'Pending', { cpu: '10m' }])
    // a handler is immutable, so another class of the same name takes the place of the first
    await client.delete(RuntimeClass, { name: 'rare' })
    const metadata = { name: 'rare' }
    await client.create(RuntimeClass, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'runc' })
    await eventually(async () => (await client.get(Pod, ref)).status.phase === 'Running', 20_000)
  })

  it('is found out by the kubelet in the upstream profile', async () => {
    await using cluster = await startCluster({ nodes: 2, handlers: ['runc'], schedulerProfile: 'upstream' })
    await createPodOfClass(cluster.client)
    assert.match(await eventOf(cluster.client, 'FailedCreatePodSandBox'), /nowhere/)
    const pod = await cluster.client.get(Pod, ref)
    assert.match(pod.spec.nodeName ?? '', /^node-/)
    assert.equal(pod.status.phase, 'Pending')
  })
})
