import assert from 'node:assert/strict'
import { describe, it, onTestFinished } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { rfc3339, rfc3339Micro } from '../lib/clock.ts'
import { objectOf, openControlPlane, type TestControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { nodeLifecycle } from './node-lifecycle.ts'
import { runController } from './run.ts'

const name = 'node-1'

/** A node as its kubelet registers it. */
async function openNode(ready: 'True' | 'silent' = 'True'): Promise<TestControlPlane> {
  const world = await openControlPlane(nodeLifecycle())
  const conditions = ready === 'silent' ? [] : [readyCondition(ready, world.clock.now())]
  await world.client.create(Node, objectOf(Node, { metadata: { name }, status: { conditions } }))
  if (ready !== 'silent') await beat(world)
  return world
}

const readyCondition = (status: string, nowMs: number) => ({
  ...{ type: 'Ready', status, reason: 'Kubelet', message: 'said so' },
  lastHeartbeatTime: rfc3339(nowMs),
  lastTransitionTime: rfc3339(nowMs),
})

/** The kubelet posts its status. */
async function beat({ client, clock }: TestControlPlane, ready = 'True'): Promise<void> {
  const node = await client.get(Node, { name })
  const others = (node.status.conditions ?? []).filter(({ type }) => type !== 'Ready')
  const conditions = [...others, readyCondition(ready, clock.now())]
  const body = { status: { conditions } }
  await client.patch(Node, { name }, { type: 'merge', body, subresource: 'status' })
}

async function renew({ client, clock }: TestControlPlane): Promise<void> {
  const metadata = { name, namespace: 'kube-node-lease' }
  const spec = { holderIdentity: name, renewTime: rfc3339Micro(clock.now()) }
  const patch = { type: 'merge', body: { spec } } as const
  await client.patch(Lease, metadata, patch).catch(() => client.create(Lease, objectOf(Lease, { metadata, spec })))
}

const stateOf = async ({ client }: TestControlPlane) => {
  const { status, spec } = await client.get(Node, { name })
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  return [ready?.status, ready?.reason, ...(spec.taints ?? []).map(({ key, effect }) => `${key.split('/')[1]}:${effect}`)]
}
const becomes = (world: TestControlPlane, want: readonly (string | undefined)[]) =>
  eventually(async () => {
    assert.deepEqual(await stateOf(world), want)
    return true
  }, 2000)

const well = ['True', 'Kubelet']
const lost = ['Unknown', 'NodeStatusUnknown', 'unreachable:NoSchedule', 'unreachable:NoExecute']

describe('the node lifecycle', () => {
  it('takes the first taint away when the node is ready, and says that it has seen it', async () => {
    const world = await openNode()
    await becomes(world, well)
    const events = await eventually(async () => {
      const { items } = await world.client.list(Event)
      return items.length > 0 && items
    })
    assert.deepEqual(
      (events as Event[]).map(({ reason, message, source, involvedObject }) => [
        reason,
        message,
        source.component,
        involvedObject.name,
      ]),
      [['RegisteredNode', 'Node node-1 event: Registered Node node-1 in Controller', 'node-controller', name]],
    )
  })

  it('counts a node lost when neither lease nor status was heard of for 40 s', async () => {
    const world = await openNode()
    await becomes(world, well)
    await world.clock.advance(39_999)
    assert.deepEqual(await stateOf(world), well)
    await world.clock.advance(2)
    await becomes(world, lost)
  })

  it('lives on leases alone', async () => {
    const world = await openNode()
    await becomes(world, well)
    for (let i = 0; i < 12; i += 1) {
      await renew(world)
      await world.clock.advance(10_000)
    }
    assert.deepEqual(await stateOf(world), well)
    await world.clock.advance(30_001)
    await becomes(world, lost)
  })

  it('takes a node back that speaks again, and loses it again', async () => {
    const world = await openNode()
    await becomes(world, well)
    await world.clock.advance(60_000)
    await becomes(world, lost)
    await beat(world)
    await becomes(world, well)
    await world.clock.advance(60_000)
    await becomes(world, lost)
  })

  it('gives a node that never said anything a minute', async () => {
    const world = await openNode('silent')
    await world.clock.advance(59_000)
    assert.deepEqual(await stateOf(world), [undefined, undefined, 'not-ready:NoSchedule'])
    await world.clock.advance(2000)
    await becomes(world, ['Unknown', 'NodeStatusNeverUpdated', 'unreachable:NoSchedule', 'unreachable:NoExecute'])
  })

  it('does not blame nodes for a time in which it did not run itself', async () => {
    const world = await openControlPlane()
    const { client, clock } = world
    let sleptMs = 0
    const jumping = { ...clock, now: () => clock.now() + sleptMs }
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    void runController(nodeLifecycle(), { client, clock: jumping }, stop.signal)
    const status = { conditions: [readyCondition('True', clock.now())] }
    await client.create(Node, objectOf(Node, { metadata: { name }, status }))
    await beat(world)
    await becomes(world, well)
    sleptMs = 8 * 3_600_000
    await client.patch(Node, { name }, { type: 'merge', body: { metadata: { labels: { woken: 'up' } } } })
    await clock.advance(39_000)
    assert.deepEqual(await stateOf(world), well)
    await clock.advance(50_000)
    await becomes(world, lost)
  })

  it('taints a node that is cordoned', async () => {
    const world = await openNode()
    await becomes(world, well)
    await world.client.patch(Node, { name }, { type: 'merge', body: { spec: { unschedulable: true } } })
    await becomes(world, [...well, 'unschedulable:NoSchedule'])
  })

  it('says of Pods on a node that stopped being ready that they are not, once', async () => {
    const world = await openNode()
    await becomes(world, well)
    const conditions = [{ type: 'Ready', status: 'True' }]
    for (const [pod, nodeName] of [
      ['here', name],
      ['there', 'node-2'],
    ] as const) {
      const spec = { nodeName, containers: [{ name: 'main', image: 'busybox' }] }
      await world.client.create(Pod, objectOf(Pod, { metadata: { name: pod, namespace: 'default' }, spec }))
      const patch = { type: 'merge', body: { status: { phase: 'Running', conditions } }, subresource: 'status' } as const
      await world.client.patch(Pod, { namespace: 'default', name: pod }, patch)
    }
    const readyPods = async () =>
      (await world.client.list(Pod)).items.map(({ status }) => status.conditions?.find(({ type }) => type === 'Ready')?.status)
    await beat(world, 'False')
    await eventually(async () => assert.deepEqual(await readyPods(), ['False', 'True']) ?? true)
    await becomes(world, ['False', 'Kubelet', 'not-ready:NoSchedule', 'not-ready:NoExecute'])
    const said = await eventually(async () => {
      const { items } = await world.client.list(Event, { fieldSelector: 'reason=NodeNotReady' })
      return items.length === 2 && items
    })
    assert.deepEqual((said as Event[]).map((e) => `${e.involvedObject.kind} ${e.type} ${e.message} ${e.count}`).sort(), [
      'Node Normal Node node-1 status is now: NodeNotReady 1',
      'Pod Warning Node is not ready 1',
    ])
  })
})
