// A whole node on the simulated runtime, with time in hand.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { eventually } from '../testing/eventually.ts'
import { openTestNode } from '../testing/test-node.ts'
import { type Runtime, RuntimeError } from './cri/runtime.ts'

/** Answers nothing while `away`; its event stream ends then, as a real one's does. */
function fragile(runtime: Runtime) {
  const state = { away: false, cut: new AbortController() }
  const guard = <K extends keyof Runtime>(key: K) =>
    ((...args: unknown[]) => {
      if (state.away) return Promise.reject(new RuntimeError('Unavailable', 'connect ENOENT containerd.sock'))
      return (runtime[key] as (...all: unknown[]) => unknown)(...args)
    }) as Runtime[K]
  const keys = Object.keys(runtime) as (keyof Runtime)[]
  const guarded = Object.fromEntries(keys.map((key) => [key, guard(key)])) as unknown as Runtime
  return {
    runtime: { ...guarded, events: (signal: AbortSignal) => runtime.events(AbortSignal.any([signal, state.cut.signal])) },
    leave() {
      state.away = true
      state.cut.abort()
    },
    comeBack() {
      state.cut = new AbortController()
      state.away = false
    },
  }
}

async function openNode() {
  let made: ReturnType<typeof fragile> | undefined
  const opened = await openTestNode({}, (runtime) => (made = fragile(runtime)).runtime)
  const { client, get } = opened
  return {
    ...opened,
    leave: () => made?.leave(),
    comeBack: () => made?.comeBack(),
    run: (name: string, container: Record<string, unknown>, annotations: Record<string, string> = {}) => {
      const containers = [{ name: 'a', image: 'busybox:1', ...container }]
      return client.create(
        Pod,
        Pod.decode(
          { metadata: { name, namespace: 'default', annotations }, spec: { nodeName: 'n1', containers } },
          { unknown: [] },
        ),
      )
    },
    /** Waits, in real time, while the clock stands still. */
    until: (name: string, is: (pod: Pod) => boolean) =>
      eventually(async () => {
        const pod = await get(name)
        return is(pod) ? pod : undefined
      }, 5000),
    ready: async () => (await client.get(Node, { name: 'n1' })).status.conditions?.find((c) => c.type === 'Ready'),
  }
}

const main = (pod: Pod) => pod.status.containerStatuses?.[0]
const restarts = (pod: Pod) => main(pod)?.restartCount ?? -1

describe('runNode', () => {
  it('restarts what crashes at once, then after 10 s, then after 20 s', async () => {
    const { clock, run, until, get } = await openNode()
    await run('loop', { command: ['false'] })
    const waits = (pod: Pod, count: number) => restarts(pod) === count && main(pod)?.state.waiting?.reason === 'CrashLoopBackOff'
    assert.match(main(await until('loop', (p) => waits(p, 1)))?.state.waiting?.message ?? '', /^back-off 10s /)
    await clock.advance(9900)
    assert.equal(restarts(await get('loop')), 1)
    await clock.advance(200)
    assert.match(main(await until('loop', (p) => waits(p, 2)))?.state.waiting?.message ?? '', /^back-off 20s /)
    await clock.advance(19_000)
    assert.equal(restarts(await get('loop')), 2)
    await clock.advance(2000)
    await until('loop', (p) => waits(p, 3))
  })

  it('tries a sandbox again after a while', async () => {
    const { clock, run, get, until, client } = await openNode()
    await run('odd', {}, { 'simulated.polypod.dev/fail-sandbox': 'no more addresses' })
    await until('odd', (p) => p.status.phase === 'Pending')
    for (const [ms, tries] of [
      [0, 1],
      [1100, 2],
      [2100, 3],
      [4100, 4],
    ] as const) {
      await clock.advance(ms)
      await eventually(async () => {
        const { items } = await client.list(Event)
        return items.find((e) => e.reason === 'FailedCreatePodSandBox')?.count === tries
      }, 5000)
    }
    assert.equal((await get('odd')).status.phase, 'Pending')
  })

  it('says that the runtime is down, and at once that it is back', async () => {
    const { clock, ready, leave, comeBack, run, until, get } = await openNode()
    await run('web', {})
    const before = await until('web', (p) => p.status.phase === 'Running')
    leave()
    await eventually(async () => (await ready())?.status === 'False', 5000)
    assert.equal((await ready())?.reason, 'KubeletNotReady')
    assert.equal((await ready())?.message, 'container runtime is down')
    await clock.advance(20_000)
    assert.deepEqual((await get('web')).status, before.status)
    comeBack()
    await clock.advance(300)
    await eventually(async () => (await ready())?.status === 'True', 5000)
    assert.deepEqual((await get('web')).status, before.status)
  })

  it('posts its status every five minutes, and its Lease every ten seconds', async () => {
    const { clock, ready, client } = await openNode()
    const first = (await ready())?.lastHeartbeatTime
    const renewed = async () => (await client.get(Lease, { namespace: 'kube-node-lease', name: 'n1' })).spec.renewTime
    const lease = await eventually(renewed)
    await clock.advance(11_000)
    await eventually(async () => (await renewed()) !== lease)
    assert.equal((await ready())?.lastHeartbeatTime, first)
    for (let minute = 0; minute < 31; minute++) await clock.advance(10_000)
    await eventually(async () => (await ready())?.lastHeartbeatTime !== first)
  })

  it('describes the node as kubectl shows it', async () => {
    const { client } = await openNode()
    const { status, metadata } = await client.get(Node, { name: 'n1' })
    assert.deepEqual(
      [status.nodeInfo.containerRuntimeVersion, status.daemonEndpoints.kubeletEndpoint?.Port, status.capacity?.pods],
      ['simulated://1', 10250, '110'],
    )
    assert.deepEqual(
      status.runtimeHandlers?.map((h) => h.name),
      ['', 'runc'],
    )
    assert.deepEqual(
      status.conditions?.map((c) => [c.type, c.status]),
      [
        ['MemoryPressure', 'False'],
        ['DiskPressure', 'False'],
        ['PIDPressure', 'False'],
        ['Ready', 'True'],
      ],
    )
    assert.equal(metadata.labels?.['kubernetes.io/os'], 'linux')
  })

  it('finds a Pod for the kubelet server', async () => {
    const { node, run, until } = await openNode()
    await run('web', { tty: true })
    const pod = await until('web', (p) => p.status.phase === 'Running')
    const found = await node.find('default', 'web')
    assert.equal(`simulated://${found?.containers['a']?.current?.id}`, main(pod)?.containerID)
    assert.match(found?.containers['a']?.current?.logPath ?? '', /\/logs\/default_web_[^/]+\/a\/0\.log$/)
    assert.equal(found?.containers['a']?.tty, true)
    assert.equal(await node.find('default', 'nobody'), undefined)
  })
  it('counts a Pod that takes its time to end until it has ended, through a restart of the kubelet', async () => {
    const { node, run, until, restart, client, clock } = await openNode()
    await run('slow', { resources: { requests: { cpu: '1m' } } }, { 'simulated.polypod.dev/stop-ms': '9000' })
    const pod = await until('slow', (p) => p.status.phase === 'Running')
    const uid = pod.metadata.uid ?? ''
    const counted = { node: 'n1', requested: { cpu: 1 }, pods: { [uid]: { name: 'Pod default/slow', requested: { cpu: 1 } } } }
    assert.deepEqual(node.counts(), counted)
    await client.delete(Pod, pod.metadata)
    const again = await restart()
    await eventually(() => again.counts()?.requested['cpu'] === 1)
    assert.deepEqual(again.counts(), counted)
    await eventually(async () => {
      await clock.advance(1000)
      return again.counts()?.requested['cpu'] === undefined
    })
  })
  it('lets nobody in, after a restart, who has no place beside Pods that run', async () => {
    const { run, until, restart, client } = await openNode()
    const { allocatable } = (await client.get(Node, { name: 'n1' })).status
    const most = { resources: { requests: { cpu: `${Number(allocatable?.['cpu']) * 600}m` } } }
    await run('old', most)
    await until('old', (p) => p.status.phase === 'Running')
    await restart(() => run('another', most))
    const { status } = await until('another', (p) => p.status.phase !== 'Pending')
    assert.equal(status.reason, 'OutOfcpu')
  })

  it('never runs a Pod as root of the node that asked for a user namespace', async () => {
    const { client, get } = await openNode()
    const spec = { nodeName: 'n1', hostUsers: false, containers: [{ name: 'a', image: 'busybox:1' }] }
    await client.create(Pod, Pod.decode({ metadata: { name: 'web', namespace: 'default' }, spec }, { unknown: [] }))
    const said = await eventually(async () => {
      const { items } = await client.list(Event, { namespace: 'default' })
      return items.find(({ reason }) => reason === 'FailedCreatePodSandBox')?.message
    })
    assert.equal(said, 'Failed to create pod sandbox: RuntimeClass handler "" does not support user namespaces')
    assert.equal((await get('web')).status.phase, 'Pending')
  })
})
