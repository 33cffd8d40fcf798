import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { Disagreement } from '../ledger/check.ts'
import { objectOf, openControlPlane, type TestControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { ledgerCheck } from './ledger-check.ts'

const minuteMs = 60_000
const container = { name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }
const classOf = (cpu: string) =>
  objectOf(RuntimeClass, { metadata: { name: 'kata' }, handler: 'kata', overhead: { podFixed: { cpu } } })
const said = async ({ client }: TestControlPlane) =>
  (await client.list(Event)).items.map(({ involvedObject, reason, message, count }) => ({
    ...{ on: `${involvedObject.kind} ${involvedObject.name}`, reason, message, count },
  }))

describe('the periodic check of the ledger', () => {
  it('says what does not add up on nodes and namespaces, once it has seen it twice, and stops when it is mended', async () => {
    const checks: Disagreement[][] = []
    const world = await openControlPlane(ledgerCheck((found) => void checks.push([...found])))
    const { client, clock } = world
    await eventually(() => checks.length === 1)
    await client.create(RuntimeClass, classOf('250m'))
    await client.create(Node, objectOf(Node, { metadata: { name: 'small' }, status: { allocatable: { cpu: '1', pods: '9' } } }))
    const spec = { runtimeClassName: 'kata', nodeName: 'small', containers: [container] }
    const pod = await client.create(Pod, objectOf(Pod, { metadata: { name: 'web', namespace: 'default' }, spec }))
    await client.patch(RuntimeClass, { name: 'kata' }, { type: 'merge', body: { overhead: { podFixed: { cpu: '300m' } } } })
    await clock.advance(5 * minuteMs)
    assert.deepEqual(await said(world), [])
    await eventually(() => clock.pending() > 0)
    await clock.advance(10_000)
    const stale = {
      ...{ on: 'Namespace default', reason: 'LedgerDisagreement' },
      message:
        'StaleOverhead: Namespace default: overhead of RuntimeClass kata: expected cpu=300m, found cpu=250m (RuntimeClass kata, Pod default/web)',
    }
    const exceeded = {
      ...{ on: 'Node small', reason: 'LedgerDisagreement' },
      message: 'AllocatableExceeded: Node small: cpu: expected at most 1, found 1250m (Pod default/web)',
    }
    const both = (count: number) => [
      { ...stale, count },
      { ...exceeded, count },
    ]
    const byObject = async () => (await said(world)).toSorted((a, b) => (a.on < b.on ? -1 : 1))
    await eventually(async () => assert.deepEqual(await byObject(), both(1)) ?? true)
    await clock.advance(5 * minuteMs)
    await eventually(async () => assert.deepEqual(await byObject(), both(2)) ?? true)
    await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 })
    await clock.advance(5 * minuteMs)
    await eventually(() => checks.length === 4)
    assert.deepEqual(
      checks.map((found) => found.map(({ kind }) => kind)),
      [[], ['StaleOverhead', 'AllocatableExceeded'], ['StaleOverhead', 'AllocatableExceeded'], []],
    )
    assert.deepEqual(world.logged, [])
  })
})
