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
    const world = await openControlPlane(ledgerCheck({ onChecked: (found) => void checks.push([...found]) }))
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
  it('hears everybody else, too, and is not kept from a fault that stays by others that come and go', async () => {
    const checks: Disagreement[][] = []
    const nobody = { node: 'small', requested: {}, pods: {} }
    const stranger = (name: string) => ({ ...nobody, pods: { [name]: { name: `Pod default/${name}`, requested: {} } } })
    const passing = ['a', 'b', 'c', 'd']
    const files = { node: 'small', pods: [{ uid: 'x' }], sameShares: () => true }
    const hear = async () => ({ kubelets: [nobody], scheduler: [stranger(passing.shift() ?? '')], cgroups: [files] })
    const world = await openControlPlane(ledgerCheck({ onChecked: (found) => void checks.push([...found]), hear }))
    const { client, clock } = world
    await client.create(Node, objectOf(Node, { metadata: { name: 'small' }, status: { allocatable: { cpu: '9', pods: '9' } } }))
    const spec = { nodeName: 'small', containers: [{ name: 'c', image: 'i' }] }
    await client.create(Pod, objectOf(Pod, { metadata: { name: 'web', namespace: 'default' }, spec }))
    await eventually(async () => {
      await clock.advance(5 * minuteMs)
      return (await said(world)).length >= 2
    })
    const messages = (await said(world)).map(({ message }) => message ?? '').toSorted((a, b) => (a < b ? -1 : 1))
    assert.deepEqual(messages, [
      'CgroupUnknown: Node small: cgroup podx: expected no cgroup, found a cgroup (cgroup podx)',
      'KubeletDiffers: Node small: pods: expected 1, found 0 (Pod default/web)',
      'SchedulerDiffers: Node small: pods: expected 1, found 1 (Pod default/web)',
    ])
  })
})
