import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Pod } from '../api/core/pod.ts'
import { PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { ClassOverhead } from '../ledger/overhead-drift.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { overheadDrift } from './overhead-drift.ts'

const mebi = 2 ** 20
const metricsOf = ({ metadata: { name, namespace } }: Pod, memory: string) =>
  objectOf(PodMetrics, {
    metadata: { name, namespace, annotations: { [sandboxUsageAnnotation]: JSON.stringify({ memory }) } },
    ...{ timestamp: '2026-01-01T00:00:00Z', window: '10s', containers: [] },
  })

describe('the drift watch', () => {
  it('tells of a class whose sandboxes use more than it declares, when it has seen it twice, and is quiet when that is mended', async () => {
    const asked: string[][] = []
    const looks: (readonly ClassOverhead[])[] = []
    const drift = overheadDrift({
      async measure(pods) {
        asked.push(pods.map(({ metadata }) => metadata.name))
        return pods.map((pod) => metricsOf(pod, '40Mi'))
      },
      onMeasured: (found) => void looks.push(found),
    })
    const { client, clock, logged } = await openControlPlane(drift)
    await eventually(() => looks.length >= 1)
    await client.create(RuntimeClass, objectOf(RuntimeClass, { metadata: { name: 'gvisor' }, handler: 'runsc' }))
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    for (const [name, runtimeClassName] of [['plain'], ['web', 'gvisor']])
      await client.create(Pod, objectOf(Pod, { metadata: { name, namespace: 'default' }, spec: { ...spec, runtimeClassName } }))
    const said = async () =>
      (await client.list(Event)).items.map(({ involvedObject, reason, count }) => [involvedObject.name, reason, count])
    const found = (declaredBytes: number, direction?: 'understated'): ClassOverhead[] => [
      { class: 'gvisor', pods: 1, declaredBytes, meanBytes: 40 * mebi, maxBytes: 40 * mebi, drift: direction },
    ]
    const look = async (ms: number, want: ClassOverhead[]) => {
      const before = looks.length
      await eventually(() => clock.pending() > 0)
      await clock.advance(ms)
      await eventually(() => looks.length > before)
      assert.deepEqual(looks.at(-1), want)
    }
    await look(300_000, found(0, 'understated'))
    assert.deepEqual(asked.at(-1), ['web'])
    assert.deepEqual(await said(), [])
    await look(10_000, found(0, 'understated'))
    await eventually(async () => assert.deepEqual(await said(), [['gvisor', 'OverheadUnderstated', 1]]) ?? true)
    const before = looks.length
    await client.patch(RuntimeClass, { name: 'gvisor' }, { type: 'merge', body: { overhead: { podFixed: { memory: '44Mi' } } } })
    await eventually(() => looks.length > before)
    assert.deepEqual(looks.at(-1), found(44 * mebi))
    await look(300_000, found(44 * mebi))
    assert.deepEqual([await said(), logged], [[['gvisor', 'OverheadUnderstated', 1]], []])
  })
})
