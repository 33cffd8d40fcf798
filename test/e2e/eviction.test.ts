// Node-pressure eviction for real: containerd, a memory hog, and thresholds set by what this machine has left.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'
import { Event } from '../../src/api/core/event.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { nodeLifecycle } from '../../src/controllers/node-lifecycle.ts'
import { runController } from '../../src/controllers/run.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { machineUsage } from '../../src/node/machine-usage.ts'
import type { NodeOptions } from '../../src/node/run.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { cgroupRoot, containerdLife, type Life, openLife } from './pod-life-world.ts'
import { testedHandlers, whyNotOn } from './real-handlers.ts'

const mi = 1024 * 1024
const available = async () => (await machineUsage('/')).memoryAvailableBytes
const tooSmall = (await available()) < 3000 * mi ? 'less than 3000Mi of memory available' : undefined

const never = { evictionHard: {} }
/** In Mi: the limit of the cgroup that holds all Pods. */
const podsMayUse = 1500
const capacity = { memory: `${podsMayUse}Mi` }
/** dd reads all of it in one go, and cannot get rid of it: sleep reads nothing. */
const hold = (count: number) => `dd if=/dev/zero bs=${count}M count=1 | sleep 1000`

for (const handler of testedHandlers) {
  const why = (await whyNotOn(handler)) ?? tooSmall
  describe.skipIf(why !== undefined)(`eviction on ${handler}${why ? ` (skipped: ${why})` : ''}`, () => evictionOn(handler))
}

function evictionOn(handler: string): void {
  let life: Life
  const stopping = new AbortController()
  let controller: Promise<unknown>
  beforeAll(async () => {
    life = await openLife(containerdLife(handler))
    await life.stopNode()
    await life.startNode({ eviction: never, capacity })
    const world = { client: life.client, clock: systemClock, log: () => {} }
    controller = runController(nodeLifecycle(), world, stopping.signal)
  }, 60_000)
  afterEach(async () => {
    for (const { metadata } of (await life.client.list(Pod)).items) await life.end(metadata.name, 0)
    // what still runs would give memory back under the next test
    await eventually(async () => (await life.runtime.listContainers({})).length === 0, 20_000)
  }, 30_000)
  afterAll(async () => {
    stopping.abort()
    await controller
    await life.close()
  }, 60_000)

  const run = (name: string, command: string, more: { requests?: string; overhead?: string } = {}) => {
    const { requests, overhead } = more
    const resources = requests === undefined ? {} : { requests: { memory: requests } }
    return life.run(name, {
      containers: [{ name: 'main', image: life.image, imagePullPolicy: 'Never', command: ['sh', '-c', command], resources }],
      ...(overhead === undefined ? {} : { overhead: { memory: overhead } }),
    })
  }
  const idOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.containerID?.replace(/^.*\/\//, '') ?? ''
  const holds = async (name: string, count: number) => {
    const uid = (await life.get(name)).metadata.uid
    return eventually(async () => {
      const used = (await life.stats()).pods.find((pod) => pod.uid === uid)?.containers[0]?.memoryWorkingSetBytes ?? 0
      return used >= count * mi ? used : undefined
    }, 60_000)
  }
  const nodeShows = (status: string, tainted: boolean) =>
    eventually(async () => {
      const node = await life.client.get(Node, { name: 'node-1' })
      const taint = node.spec.taints?.some((t) => t.key === 'node.kubernetes.io/memory-pressure' && t.effect === 'NoSchedule')
      return node.status.conditions?.find((c) => c.type === 'MemoryPressure')?.status === status && (taint ?? false) === tainted
    }, 30_000)
  const reasons = async (...names: string[]) => {
    const pods = await Promise.all(names.map((name) => life.get(name)))
    return pods.map(({ metadata, status }) => `${metadata.name} ${status.reason ?? status.phase}`)
  }

  /** Of the Pods that are there, as their events came. */
  const evictedInOrder = async () => {
    const uids = new Set((await life.client.list(Pod)).items.map(({ metadata }) => metadata.uid))
    const { items } = await life.client.list(Event)
    return items
      .filter(({ reason, involvedObject }) => reason === 'Evicted' && uids.has(involvedObject.uid))
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
      .map(({ involvedObject }) => involvedObject.name)
  }

  /** What all Pods may use and do not, with this much for them all. */
  const leftForPods = async () =>
    podsMayUse * mi - (await life.stats()).pods.reduce((sum, { memoryWorkingSetBytes }) => sum + memoryWorkingSetBytes, 0)

  async function endsInOrder(left: () => Promise<number>, more: Partial<NodeOptions> = {}): Promise<void> {
    // The hog holds 450Mi and requests 600Mi: it is below its request. So is modest. over holds 400Mi, its request is 280Mi and
    // 20Mi of overhead: 100Mi too much. best-effort holds 150Mi; its overhead of 300Mi is no request, as it requests nothing: 150Mi
    // too much. The order is best-effort, over.
    const all = ['best-effort', 'over', 'modest', 'hog']
    await run('over', hold(400), { requests: '280Mi', overhead: '20Mi' })
    await run('best-effort', hold(150), { overhead: '300Mi' })
    await run('modest', hold(10), { requests: '100Mi' })
    await run('hog', `until [ -e /go ]; do sleep 0.1; done; ${hold(450)}`, { requests: '600Mi' })
    for (const name of all) await life.until(name, (pod) => pod.status.phase === 'Running')
    await holds('over', 400)
    await holds('best-effort', 150)
    await holds('modest', 10)

    // Just below what is free: 450Mi of hog leave 300Mi too little; best-effort gives back 150Mi, over 400Mi: then 250Mi more than needed.
    const threshold = `${Math.floor((await left()) / mi) - 150}Mi`
    const settings = { evictionHard: { 'memory.available': threshold }, evictionPressureTransitionPeriod: '5s' }
    await life.stopNode()
    await life.startNode({ eviction: settings, ...more })
    await nodeShows('False', false)
    assert.deepEqual(await reasons(...all), ['best-effort Running', 'over Running', 'modest Running', 'hog Running'])

    await life.runtime.execSync(idOf(await life.get('hog')), ['touch', '/go'], 5)
    await eventually(async () => (await left()) < Number.parseInt(threshold) * mi, 30_000)
    await life.until('best-effort', (pod) => pod.status.reason === 'Evicted')
    await nodeShows('True', true)
    await life.until('over', (pod) => pod.status.reason === 'Evicted')
    await nodeShows('False', false)
    assert.deepEqual(await reasons(...all), ['best-effort Evicted', 'over Evicted', 'modest Running', 'hog Running'])
    assert.deepEqual(await evictedInOrder(), ['best-effort', 'over'])
    const { phase, message } = (await life.get('best-effort')).status
    assert.equal(phase, 'Failed')
    assert.match(
      message ?? '',
      new RegExp(
        `^The node was low on resource: memory\\. Threshold quantity: ${threshold}, available: \\d+[KM]i\\. ` +
          'Container main was using \\d+[KM]i, request is 0, has larger consumption of memory\\. $',
      ),
    )
  }

  const order = 'ends Pods in the order computed by hand, spares those below their request, and shows the pressure'
  it(`${order}: of what Pods may use`, () => endsInOrder(leftForPods, { capacity }), 120_000)

  it(`${order}: of what the machine has left`, async (test) => {
    // what others on this machine take and give back must not be mistaken for what our Pods do
    const undisturbed = async () => (await available()) + podsMayUse * mi - (await leftForPods())
    await life.stopNode()
    await life.startNode({ eviction: never })
    const before = await undisturbed()
    let worst = 0
    const watching = new AbortController()
    const watched = (async () => {
      let last: number[] = []
      while (!watching.signal.aborted) {
        // the two are read one after the other, so that what a Pod takes or gives back between them looks like somebody else's once
        last = [...last, Math.abs((await undisturbed().catch(() => before)) - before)].slice(-3)
        if (last.length === 3) worst = Math.max(worst, Math.min(...last))
        await systemClock.sleep(200, watching.signal)
      }
    })()
    try {
      await endsInOrder(available)
    } catch (error) {
      if (worst < 100 * mi) throw error
      const failed = error instanceof Error ? error.message : String(error)
      test.skip(`other processes took or gave back ${Math.round(worst / mi)}Mi of this machine's memory; it failed: ${failed}`)
    } finally {
      watching.abort()
      await watched
    }
  }, 120_000)

  it('ends a Pod whose emptyDir outgrows its limit', async () => {
    await life.stopNode()
    await life.startNode({ eviction: never, capacity })
    const mounted = (name: string, count: number) =>
      life.run(name, {
        containers: [
          {
            ...{
              name: 'main',
              image: life.image,
              imagePullPolicy: 'Never',
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
            command: ['sh', '-c', `dd if=/dev/zero of=/data/file bs=1M count=${count}; sleep 1000`],
          },
        ],
        volumes: [{ name: 'data', emptyDir: { sizeLimit: '10Mi' } }],
      })
    await mounted('small', 5)
    await mounted('large', 20)
    const { status } = await life.until('large', (pod) => pod.status.phase === 'Failed', 40_000)
    assert.deepEqual([status.reason, status.message], ['Evicted', 'Usage of EmptyDir volume "data" exceeds the limit "10Mi". '])
    assert.deepEqual(await reasons('small'), ['small Running'])
  }, 60_000)

  it('shows what the sandbox uses apart, shim included', async () => {
    await run('web', 'sleep 1000')
    await life.until('web', (pod) => pod.status.phase === 'Running')
    const stats = await eventually(async () => (await life.stats()).pods.find((p) => p.name === 'web' && p.containers.length > 0))
    // a shim holds some megabytes, a sleeping shell less than one
    assert.ok(stats.sandbox.memoryWorkingSetBytes > 2 * mi, JSON.stringify(stats))
    assert.ok((stats.containers[0]?.memoryWorkingSetBytes ?? Infinity) < 2 * mi, JSON.stringify(stats))
    const cri = (await life.runtime.usage()).find(({ labels }) => labels['io.kubernetes.pod.name'] === 'web')
    assert.equal(stats.containers[0]?.name, cri?.labels['io.kubernetes.container.name'])
  }, 60_000)

  it('limits all Pods together to what is not reserved', async () => {
    await life.stopNode()
    await life.startNode({ eviction: never, reserved: { memory: '1Gi' }, capacity: { memory: '4Gi' } })
    const folder = '/sys/fs/cgroup'
    const v1 = await readFile(`${folder}/memory/${cgroupRoot}/kubepods/memory.limit_in_bytes`, 'utf8').catch(() => undefined)
    const limit = v1 ?? (await readFile(`${folder}/${cgroupRoot}/kubepods/memory.max`, 'utf8'))
    assert.equal(limit.trim(), String(3 * 1024 * mi))
    const { allocatable } = (await life.client.get(Node, { name: 'node-1' })).status
    assert.equal(allocatable?.memory, '3Gi')
  }, 30_000)
}
