// Handlers of simulated nodes that break and come back, seen by the scheduler and by clients.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../../src/api/core/event.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import { NodeHandler, readyCondition, systemNamespace } from '../../src/api/polypod/node-handler.ts'
import type { Client } from '../../src/client/client.ts'
import { startCluster } from '../../src/cluster/start-cluster.ts'
import { samplePod } from '../../src/placement/sample.ts'
import { eventually } from '../../src/testing/eventually.ts'

const fails = (client: Client, node: string, handler: string, text: string | null) =>
  client.patch(
    Node,
    { name: node },
    {
      type: 'merge',
      body: { metadata: { annotations: { [`simulated.polypod.dev/fail-handler.${handler}`]: text } } },
    },
  )
const label = async (client: Client, node: string, handler: string) =>
  (await client.get(Node, { name: node })).metadata.labels?.[`handler.polypod.dev/${handler}`]
const isSo = (client: Client, handler: string, state: string) =>
  eventually(async () => (await label(client, 'node-1', handler)) === state, 40_000)
const run = (client: Client, name: string, runtimeClassName?: string) =>
  client.create(Pod, {
    ...samplePod(name, runtimeClassName === undefined ? {} : { runtimeClassName }),
    metadata: { namespace: 'default', name },
  })
const phase = async (client: Client, name: string) => (await client.get(Pod, { namespace: 'default', name })).status.phase
const said = (client: Client, reason: string, name: string) =>
  eventually(async () => {
    const { items } = await client.list(Event, { namespace: 'default' })
    return items.find((e) => e.involvedObject.name === name && e.reason === reason)?.message
  })
const hope = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'

describe('handlers of simulated nodes', () => {
  it('are proved before the node is there, and published', async () => {
    await using cluster = await startCluster({ handlers: ['runc', 'crun'] })
    const { client } = cluster
    assert.deepEqual([await label(client, 'node-1', 'runc'), await label(client, 'node-1', 'crun')], ['ready', 'ready'])
    const items = await eventually(async () => {
      const found = (await client.list(NodeHandler, { namespace: systemNamespace })).items
      return found.length === 2 ? found : undefined
    })
    assert.deepEqual(
      items.map(({ metadata, status }) => [metadata.name, status.runtimeType, status.isDefault, readyCondition(status)?.status]),
      [
        ['node-1.crun', 'simulated', undefined, 'True'],
        ['node-1.runc', 'simulated', true, 'True'],
      ],
    )
    await client.delete(Node, { name: 'node-1' })
    await eventually(async () => (await client.list(NodeHandler)).items.length === 0)
  })

  it('that break keep Pods away, which run once they are back', async () => {
    await using cluster = await startCluster({ handlers: ['runc', 'crun'] })
    const { client } = cluster
    const metadata = { name: 'crun' }
    await client.create(RuntimeClass, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'crun' })
    await fails(client, 'node-1', 'crun', 'crun: executable not found')
    await isSo(client, 'crun', 'not-ready')
    await Promise.all([run(client, 'waits', 'crun'), run(client, 'runs')])
    const why = '1 node(s) where runtime handler "crun" is not ready (crun: executable not found)'
    assert.equal(await said(client, 'FailedScheduling', 'waits'), `0/1 nodes are available: ${why}. ${hope}`)
    assert.equal(await said(client, 'HandlerNotReady', 'node-1'), 'Runtime handler crun is not ready: crun: executable not found')
    const { status } = await client.get(NodeHandler, { namespace: systemNamespace, name: 'node-1.crun' })
    assert.deepEqual([status.canary?.result, status.canary?.message], ['Failed', 'crun: executable not found'])
    await eventually(async () => (await phase(client, 'runs')) === 'Running')
    assert.equal(await phase(client, 'waits'), 'Pending')
    await fails(client, 'node-1', 'crun', null)
    await eventually(async () => (await phase(client, 'waits')) === 'Running', 40_000)
  }, 90_000)

  it('keep Pods without a class away when the default one breaks', async () => {
    await using cluster = await startCluster({ handlers: ['runc', 'crun'] })
    const { client } = cluster
    await fails(client, 'node-1', 'runc', 'no')
    await isSo(client, 'runc', 'not-ready')
    await run(client, 'waits')
    const why = '1 node(s) where the default runtime handler is not ready (no)'
    assert.equal(await said(client, 'FailedScheduling', 'waits'), `0/1 nodes are available: ${why}. ${hope}`)
  }, 60_000)

  it('are labels alone where nodes are many', async () => {
    await using cluster = await startCluster({ nodes: 101, handlers: ['runc'] })
    const { client } = cluster
    const { items } = await client.list(Node)
    assert.deepEqual([...new Set(items.map(({ metadata }) => metadata.labels?.['handler.polypod.dev/runc']))], ['ready'])
    assert.equal((await client.list(NodeHandler)).items.length, 0)
  })
})
