// A node under pressure, on the simulated runtime: its Pods' annotations say what they use, the clock is in hand.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { eventually } from '../testing/eventually.ts'
import { kubeletMetrics } from './kubelet-metrics.ts'
import { openTestNode } from '../testing/test-node.ts'
import type { EvictionSettings } from './eviction-settings.ts'

const mi = 1024 * 1024

interface Wanted {
  uses?: number
  requests?: string
  overhead?: string
  priority?: number
  spec?: Record<string, unknown>
}

/** A node of 1000Mi. */
async function openNode(eviction: EvictionSettings) {
  const metrics = kubeletMetrics()
  const opened = await openTestNode({ eviction, metrics, capacity: { memory: '1000Mi' } })
  const { client, clock } = opened
  const phases = async () =>
    Object.fromEntries(
      (await client.list(Pod)).items.map(({ metadata, status }) => [metadata.name, status.reason ?? status.phase]),
    )
  return {
    ...opened,
    phases,
    /** `name label=value count` of what was counted. */
    counted: () =>
      metrics
        .families()
        .flatMap(({ name, type, samples }) =>
          type === 'counter' ? samples.map(({ labels, value }) => `${name} ${Object.entries(labels).join(' ')} ${value}`) : [],
        ),
    async run(name: string, { uses = 0, requests, overhead, priority, spec = {} }: Wanted) {
      const resources = requests === undefined ? {} : { requests: { memory: requests } }
      const body = {
        metadata: { name, namespace: 'default', annotations: { 'simulated.polypod.dev/memory-bytes': String(uses * mi) } },
        spec: {
          nodeName: 'n1',
          containers: [{ name: 'main', image: 'busybox:1', resources }],
          ...(overhead === undefined ? {} : { overhead: { memory: overhead } }),
          ...(priority === undefined ? {} : { priority }),
          ...spec,
        },
      }
      await client.create(Pod, Pod.decode(body, { unknown: [] }))
    },
    until: (want: Record<string, string>) =>
      eventually(async () => JSON.stringify(await phases()) === JSON.stringify(want), 5000),
    condition: async (type: string) => {
      const found = (await client.get(Node, { name: 'n1' })).status.conditions?.find((c) => c.type === type)
      return `${found?.status} ${found?.reason}`
    },
    /** Lets so many seconds pass, and the work of each with them. */
    pass: (seconds: number, stepMs = 500) => {
      const until = clock.now() + seconds * 1000
      return eventually(async () => {
        await clock.advance(stepMs)
        return clock.now() >= until
      }, 5000)
    },
    /** Lets time pass until it is so. */
    passUntil: (is: () => Promise<boolean>) =>
      eventually(async () => {
        await clock.advance(400)
        return is()
      }, 5000),
  }
}

const hard = { evictionHard: { 'memory.available': '200Mi' }, evictionPressureTransitionPeriod: '30s' }

describe('node-pressure eviction', () => {
  it('ends one Pod after the other, in upstream order, until there is enough', async () => {
    const world = await openNode(hard)
    // of 1000Mi these leave 0Mi; the order by hand: bestEffort (request 0 despite its overhead, 150 over, priority 0),
    // over (100 over), then, although it uses most, important (priority 10); within stays below 500Mi + 20Mi
    await world.run('within', { uses: 510, requests: '500Mi', overhead: '20Mi' })
    await world.run('important', { uses: 90, priority: 10 })
    await world.run('over', { uses: 250, requests: '150Mi' })
    await world.run('best-effort', { uses: 150, overhead: '120Mi' })
    await eventually(async () => Object.values(await world.phases()).filter((p) => p === 'Running').length === 4, 5000)
    await world.passUntil(async () => (await world.phases())['over'] === 'Evicted')
    await world.pass(3)
    assert.deepEqual(await world.phases(), {
      'best-effort': 'Evicted',
      important: 'Running',
      over: 'Evicted',
      within: 'Running',
    })
    const { items } = await world.client.list(Event)
    const evicted = items.filter((e) => e.reason === 'Evicted').map((e) => e.involvedObject.name)
    assert.deepEqual(evicted, ['best-effort', 'over'])
    const { status } = await world.get('best-effort')
    assert.deepEqual([status.phase, status.reason], ['Failed', 'Evicted'])
    assert.equal(
      status.message,
      'The node was low on resource: memory. Threshold quantity: 200Mi, available: 0. ' +
        'Container main was using 150Mi, request is 0, has larger consumption of memory. ',
    )
    const target = status.conditions?.find((c) => c.type === 'DisruptionTarget')
    assert.deepEqual([target?.status, target?.reason], ['True', 'TerminationByKubelet'])
    assert.deepEqual(world.counted(), ['kubelet_evictions eviction_signal,memory.available 2'])
    assert.ok(items.some((e) => e.reason === 'EvictionThresholdMet' && e.message === 'Attempting to reclaim memory'))
  })

  it('has chosen a Pod half a second after the signal', async () => {
    const world = await openNode(hard)
    await world.run('hog', { uses: 900 })
    await world.until({ hog: 'Running' })
    const reasons = async () => (await world.client.list(Event)).items.map(({ reason }) => reason)
    assert.equal((await reasons()).includes('Evicted'), false)
    await world.clock.advance(500)
    await eventually(async () => (await reasons()).includes('Evicted'), 5000)
  })

  it('shows pressure for the transition period, and lets no BestEffort Pod in meanwhile', async () => {
    const world = await openNode(hard)
    await world.run('hog', { uses: 900 })
    await world.passUntil(async () => (await world.phases())['hog'] === 'Evicted')
    assert.equal(await world.condition('MemoryPressure'), 'True KubeletHasInsufficientMemory')
    await world.run('small', {})
    await world.run('asks', { requests: '1Mi' })
    await world.run('critical', { priority: 2_000_000_000 })
    await world.run('tolerant', {
      spec: { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' }] },
    })
    await world.until({ asks: 'Running', critical: 'Running', hog: 'Evicted', small: 'Evicted', tolerant: 'Running' })
    assert.equal((await world.get('small')).status.message, 'Pod was rejected: The node had condition: [MemoryPressure]. ')
    assert.deepEqual(world.counted(), [
      'kubelet_evictions eviction_signal,memory.available 1',
      'kubelet_admission_rejections_total reason,Evicted 1',
    ])
    await world.pass(35, 2500)
    await eventually(async () => (await world.condition('MemoryPressure')) === 'False KubeletHasSufficientMemory', 5000)
    await world.run('late', {})
    await world.pass(1)
    await eventually(async () => (await world.get('late')).status.phase === 'Running', 5000)
  })

  it('spares critical Pods, and ends the next in order', async () => {
    const world = await openNode(hard)
    await world.run('critical', { uses: 700, priority: 2_000_001_000 })
    await world.run('modest', { uses: 150 })
    await world.passUntil(async () => (await world.phases())['modest'] === 'Evicted')
    await world.pass(5)
    assert.deepEqual(await world.phases(), { critical: 'Running', modest: 'Evicted' })
  })

  it('waits out the grace period of a soft threshold', async () => {
    const world = await openNode({
      ...{ evictionHard: {}, evictionSoft: { 'memory.available': '200Mi' }, evictionMaxPodGracePeriod: 5 },
      evictionSoftGracePeriod: { 'memory.available': '20s' },
    })
    await world.run('hog', { uses: 900 })
    await eventually(async () => (await world.phases())['hog'] === 'Running', 5000)
    await world.pass(15, 2500)
    assert.equal(await world.condition('MemoryPressure'), 'True KubeletHasInsufficientMemory')
    assert.deepEqual(await world.phases(), { hog: 'Running' })
    await world.passUntil(async () => (await world.phases())['hog'] === 'Evicted')
    assert.deepEqual(await world.phases(), { hog: 'Evicted' })
  })

  it('holds the threshold back from allocatable', async () => {
    const { client } = await openNode(hard)
    const { capacity, allocatable } = (await client.get(Node, { name: 'n1' })).status
    assert.deepEqual([capacity?.memory, allocatable?.memory], ['1000Mi', '800Mi'])
  })

  it('ends others for a critical Pod that does not fit', async () => {
    const world = await openNode(hard)
    await world.run('web', { requests: '700Mi' })
    await world.until({ web: 'Running' })
    await world.run('critical', { requests: '300Mi', priority: 2_000_000_000 })
    await world.passUntil(async () => (await world.phases())['critical'] === 'Running')
    const { status } = await world.get('web')
    assert.deepEqual(
      [status.phase, status.reason, status.message],
      ['Failed', 'Preempting', 'Preempted in order to admit critical pod'],
    )
    const target = status.conditions?.find((c) => c.type === 'DisruptionTarget')
    assert.equal(target?.message, 'Pod was preempted by Kubelet to accommodate a critical pod.')
    assert.deepEqual(world.counted(), ['kubelet_preemptions preemption_signal,memory 1'])
  })
})
