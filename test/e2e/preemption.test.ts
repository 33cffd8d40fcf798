// Preemption on a whole simulated cluster: the kubelet stops the victim in its own time, then the Pod of higher priority runs.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { PriorityClass } from '../../src/api/scheduling/priority-class.ts'
import { isNotFound } from '../../src/api/status.ts'
import { startCluster } from '../../src/cluster/start-cluster.ts'
import { podOf } from '../../src/testing/api-server.ts'
import { objectOf } from '../../src/testing/control-plane.ts'
import { eventually } from '../../src/testing/eventually.ts'

const running = (status: Pod['status']) => status.phase === 'Running'

describe('a Pod of higher priority', () => {
  it('gets the node of one of lower priority, which is gone then', async () => {
    await using cluster = await startCluster()
    const { client } = cluster
    const pod = (name: string) => client.get(Pod, { namespace: 'default', name })
    const cpu = await eventually(async () => (await client.list(Node)).items[0]?.status.allocatable?.cpu)
    const resources = { requests: { cpu } }
    const spec = { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'pause', resources }] }
    await client.create(PriorityClass, objectOf(PriorityClass, { metadata: { name: 'high' }, value: 1000 }))
    await client.create(Pod, podOf('low', { spec }))
    await eventually(async () => running((await pod('low')).status))
    await client.create(Pod, podOf('vip', { spec: { ...spec, priorityClassName: 'high' } }))
    await eventually(async () => running((await pod('vip')).status), 15_000)
    await assert.rejects(pod('low'), isNotFound)
  })
})
