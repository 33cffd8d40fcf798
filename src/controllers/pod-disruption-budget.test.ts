import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import type { Client } from '../client/client.ts'
import { cases } from '../testing/cases.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { podOf } from '../testing/api-server.ts'
import { refusal } from '../testing/refusal.ts'
import { budgetStatus, podDisruptionBudget } from './pod-disruption-budget.ts'

const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
const podNamed = (name: string, status: object = ready, metadata: object = {}): Pod => {
  const pod = podOf(name, { metadata: { labels: { app: 'web' }, ...metadata } })
  return { ...pod, status: status as Pod['status'] }
}
const budgetOf = (spec: object, status: object = {}): PodDisruptionBudget =>
  objectOf(PodDisruptionBudget, {
    metadata: { name: 'web', namespace: 'default', generation: 3 },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    status,
  })

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const three = [podNamed('a'), podNamed('b'), podNamed('c', { phase: 'Running' })]

describe('the status of a budget', () => {
  cases(
    [
      { name: 'counts what is well against minAvailable', spec: { minAvailable: 1 }, pods: three, want: [2, 1, 3, 1] },
      { name: 'allows nothing below it', spec: { minAvailable: 3 }, pods: three, want: [2, 3, 3, 0] },
      { name: 'takes a share of the Pods there are, rounded up', spec: { minAvailable: '50%' }, pods: three, want: [2, 2, 3, 0] },
      { name: 'subtracts maxUnavailable', spec: { maxUnavailable: 2 }, pods: three, want: [2, 1, 3, 1] },
      { name: 'rounds the unavailable share up, too', spec: { maxUnavailable: '34%' }, pods: three, want: [2, 1, 3, 1] },
      { name: 'never wants fewer than none', spec: { maxUnavailable: 9 }, pods: three, want: [2, 0, 3, 2] },
      { name: 'allows nothing without Pods', spec: { maxUnavailable: 1 }, pods: [], want: [0, 0, 0, 0] },
      { name: 'expects nothing when it names no amount', spec: {}, pods: three, want: [2, 0, 0, 0] },
      {
        name: 'does not count who is going',
        spec: { minAvailable: 1 },
        pods: [podNamed('a', ready, { deletionTimestamp: '2026-01-01T00:00:00Z' }), podNamed('b')],
        want: [1, 1, 2, 0],
      },
    ],
    ({ spec, pods, want }) => {
      const { status } = budgetStatus(budgetOf(spec), pods, nowMs)
      assert.deepEqual([status.currentHealthy, status.desiredHealthy, status.expectedPods, status.disruptionsAllowed], want)
      const [state, reason] = want[3] ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods']
      const lastTransitionTime = '2026-01-01T00:00:00Z'
      assert.deepEqual(status.conditions, [
        { type: 'DisruptionAllowed', status: state, observedGeneration: 3, lastTransitionTime, reason, message: '' },
      ])
    },
  )

  it('does not count a Pod whose eviction was granted, for two minutes', () => {
    const disruptedPods = { a: '2025-12-31T23:59:00Z', gone: '2025-12-31T23:59:00Z' }
    const waiting = budgetStatus(budgetOf({ minAvailable: 1 }, { disruptedPods }), three, nowMs)
    assert.deepEqual(
      [waiting.status.disruptedPods, waiting.status.currentHealthy, waiting.overdue, waiting.againMs],
      [{ a: '2025-12-31T23:59:00Z' }, 1, [], 60_000],
    )
    const later = budgetStatus(budgetOf({ minAvailable: 1 }, { disruptedPods }), three, nowMs + 60_000)
    assert.deepEqual(
      [later.status.disruptedPods, later.status.currentHealthy, later.overdue.map((pod) => pod.metadata.name), later.againMs],
      [undefined, 2, ['a'], undefined],
    )
  })
})

const eviction = (name: string, more: object = {}) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: { name, namespace: 'default' },
  ...more,
})
const evict = (client: Client, name: string, more: object = {}) =>
  client.createSubresource(Pod, { namespace: 'default', name }, 'eviction', eviction(name, more))

/** `count` Pods `a`, `b`, ... that run on a node (so that they need time to stop) and are ready. */
async function runningPods(client: Client, count: number): Promise<void> {
  for (const name of ['a', 'b', 'c', 'd', 'e'].slice(0, count)) {
    const spec = { nodeName: 'n', terminationGracePeriodSeconds: 30 }
    const made = await client.create(Pod, podOf(name, { metadata: { labels: { app: 'web' } }, spec }))
    await client.update(Pod, { ...made, status: { ...made.status, ...ready } }, { subresource: 'status' })
  }
}
const web = { namespace: 'default', name: 'web' }
const allowed = (client: Client, count: number) =>
  eventually(async () => {
    const { status, metadata } = await client.get(PodDisruptionBudget, web)
    return status.observedGeneration === metadata.generation && status.disruptionsAllowed === count
  })
const names = async (client: Client, going: boolean) => {
  const { items } = await client.list(Pod, { namespace: 'default' })
  return items.flatMap(({ metadata }) => ((metadata.deletionTimestamp !== undefined) === going ? [metadata.name] : []))
}

describe('eviction', () => {
  it('spends the budget exactly, whoever asks at the same time', async () => {
    const { client } = await openControlPlane(podDisruptionBudget())
    await runningPods(client, 5)
    await client.create(PodDisruptionBudget, budgetOf({ minAvailable: 3 }))
    await allowed(client, 2)
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) =>
        evict(client, name).then(
          () => 'ok',
          () => 'no',
        ),
      ),
    )
    assert.deepEqual(answers.sort(), ['no', 'no', 'no', 'ok', 'ok'])
    assert.equal((await names(client, true)).length, 2)
    const [left = ''] = await names(client, false)
    assert.equal(
      await refusal(evict(client, left)),
      "429 TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget.",
    )
  })

  it('says in the Pod why it goes, and gives it the time that was asked for', async () => {
    const { client } = await openControlPlane(podDisruptionBudget())
    await runningPods(client, 1)
    await evict(client, 'a', { deleteOptions: { gracePeriodSeconds: 7 } })
    const { status, metadata } = await client.get(Pod, { namespace: 'default', name: 'a' })
    assert.equal(metadata.deletionGracePeriodSeconds, 7)
    assert.deepEqual(
      status.conditions?.filter(({ type }) => type === 'DisruptionTarget'),
      [
        {
          ...{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: '2023-11-14T22:13:20Z' },
          ...{ reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
        },
      ],
    )
  })

  it('takes nothing from Pod or budget in a dry run, and refuses in one, too', async () => {
    const { client } = await openControlPlane(podDisruptionBudget())
    await runningPods(client, 2)
    await client.create(PodDisruptionBudget, budgetOf({ maxUnavailable: 1 }))
    await allowed(client, 1)
    const before = await client.list(Pod)
    await evict(client, 'a', { deleteOptions: { dryRun: ['All'] } })
    assert.deepEqual((await client.list(Pod)).items, before.items)
    assert.equal((await client.get(PodDisruptionBudget, web)).status.disruptionsAllowed, 1)
    await evict(client, 'a')
    const why = { deleteOptions: { dryRun: ['All'] } }
    assert.match(await refusal(evict(client, 'b', why)), /^429 TooManyRequests/)
  })

  it('asks no budget for Pods that are not running, and none for sick ones of a budget that is met', async () => {
    const { client } = await openControlPlane(podDisruptionBudget())
    await runningPods(client, 2)
    await client.create(Pod, podOf('pending', { metadata: { labels: { app: 'web' } } }))
    const sick = await client.create(Pod, podOf('sick', { metadata: { labels: { app: 'web' } }, spec: { nodeName: 'n' } }))
    await client.update(Pod, { ...sick, status: { ...sick.status, phase: 'Running' } }, { subresource: 'status' })
    await client.create(PodDisruptionBudget, budgetOf({ minAvailable: 2 }))
    await allowed(client, 0)
    await eventually(async () => (await client.get(PodDisruptionBudget, web)).status.currentHealthy === 2)
    await evict(client, 'pending')
    await evict(client, 'sick')
    assert.deepEqual(await names(client, false), ['a', 'b'])
    assert.match(await refusal(evict(client, 'a')), /^429/)
  })

  it('names the budget and its numbers in the cause, and the one not yet looked at', async () => {
    // no controller here: the budget is as new as can be
    const { client } = await openControlPlane()
    await runningPods(client, 1)
    const made = await client.create(PodDisruptionBudget, budgetOf({ minAvailable: 1 }))
    const message = "Cannot evict pod as it would violate the pod's disruption budget."
    const refused = (causes: object[], more: object = {}) => ({
      status: {
        ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'TooManyRequests', code: 429 },
        details: { causes, ...more },
      },
    })
    const reason = 'DisruptionBudget'
    const unseen = 'The disruption budget web is still being processed by the server.'
    await assert.rejects(evict(client, 'a'), refused([{ reason, message: unseen }], { retryAfterSeconds: 10 }))
    const { status } = budgetStatus(made, (await client.list(Pod)).items, nowMs)
    await client.update(PodDisruptionBudget, { ...made, status }, { subresource: 'status' })
    const needs = 'The disruption budget web needs 1 healthy pods and has 1 currently'
    await assert.rejects(evict(client, 'a'), refused([{ reason, message: needs }]))
  })

  it('cannot weigh one budget against another', async () => {
    const { client } = await openControlPlane()
    await runningPods(client, 1)
    const budget = budgetOf({ minAvailable: 0 })
    await client.create(PodDisruptionBudget, budget)
    await client.create(PodDisruptionBudget, { ...budget, metadata: { name: 'other', namespace: 'default' } })
    assert.equal(
      await refusal(evict(client, 'a')),
      '500 InternalError: This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  })
})

describe('PodDisruptionBudget', () => {
  cases(
    [
      {
        name: 'names one amount',
        spec: { minAvailable: 1, maxUnavailable: 1 },
        want: /spec: Invalid value: .*: minAvailable and maxUnavailable cannot be both set/,
      },
      {
        name: 'has no negative amount',
        spec: { minAvailable: -1 },
        want: /spec.minAvailable: Invalid value: -1: must be greater than or equal to 0/,
      },
      {
        name: 'has no share above all',
        spec: { maxUnavailable: '101%' },
        want: /spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%/,
      },
      { name: 'has shares that end in %', spec: { maxUnavailable: 'some' }, want: /a valid percent string must be a numeric/ },
      {
        name: 'knows two policies for sick Pods',
        spec: { minAvailable: 1, unhealthyPodEvictionPolicy: 'Never' },
        want: /Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"/,
      },
    ],
    async ({ spec, want }) => {
      const { client } = await openControlPlane()
      assert.match(await refusal(client.create(PodDisruptionBudget, budgetOf(spec))), want)
    },
  )
})
