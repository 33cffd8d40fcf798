import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { Binding } from '../api/core/binding.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { samplePod } from '../placement/sample.ts'
import type { ApiServer } from '../server/api-server.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { type ManualClock, manualClock } from '../testing/manual-clock.ts'
import { tellWhyNot, type WhyNot } from './condition.ts'

const ref = { namespace: 'default', name: 'p' }
const why: WhyNot = { reason: 'Unschedulable', message: 'no nodes available to schedule pods' }
const servers: ApiServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function setUp() {
  const clock: ManualClock = manualClock()
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock })
  servers.push(server)
  const client = server.client('tester')
  await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {}, status: {} })
  const create = () => client.create(Pod, { ...samplePod('p'), metadata: ref })
  return { clock, client, create, pod: () => client.get(Pod, ref) }
}
const conditions = (pod: Pod) =>
  pod.status.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])
const told = [['PodScheduled', 'False', why.reason, why.message]]

describe('tellWhyNot', () => {
  it('writes the condition, and nothing when the Pod says so already', async () => {
    const { clock, client, create, pod } = await setUp()
    await tellWhyNot({ client, clock }, await create(), why)
    const first = await pod()
    assert.deepEqual(conditions(first), told)
    await tellWhyNot({ client, clock }, first, why)
    assert.equal((await pod()).metadata.resourceVersion, first.metadata.resourceVersion)
  })

  it('keeps the time of the transition while only the message changes', async () => {
    const { clock, client, create, pod } = await setUp()
    await tellWhyNot({ client, clock }, await create(), why)
    const since = (await pod()).status.conditions?.[0]?.lastTransitionTime
    await clock.advance(60_000)
    await tellWhyNot({ client, clock }, await pod(), { ...why, message: 'another' })
    const now = (await pod()).status.conditions?.[0]
    assert.deepEqual([now?.message, now?.lastTransitionTime], ['another', since])
  })

  it('writes although the Pod has changed in between', async () => {
    const { clock, client, create, pod } = await setUp()
    const judged = await create()
    await client.patch(Pod, ref, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
    await tellWhyNot({ client, clock }, judged, why)
    assert.deepEqual(conditions(await pod()), told)
  })

  it('does not contradict a binding that was quicker', async () => {
    const { clock, client, create, pod } = await setUp()
    const judged = await create()
    const { apiVersion, kind } = Binding
    await client.createSubresource(Pod, ref, 'binding', { apiVersion, kind, metadata: ref, target: { kind: 'Node', name: 'a' } })
    await tellWhyNot({ client, clock }, judged, why)
    assert.deepEqual(conditions(await pod()), [['PodScheduled', 'True', undefined, undefined]])
  })

  it('means this Pod, not another of its name, and takes its absence calmly', async () => {
    const { clock, client, create, pod } = await setUp()
    const judged = await create()
    await client.delete(Pod, ref, { gracePeriodSeconds: 0 })
    await tellWhyNot({ client, clock }, judged, why)
    await create()
    await tellWhyNot({ client, clock }, judged, why)
    assert.equal(conditions(await pod()), undefined)
  })
})
