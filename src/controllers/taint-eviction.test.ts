import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { Taint, Toleration } from '../api/core/toleration.ts'
import { cases } from '../testing/cases.ts'
import { objectOf, openControlPlane, type TestControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { taintEviction, tolerationMs } from './taint-eviction.ts'

const taint = (key: string, value?: string): Taint => ({ key, value, effect: 'NoExecute' })
const bears = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds,
})

describe('how long a Pod stays', () => {
  const forever = Number.POSITIVE_INFINITY
  cases(
    [
      { name: 'for ever without taints', taints: [], tolerations: [], want: forever },
      {
        name: 'not at all when one taint is not tolerated',
        taints: [taint('a'), taint('b')],
        tolerations: [bears('a')],
        want: 0,
      },
      { name: 'for ever when no toleration ends', taints: [taint('a')], tolerations: [bears('a')], want: forever },
      {
        name: 'as long as the shortest',
        taints: [taint('a'), taint('b')],
        tolerations: [bears('a', 9), bears('b', 5)],
        want: 5000,
      },
      { name: 'a time below zero is none', taints: [taint('a')], tolerations: [bears('a', -3)], want: 0 },
      {
        name: 'the first toleration of a taint counts',
        taints: [taint('a')],
        tolerations: [bears('a', 60), bears('a', 5)],
        want: 60_000,
      },
      {
        name: 'a value must be equal',
        taints: [taint('a', 'x')],
        tolerations: [{ key: 'a', operator: 'Equal', value: 'y' }],
        want: 0,
      },
      {
        name: 'an empty operator means equal',
        taints: [taint('a', 'x')],
        tolerations: [{ key: 'a', value: 'x', effect: 'NoExecute' }],
        want: forever,
      },
      {
        name: 'another effect does not count',
        taints: [taint('a')],
        tolerations: [{ ...bears('a'), effect: 'NoSchedule' }],
        want: 0,
      },
      { name: 'an empty key bears all', taints: [taint('a'), taint('b')], tolerations: [{ operator: 'Exists' }], want: forever },
    ],
    ({ taints, tolerations, want }) => assert.equal(tolerationMs(taints, tolerations), want),
  )
})

async function openNode(): Promise<TestControlPlane> {
  const world = await openControlPlane(taintEviction())
  await world.client.create(Node, objectOf(Node, { metadata: { name: 'node-1' } }))
  return world
}

async function run({ client }: TestControlPlane, name: string, tolerations: Toleration[] = []): Promise<Pod> {
  const spec = { nodeName: 'node-1', containers: [{ name: 'main', image: 'busybox' }], tolerations }
  return client.create(Pod, objectOf(Pod, { metadata: { name, namespace: 'default' }, spec }))
}

const setTaints = ({ client }: TestControlPlane, ...taints: Taint[]) =>
  client.patch(Node, { name: 'node-1' }, { type: 'merge', body: { spec: { taints } } })
/** Names of Pods that were not told to stop. */
const staying = async ({ client }: TestControlPlane) =>
  (await client.list(Pod)).items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name)
const stay = (world: TestControlPlane, ...names: string[]) =>
  eventually(async () => assert.deepEqual(await staying(world), names) ?? true, 2000)

describe('NoExecute taints', () => {
  it('tell Pods to stop that do not tolerate them, in their own time, and why', async () => {
    const world = await openNode()
    await run(world, 'stays', [bears('gpu')])
    await run(world, 'goes')
    await setTaints(world, taint('gpu'), { key: 'other', effect: 'NoSchedule' })
    await stay(world, 'stays')
    const { metadata, status } = await world.client.get(Pod, { namespace: 'default', name: 'goes' })
    assert.equal(metadata.deletionGracePeriodSeconds, 30)
    const { lastTransitionTime: _at, ...condition } = status.conditions?.at(-1) ?? assert.fail()
    assert.deepEqual(condition, {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    })
    const [event] = await eventually(async () => {
      const { items } = await world.client.list(Event)
      return items.length > 0 ? items : undefined
    })
    assert.deepEqual(
      [event?.type, event?.reason, event?.message, event?.source.component],
      ['Normal', 'TaintManagerEviction', 'Marking for deletion Pod default/goes', 'taint-eviction-controller'],
    )
  })

  it('let a Pod stay as long as it tolerates them', async () => {
    const world = await openNode()
    await run(world, 'web', [bears('gpu', 60)])
    await setTaints(world, taint('gpu'))
    await eventually(() => world.clock.pending() > 1)
    await world.clock.advance(59_000)
    assert.deepEqual(await staying(world), ['web'])
    await world.clock.advance(1000)
    await stay(world)
  })

  it('are forgotten when they go in time', async () => {
    const world = await openNode()
    await run(world, 'web', [bears('gpu', 60)])
    await setTaints(world, taint('gpu'))
    await eventually(() => world.clock.pending() > 1)
    await world.clock.advance(30_000)
    await setTaints(world)
    const [event] = await eventually(async () => {
      const { items } = await world.client.list(Event)
      return items.length > 0 ? items : undefined
    })
    assert.equal(event?.message, 'Cancelling deletion of Pod default/web')
    await world.clock.advance(60_000)
    await setTaints(world, taint('gpu'))
    await eventually(async () => (await world.client.get(Node, { name: 'node-1' })).spec.taints)
    await world.clock.advance(59_000)
    assert.deepEqual(await staying(world), ['web'])
    await world.clock.advance(1000)
    await stay(world)
  })

  it('count for Pods that come later', async () => {
    const world = await openNode()
    await setTaints(world, taint('gpu'))
    await run(world, 'late')
    await stay(world)
  })
})
