// Quotas as clients meet them: admission charges, the controller counts, and status.used is right whatever happens between.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { Secret } from '../api/core/secret.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { Client } from '../client/client.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { refusal } from '../testing/refusal.ts'
import { resourceQuota } from './resource-quota.ts'

const ref = (name: string) => ({ namespace: 'default', name })
const podNamed = (name: string, spec: object = {}) =>
  objectOf(Pod, {
    metadata: ref(name),
    spec: { containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '500m' } } }], ...spec },
  })
const makeQuota = (client: Client, name: string, hard: object, spec: object = {}) =>
  client.create(ResourceQuota, objectOf(ResourceQuota, { metadata: ref(name), spec: { hard, ...spec } }))
const used = async (client: Client, name = 'q') => (await client.get(ResourceQuota, ref(name))).status.used
const usedBecomes = (client: Client, want: object, name = 'q') =>
  eventually(async () => assert.deepEqual(await used(client, name), want) ?? true)

describe('a quota', () => {
  it('is counted when it is made and changed, itself too, also with what was there before', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await client.create(Pod, podNamed('early'))
    const quota = await makeQuota(client, 'q', {
      pods: '5',
      'requests.cpu': '2',
      'count/serviceaccounts': '9',
      resourcequotas: '1',
    })
    await usedBecomes(client, { pods: '1', 'requests.cpu': '500m', 'count/serviceaccounts': '1', resourcequotas: '1' })
    assert.deepEqual((await client.get(ResourceQuota, ref('q'))).status.hard, quota.spec.hard)
    await client.patch(ResourceQuota, ref('q'), { type: 'merge', body: { spec: { hard: { pods: '6', resourcequotas: null } } } })
    await usedBecomes(client, { pods: '1', 'requests.cpu': '500m', 'count/serviceaccounts': '1' })
    assert.equal((await client.get(ResourceQuota, ref('q'))).status.hard?.pods, '6')
  })

  it('is charged at once, for containers and overhead, and refuses what is too much', async () => {
    const { client } = await openControlPlane(resourceQuota())
    const overhead = { podFixed: { cpu: '250m', memory: '120Mi' } }
    await client.create(RuntimeClass, objectOf(RuntimeClass, { metadata: { name: 'runv' }, handler: 'runv', overhead }))
    await makeQuota(client, 'q', { 'requests.cpu': '2' })
    await usedBecomes(client, { 'requests.cpu': '0' })
    for (const name of ['a', 'b']) {
      await client.create(Pod, podNamed(name, { runtimeClassName: 'runv' }))
      assert.deepEqual(await used(client), { 'requests.cpu': name === 'a' ? '750m' : '1500m' })
    }
    const exceeded =
      '403 Forbidden: pods "c" is forbidden: exceeded quota: q, requested: requests.cpu=750m, used: requests.cpu=1500m, limited: requests.cpu=2'
    const third = podNamed('c', { runtimeClassName: 'runv' })
    for (const dryRun of [true, false]) assert.equal(await refusal(client.create(Pod, third, { dryRun })), exceeded)
    await client.create(Pod, podNamed('d'), { dryRun: true })
    assert.deepEqual(await used(client), { 'requests.cpu': '1500m' })
    await client.create(Pod, podNamed('d'))
    assert.deepEqual(await used(client), { 'requests.cpu': '2' })
  })

  it('is given back what finished and deleted Pods had', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await makeQuota(client, 'q', { pods: '2', 'count/pods': '3' })
    await usedBecomes(client, { pods: '0', 'count/pods': '0' })
    const pod = await client.create(Pod, podNamed('a'))
    await client.create(Pod, podNamed('b'))
    await client.update(Pod, { ...pod, status: { ...pod.status, phase: 'Succeeded' } }, { subresource: 'status' })
    await usedBecomes(client, { pods: '1', 'count/pods': '2' })
    await client.create(Pod, podNamed('c'))
    await client.delete(Pod, ref('a'))
    await usedBecomes(client, { pods: '2', 'count/pods': '2' })
  })

  it('lets go of a Pod whose grace has passed twice', async () => {
    const { client, clock } = await openControlPlane(resourceQuota())
    await makeQuota(client, 'q', { pods: '2' })
    await usedBecomes(client, { pods: '0' })
    await client.create(Pod, podNamed('a', { nodeName: 'gone' }))
    await client.delete(Pod, ref('a'))
    assert.equal((await client.get(Pod, ref('a'))).metadata.deletionGracePeriodSeconds, 30)
    assert.deepEqual(await used(client), { pods: '1' })
    await eventually(async () => {
      await clock.advance(10_000)
      assert.deepEqual(await used(client), { pods: '0' })
      return true
    })
  })

  it('counts objects of any kind', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await makeQuota(client, 'q', { 'count/configmaps': '1', secrets: '1' })
    await usedBecomes(client, { 'count/configmaps': '0', secrets: '0' })
    await client.create(ConfigMap, objectOf(ConfigMap, { metadata: ref('one') }))
    await client.create(Secret, objectOf(Secret, { metadata: ref('one') }))
    assert.equal(
      await refusal(client.create(ConfigMap, objectOf(ConfigMap, { metadata: ref('two') }))),
      '403 Forbidden: configmaps "two" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
    )
    await client.delete(ConfigMap, ref('one'))
    await usedBecomes(client, { 'count/configmaps': '0', secrets: '1' })
  })

  it('holds for one RuntimeClass alone', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await client.create(RuntimeClass, objectOf(RuntimeClass, { metadata: { name: 'kata' }, handler: 'kata' }))
    const scopeSelector = { matchExpressions: [{ scopeName: 'RuntimeClass', operator: 'In', values: ['kata'] }] }
    await makeQuota(client, 'q', { pods: '1' }, { scopeSelector })
    await usedBecomes(client, { pods: '0' })
    await client.create(Pod, podNamed('a', { runtimeClassName: 'kata' }))
    for (const name of ['b', 'c']) await client.create(Pod, podNamed(name))
    assert.equal(
      await refusal(client.create(Pod, podNamed('d', { runtimeClassName: 'kata' }))),
      '403 Forbidden: pods "d" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    )
  })

  it('moves a Pod between Terminating and NotTerminating when it gets a deadline', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await makeQuota(client, 'ends', { pods: '1' }, { scopes: ['Terminating'] })
    await makeQuota(client, 'runs', { pods: '1' }, { scopes: ['NotTerminating'] })
    for (const name of ['ends', 'runs']) await usedBecomes(client, { pods: '0' }, name)
    const pod = await client.create(Pod, podNamed('a'))
    assert.deepEqual([await used(client, 'ends'), await used(client, 'runs')], [{ pods: '0' }, { pods: '1' }])
    await client.update(Pod, { ...pod, spec: { ...pod.spec, activeDeadlineSeconds: 60 } })
    assert.deepEqual(await used(client, 'ends'), { pods: '1' })
    await usedBecomes(client, { pods: '0' }, 'runs')
  })
})

describe('a count that takes long', () => {
  it('is not repeated before nine times that', async () => {
    const { client, clock } = await openControlPlane()
    await makeQuota(client, 'q', { pods: '5' })
    let [nowMs, counts] = [0, 0]
    const slow: Client = {
      ...client,
      update: (kind, object, options) => {
        nowMs += 10
        counts += 1
        return client.update(kind, object, options)
      },
    }
    const none = { get: () => undefined, list: () => [] }
    const events = { event: () => {}, at: () => ({ event: () => {} }) }
    const world = { client: slow, clock: { ...clock, now: () => nowMs }, events, mirrored: () => none }
    const controller = resourceQuota()
    await controller.reconcile(ref('q'), world)
    nowMs = 50
    assert.deepEqual(await controller.reconcile(ref('q'), world), { againMs: 50 })
    nowMs = 100
    assert.deepEqual([await controller.reconcile(ref('q'), world), counts], [{ againMs: 300_000 }, 2])
  })
})

describe('many creates at once', () => {
  it('never exceed a quota, and leave it exact, while counts go on between them', async () => {
    const { client } = await openControlPlane(resourceQuota())
    await makeQuota(client, 'q', { pods: '50', 'requests.cpu': '100' })
    await makeQuota(client, 'wide', { 'count/pods': '70' })
    await usedBecomes(client, { 'count/pods': '0' }, 'wide')
    await usedBecomes(client, { pods: '0', 'requests.cpu': '0' })
    const count = (name: string) => async () => {
      const { spec, ...quota } = await client.get(ResourceQuota, ref(name))
      const status = { hard: spec.hard }
      await client.update(ResourceQuota, { ...quota, spec, status }, { subresource: 'status' }).catch(() => undefined)
    }
    const creates = Array.from({ length: 200 }, (_, i) => async () => {
      if (i % 10 === 0) await Promise.all([count('q')(), count('wide')()])
      // every fifth name is taken by then, so that charges have to be given back
      return client.create(Pod, podNamed(`p-${i % 5 === 0 ? i - (i % 20) : i}`)).then(
        () => 'made',
        (error: Error) => (/already exists/.test(error.message) ? 'taken' : error.message.replace(/"p-\d+"/, '')),
      )
    })
    const answers = await Promise.all(creates.map((create) => create()))
    const { items } = await client.list(Pod, { namespace: 'default' })
    const refused = new Set(answers.filter((answer) => answer !== 'made' && answer !== 'taken'))
    assert.deepEqual([...refused], ['pods  is forbidden: exceeded quota: q, requested: pods=1, used: pods=50, limited: pods=50'])
    assert.ok(answers.includes('taken'))
    assert.equal(items.length, answers.filter((answer) => answer === 'made').length)
    assert.deepEqual(
      [await used(client), await used(client, 'wide')],
      [
        { pods: String(items.length), 'requests.cpu': String(items.length / 2).replace(/(\d+)\.5/, (_, n) => `${n}500m`) },
        { 'count/pods': String(items.length) },
      ],
    )
    assert.ok(items.length >= 45 && items.length <= 50, `${items.length}`)
  })
})
