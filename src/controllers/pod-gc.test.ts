import assert from 'node:assert/strict'
import { describe, it, onTestFinished } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { type Change, mirror } from '../client/mirror.ts'
import { objectOf, openControlPlane, type TestControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { type PodGcOptions, podGc } from './pod-gc.ts'

interface Bench extends TestControlPlane {
  /** The last state of Pods that are gone, by name. */
  gone: Map<string, Pod>
}

async function open(options: PodGcOptions = {}): Promise<Bench> {
  const world = await openControlPlane(podGc(options))
  const gone = new Map<string, Pod>()
  const onChange = ({ type, object }: Change<Pod>) => void (type === 'DELETED' && gone.set(object.metadata.name, object))
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  await mirror(world.client, Pod, { clock: world.clock, signal: stop.signal, onChange })
  await eventually(() => world.clock.pending() > 1)
  return { ...world, gone }
}

async function make({ client }: Bench, name: string, fields: { nodeName?: string; phase?: string; finalizers?: string[] } = {}) {
  const { nodeName, phase = 'Running', finalizers } = fields
  const spec = { nodeName, containers: [{ name: 'main', image: 'busybox' }] }
  await client.create(Pod, objectOf(Pod, { metadata: { name, namespace: 'default', finalizers }, spec }))
  const patch = { type: 'merge', body: { status: { phase } }, subresource: 'status' } as const
  await client.patch(Pod, { namespace: 'default', name }, patch)
}

const names = async ({ client }: Bench) => (await client.list(Pod)).items.map(({ metadata }) => metadata.name)
const left = (bench: Bench, ...want: string[]) => eventually(async () => assert.deepEqual(await names(bench), want) ?? true, 2000)

describe('Pod garbage collection', () => {
  it('fails and removes Pods of a node that has been gone for 40 s, and only those', async () => {
    const bench = await open()
    await bench.client.create(Node, objectOf(Node, { metadata: { name: 'there' } }))
    await make(bench, 'a', { nodeName: 'there' })
    await make(bench, 'b', { nodeName: 'gone' })
    await make(bench, 'c', { nodeName: 'gone', phase: 'Succeeded' })
    await make(bench, 'd')
    await bench.clock.advance(20_000)
    await bench.clock.advance(20_000)
    assert.deepEqual(await names(bench), ['a', 'b', 'c', 'd'])
    await bench.clock.advance(20_000)
    await left(bench, 'a', 'd')
    await eventually(() => bench.gone.size === 2)
    const { status } = bench.gone.get('b') ?? assert.fail()
    const { lastTransitionTime: _at, ...condition } = status.conditions?.at(-1) ?? assert.fail()
    assert.deepEqual(condition, {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    })
    assert.deepEqual([status.phase, bench.gone.get('c')?.status.phase], ['Failed', 'Succeeded'])
  })

  it('spares the Pods of a node that comes back in time', async () => {
    const bench = await open()
    await make(bench, 'a', { nodeName: 'node-1' })
    await bench.clock.advance(40_000)
    await bench.client.create(Node, objectOf(Node, { metadata: { name: 'node-1' } }))
    await bench.clock.advance(40_000)
    await bench.client.delete(Node, { name: 'node-1' })
    await bench.clock.advance(40_000)
    assert.deepEqual(await names(bench), ['a'])
    await bench.clock.advance(40_000)
    await left(bench)
  })

  it('removes the oldest finished Pods beyond the threshold', async () => {
    const bench = await open({ terminatedPodThreshold: 2 })
    for (const [name, phase] of [
      ['a', 'Succeeded'],
      ['b', 'Running'],
      ['c', 'Failed'],
      ['d', 'Succeeded'],
      ['e', 'Failed'],
    ] as const) {
      await make(bench, name, { phase })
      await bench.clock.advance(1000)
    }
    await bench.clock.advance(20_000)
    await left(bench, 'b', 'd', 'e')
  })

  it('keeps every finished Pod when the threshold is 0', async () => {
    const bench = await open({ terminatedPodThreshold: 0 })
    await make(bench, 'a', { phase: 'Succeeded' })
    await bench.clock.advance(60_000)
    assert.deepEqual(await names(bench), ['a'])
  })
})
