// The scheduler against a real API server in this process, on a clock of ours.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { schedulingNoteOf } from '../api/polypod/trace-notes.ts'
import { failure } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { openScope } from '../lib/scope.ts'
import { requesting, sampleNode, type SampleNode, samplePod } from '../placement/sample.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { runScheduler, type SchedulerOptions } from './run.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function setUp(options: Partial<SchedulerOptions> = {}, wrap: (client: Client) => Client = (client) => client) {
  const clock = manualClock()
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock })
  const client = server.client('tester')
  await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {}, status: {} })
  const logged: string[] = []
  const failures: unknown[] = []
  const scope = openScope((_, error) => failures.push(error))
  const log = (line: string) => void logged.push(line)
  const scheduling = { client: wrap(server.client('system:kube-scheduler')), clock, log, ...options }
  closing.push(async () => {
    await scope.close()
    await server.close()
    assert.deepEqual(failures, [])
  })
  const addNode = async (name: string, node: SampleNode = {}) => {
    const given = sampleNode(name, node)
    const created = await client.create(Node, given)
    await client.update(Node, { ...created, status: given.status }, { subresource: 'status' })
  }
  const addPod = (name: string, spec: object = {}) => {
    const pod = samplePod(name, spec)
    return client.create(Pod, { ...pod, metadata: { name, namespace: 'default' } })
  }
  const pod = (name: string) => client.get(Pod, { namespace: 'default', name })
  return {
    ...{ clock, client, logged, addNode, addPod, pod },
    start: () => scope.run('scheduler', (signal) => runScheduler(scheduling, signal)),
    bound: (name: string) => eventually(async () => (await pod(name)).spec.nodeName),
    whyNot: (name: string) => eventually(async () => condition(await pod(name))),
    events: async (name: string) => {
      const { items } = await client.list(Event, { namespace: 'default' })
      return items.filter((e) => e.involvedObject.name === name).map((e) => [e.type, e.reason, e.message, e.count])
    },
    addClass: (name: string, handler: string) =>
      client.create(RuntimeClass, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler }),
  }
}

function condition({ status }: Pod) {
  const found = status.conditions?.find((c) => c.type === 'PodScheduled')
  return found && [found.status, found.reason, found.message]
}

const onlyOne = (why: string, hope = 'No preemption victims found for incoming pod') =>
  `0/1 nodes are available: 1 ${why}. preemption: 0/1 nodes are available: 1 ${hope}.`
const hopeless = 'Preemption is not helpful for scheduling'

describe('runScheduler', () => {
  it('binds what waits when it starts, and what comes later', async () => {
    const { addNode, addPod, start, bound, pod, events } = await setUp()
    await addNode('a')
    await addPod('early')
    start()
    assert.equal(await bound('early'), 'a')
    await addPod('late')
    assert.equal(await bound('late'), 'a')
    assert.deepEqual(condition(await pod('late')), ['True', undefined, undefined])
    await eventually(async () => (await events('late')).length === 1)
    assert.deepEqual(await events('late'), [['Normal', 'Scheduled', 'Successfully assigned default/late to a', 1]])
  })

  it('leaves Pods of other schedulers, gated, bound and deleted Pods alone', async () => {
    const bindings: string[] = []
    const wrap = (client: Client): Client => ({
      ...client,
      createSubresource: (kind, ref, ...rest) => (bindings.push(ref.name), client.createSubresource(kind, ref, ...rest)),
    })
    const { addNode, addPod, start, bound, pod, whyNot, client } = await setUp({}, wrap)
    await addNode('a')
    await addPod('other', { schedulerName: 'mine' })
    await addPod('gated', { schedulingGates: [{ name: 'example.com/wait' }] })
    await addPod('by-hand', { nodeName: 'elsewhere' })
    const finalized = { ...samplePod('going'), metadata: { name: 'going', namespace: 'default', finalizers: ['example.com/f'] } }
    await client.create(Pod, finalized)
    await client.delete(Pod, { namespace: 'default', name: 'going' })
    start()
    const gated = ['False', 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates']
    assert.deepEqual(await whyNot('gated'), gated)
    await addPod('last')
    await bound('last')
    const nodes = async (names: string[]) => Promise.all(names.map(async (name) => (await pod(name)).spec.nodeName))
    assert.deepEqual(await nodes(['other', 'gated', 'by-hand', 'going']), [undefined, undefined, 'elsewhere', undefined])
    await client.patch(Pod, { namespace: 'default', name: 'gated' }, { type: 'merge', body: { spec: { schedulingGates: null } } })
    assert.equal(await bound('gated'), 'a')
    assert.deepEqual(bindings, ['last', 'gated'])
  })

  it('says why a Pod waits, once per attempt, and binds it when a node comes', async () => {
    const { clock, addNode, addPod, start, bound, whyNot, events } = await setUp()
    start()
    await addPod('p', requesting({ cpu: '2' }))
    assert.deepEqual(await whyNot('p'), ['False', 'Unschedulable', 'no nodes available to schedule pods'])
    await addNode('small', { allocatable: { cpu: '1' } })
    await clock.advance(5 * 60_000)
    const message = onlyOne('Insufficient cpu', hopeless)
    await eventually(async () => (await whyNot('p'))[2] === message)
    await addNode('big')
    await clock.advance(2000)
    assert.equal(await bound('p'), 'big')
    await eventually(async () => (await events('p')).length === 3)
    assert.deepEqual(await events('p'), [
      ['Warning', 'FailedScheduling', 'no nodes available to schedule pods', 1],
      ['Warning', 'FailedScheduling', message, 1],
      ['Normal', 'Scheduled', 'Successfully assigned default/p to big', 1],
    ])
  })

  it('names class and handler, and notices when the node offers it', async () => {
    const { clock, client, addNode, addPod, addClass, start, bound, whyNot } = await setUp()
    await addClass('kata', 'kata-qemu')
    await addNode('a', { handlers: ['', 'runc'] })
    start()
    await addPod('p', { runtimeClassName: 'kata' })
    const why = 'node(s) do not offer runtime handler "kata-qemu" of RuntimeClass "kata"'
    assert.deepEqual(await whyNot('p'), ['False', 'Unschedulable', onlyOne(why, hopeless)])
    const runtimeHandlers = ['', 'runc', 'kata-qemu'].map((name) => ({ name }))
    await client.patch(Node, { name: 'a' }, { type: 'merge', subresource: 'status', body: { status: { runtimeHandlers } } })
    await clock.advance(1000)
    assert.equal(await bound('p'), 'a')
  })

  it('waits for a class that is not there, and sees it come back', async () => {
    const { clock, addNode, addPod, addClass, start, bound, whyNot } = await setUp()
    await addNode('a', { handlers: ['', 'runc'] })
    start()
    await addPod('p', { runtimeClassName: 'lost' })
    assert.match((await whyNot('p'))[2] ?? '', /^0\/1 nodes are available: RuntimeClass "lost" not found\./)
    await addClass('lost', 'runc')
    await clock.advance(1000)
    assert.equal(await bound('p'), 'a')
  })

  it('notes on the Pod, with the binding, among which nodes it chose and what it took', async () => {
    const { clock, addNode, addPod, start, bound, pod, whyNot } = await setUp()
    start()
    await addNode('small', { allocatable: { cpu: '1' } })
    await addPod('p', requesting({ cpu: '2' }))
    await whyNot('p')
    assert.equal(schedulingNoteOf(await pod('p')), undefined)
    await clock.advance(30_000)
    await addNode('big', { allocatable: { cpu: '4' } })
    await clock.advance(1000)
    await bound('p')
    const { at, queuedMs, ...first } = schedulingNoteOf(await pod('p')) ?? assert.fail('no note')
    assert.deepEqual(first, { attempt: 2, node: 'big', nodes: 2, examined: 2, feasible: 1 })
    assert.ok(queuedMs >= 30_000 && Date.parse(at) <= clock.now(), `${queuedMs} ms, ${at}`)
    await addPod('q', requesting({ cpu: '100m' }))
    await bound('q')
    const { score = 0, next, attempt, feasible } = schedulingNoteOf(await pod('q')) ?? assert.fail('no note')
    assert.deepEqual([attempt, feasible, next?.node === (await pod('q')).spec.nodeName], [1, 2, false])
    assert.ok(next && score >= next.score && next.score > 0, `${score} against ${next?.score}`)
  })

  it('does not look at handlers in the upstream profile', async () => {
    const { addNode, addPod, addClass, start, bound } = await setUp({ profile: 'upstream' })
    await addClass('kata', 'kata-qemu')
    await addNode('a', { handlers: ['', 'runc'] })
    start()
    await addPod('p', { runtimeClassName: 'kata' })
    assert.equal(await bound('p'), 'a')
  })

  it('gives the room of a Pod that ends or is deleted to the one of highest priority', async () => {
    const { clock, client, addNode, addPod, start, bound, whyNot, pod } = await setUp()
    await addNode('a', { allocatable: { cpu: '2' } })
    start()
    for (const name of ['one', 'two']) {
      await addPod(name, requesting({ cpu: '1' }))
      await bound(name)
    }
    await addPod('humble', requesting({ cpu: '1' }))
    await addPod('proud', { ...requesting({ cpu: '1' }) })
    for (const name of ['humble', 'proud']) assert.deepEqual((await whyNot(name))[2], onlyOne('Insufficient cpu'))
    await addPod('proudest', { ...requesting({ cpu: '1' }), priority: 7, preemptionPolicy: 'Never' })
    assert.match((await whyNot('proudest'))[2] ?? '', /preemption: not eligible due to preemptionPolicy=Never\.$/)
    await clock.advance(60_000)
    const over = { status: { phase: 'Succeeded' } }
    await client.patch(Pod, { namespace: 'default', name: 'one' }, { type: 'merge', subresource: 'status', body: over })
    assert.equal(await bound('proudest'), 'a')
    assert.deepEqual([(await pod('humble')).spec.nodeName, (await pod('proud')).spec.nodeName], [undefined, undefined])
    await clock.advance(60_000)
    await client.delete(Pod, { namespace: 'default', name: 'two' }, { gracePeriodSeconds: 0 })
    assert.equal(await bound('humble'), 'a')
  })

  it('counts overhead of Pods it has bound', async () => {
    const { addNode, addPod, start, bound, whyNot } = await setUp()
    await addNode('a', { allocatable: { cpu: '2' } })
    start()
    await addPod('heavy', { ...requesting({ cpu: '1' }), overhead: { cpu: '600m' } })
    await bound('heavy')
    await addPod('p', requesting({ cpu: '500m' }))
    assert.deepEqual((await whyNot('p'))[2], onlyOne('Insufficient cpu'))
  })

  it('never gives a node more than it has, however many Pods come at once', async () => {
    const { client, addNode, addPod, start } = await setUp()
    for (const name of ['a', 'b', 'c']) await addNode(name, { allocatable: { cpu: '10' } })
    start()
    await Promise.all(Array.from({ length: 40 }, (_, i) => addPod(`p${i}`, requesting({ cpu: '1' }))))
    const perNode = async () => {
      const { items } = await client.list(Pod)
      const waiting = items.filter((p) => condition(p)?.[1] === 'Unschedulable').length
      const on = (name: string) => items.filter((p) => p.spec.nodeName === name).length
      return { waiting, a: on('a'), b: on('b'), c: on('c') }
    }
    await eventually(async () => Object.values(await perNode()).reduce((sum, n) => sum + n) === 40)
    assert.deepEqual(await perNode(), { waiting: 10, a: 10, b: 10, c: 10 })
  })

  it('takes a refused binding back, says so, and tries again', async () => {
    let refuse = true
    const wrap = (client: Client): Client => ({
      ...client,
      async createSubresource(...args) {
        if (!refuse) return client.createSubresource(...args)
        throw failure(500, 'InternalError', 'the disk is full')
      },
    })
    const { clock, addNode, addPod, start, bound, whyNot, events } = await setUp({}, wrap)
    await addNode('a', { allocatable: { cpu: '1' } })
    start()
    await addPod('p', requesting({ cpu: '1' }))
    const message = 'binding rejected: the disk is full'
    assert.deepEqual(await whyNot('p'), ['False', 'SchedulerError', message])
    refuse = false
    await clock.advance(1000)
    assert.equal(await bound('p'), 'a')
    assert.deepEqual((await events('p'))[0], ['Warning', 'FailedScheduling', message, 1])
  })

  it('believes the watch when the answer to a binding is lost', async () => {
    const wrap = (client: Client): Client => ({
      ...client,
      async createSubresource(...args) {
        await client.createSubresource(...args)
        // by now the watch has told
        for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
        throw new Error('connection reset')
      },
    })
    const { addNode, addPod, start, bound, whyNot, events } = await setUp({}, wrap)
    await addNode('a', { allocatable: { cpu: '1' } })
    start()
    await addPod('p', requesting({ cpu: '1' }))
    assert.equal(await bound('p'), 'a')
    await addPod('q', requesting({ cpu: '1' }))
    assert.deepEqual((await whyNot('q'))[2], onlyOne('Insufficient cpu'))
    assert.deepEqual(await events('p'), [])
  })

  it('binds once, also when older news of the Pod come after the binding', async () => {
    const bindings: string[] = []
    let hold = Promise.resolve()
    let letGo = () => {}
    const wrap = (client: Client): Client => ({
      ...client,
      async createSubresource(kind, ref, ...rest) {
        bindings.push(ref.name)
        hold = new Promise((resolve) => (letGo = resolve))
        await client.patch(Pod, ref, { type: 'merge', body: { metadata: { labels: { news: 'old' } } } })
        await client.createSubresource(kind, ref, ...rest)
      },
      async *watch(kind, since, where) {
        for await (const event of client.watch(kind, since, where)) {
          if (kind.kind === 'Pod') await hold
          yield event
        }
      },
    })
    const { clock, addNode, addPod, start, bound, events } = await setUp({}, wrap)
    for (const name of ['a', 'b']) await addNode(name)
    start()
    await addPod('p')
    await bound('p')
    await eventually(async () => (await events('p')).length === 1)
    letGo()
    hold = Promise.resolve()
    await clock.advance(20_000)
    await addPod('q')
    await eventually(() => bindings.length === 2)
    letGo()
    await bound('q')
    assert.deepEqual(bindings, ['p', 'q'])
  })

  it('gives up a Pod that is deleted while it is being bound', async () => {
    const bindings: string[] = []
    const wrap = (client: Client): Client => ({
      ...client,
      async createSubresource(kind, ref, ...rest) {
        bindings.push(ref.name)
        if (ref.name === 'p') await client.delete(Pod, ref)
        await client.createSubresource(kind, ref, ...rest)
      },
    })
    const { clock, client, addNode, start, addPod, bound, pod } = await setUp({}, wrap)
    await addNode('a')
    start()
    const finalizers = ['example.com/f']
    await client.create(Pod, { ...samplePod('p'), metadata: { name: 'p', namespace: 'default', finalizers } })
    await eventually(async () => (await pod('p')).metadata.deletionTimestamp)
    await clock.advance(60_000)
    await addPod('last')
    await bound('last')
    assert.deepEqual(bindings, ['p', 'last'])
  })

  it('stays idle while nothing changes', async () => {
    let calls = 0
    const counting = (client: Client): Client => ({
      ...client,
      patch: (...args) => (calls++, client.patch(...args)),
      create: (...args) => (calls++, client.create(...args)),
    })
    const { clock, addNode, addPod, start, whyNot, client } = await setUp({}, counting)
    await addNode('a', { allocatable: { cpu: '1' } })
    start()
    await addPod('p', requesting({ cpu: '2' }))
    await whyNot('p')
    await eventually(() => calls === 2)
    // heartbeats are no news
    for (let i = 0; i < 5; i++) {
      const body = { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: `2026-01-01T00:00:0${i}Z` }] } }
      await client.patch(Node, { name: 'a' }, { type: 'strategic', subresource: 'status', body })
      await clock.advance(30_000)
    }
    assert.equal(calls, 2)
  })
})
