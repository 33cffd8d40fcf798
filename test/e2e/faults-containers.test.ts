// What goes wrong under Pods on real containers: containerd dies, a shim vanishes, Pods go while they come, `up` is killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Pod } from '../../src/api/core/pod.ts'
import { findBinaries } from '../../src/node/containerd/binaries.ts'
import { instanceName, instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, whyNoContainers } from './polypod.ts'
import { bridgePorts, cgroupsNamed, mountsWith, tracesOf, withRuntime } from './traces.ts'

const why = await whyNoContainers()
const skipped = why ? ` (skipped: ${why})` : ''

const pod = (name: string, more = '') => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
${more}  containers:
    - name: main
      image: polypod.dev/busybox:1
      command: [sleep, infinity]
      volumeMounts: [{ name: memory, mountPath: /memory }]
  volumes: [{ name: memory, emptyDir: { medium: Memory } }]
`

const ofPod = /pod[0-9a-f]{8}[-_]/

const podNow = async (cluster: CliCluster, name: string) =>
  JSON.parse(await cluster.kubectl(['get', 'pod', name, '-o', 'json'])) as Pod
const podsNow = async (cluster: CliCluster) =>
  (JSON.parse(await cluster.kubectl(['get', 'pods', '-o', 'json'])) as { items: Pod[] }).items
const ready = (cluster: CliCluster, ...names: string[]) =>
  cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=90s', ...names.map((n) => `pod/${n}`)])
const containerOf = ({ status }: Pod) => {
  const [main] = status.containerStatuses ?? []
  return [main?.containerID, main?.restartCount]
}
const sandboxesOf = (cluster: CliCluster) => withRuntime(instancePaths(cluster.dataDir).socket, (r) => r.listSandboxes({}))
const nothingLeft = (dataDir: string) =>
  eventually(async () => {
    assert.deepEqual(await tracesOf(dataDir), [])
    return true
  })

describe.skipIf(why !== undefined)(`under Pods${skipped}`, () => {
  let cluster: CliCluster
  let shims: string
  let shim: string
  const path = process.env['PATH']
  beforeAll(async () => {
    shims = await mkdtemp(join(tmpdir(), 'polypod-shims-'))
    shim = join(shims, 'containerd-shim-kata-v2')
    const binaries = await findBinaries(['containerd-shim-runc-v2'])
    await copyFile(binaries.get('containerd-shim-runc-v2') ?? '', shim)
    process.env['PATH'] = `${shims}:${path}`
    cluster = await cliCluster([])
  }, 60_000)
  afterAll(async () => {
    process.env['PATH'] = path
    await cluster?.[Symbol.asyncDispose]()
    await rm(shims, { recursive: true })
    if (cluster) await nothingLeft(cluster.dataDir)
  }, 60_000)

  it('a shim that vanished is named in an event, others go on, and the Pod runs once it is back', async () => {
    const kata = 'apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: kata }\nhandler: kata\n---\n'
    await rm(shim)
    await cluster.kubectl(['apply', '-f', '-'], `${kata}${pod('shimless', '  runtimeClassName: kata\n')}---\n${pod('other')}`)
    await ready(cluster, 'other')
    // the kubelet says it, or the scheduler when a canary or a look at binaries was quicker
    await eventually(async () => {
      const shown = ['-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}']
      const text = await cluster.kubectl(['get', 'events', '--field-selector', 'involvedObject.name=shimless', ...shown])
      assert.match(text, /^Failed(CreatePodSandBox|Scheduling): .*containerd-shim-kata-v2.*not/m)
      return true
    }, 20_000)
    assert.equal((await podNow(cluster, 'shimless')).status.phase, 'Pending')
    const binaries = await findBinaries(['containerd-shim-runc-v2'])
    await copyFile(binaries.get('containerd-shim-runc-v2') ?? '', shim)
    await ready(cluster, 'shimless')
    await cluster.kubectl(['delete', 'pod', 'shimless', 'other', '--wait'])
  })

  it('containerd dies again and again: the node says so, Pods live on, and new ones wait for it', async () => {
    await cluster.kubectl(['apply', '-f', '-'], pod('steady'))
    await ready(cluster, 'steady')
    const before = containerOf(await podNow(cluster, 'steady'))
    const { process: processFile } = instancePaths(cluster.dataDir)
    const over = new AbortController()
    const killing = (async () => {
      for (let last = 0; !over.signal.aborted; await sleep(30)) {
        const { pid = 0 } = JSON.parse(await readFile(processFile, 'utf8').catch(() => '{}')) as { pid?: number }
        if (pid === last || pid === 0) continue
        process.kill(pid, 'SIGKILL')
        last = pid
      }
    })()
    const nodeReady = async () => (await cluster.status()).nodes[0]?.ready
    try {
      await eventually(async () => (await nodeReady()) === false, 20_000)
      await cluster.kubectl(['apply', '-f', '-'], pod('meanwhile', '  tolerations: [{ operator: Exists }]\n'))
    } finally {
      over.abort()
      await killing
    }
    await eventually(nodeReady, 30_000)
    await ready(cluster, 'meanwhile', 'steady')
    assert.deepEqual(containerOf(await podNow(cluster, 'steady')), before)
    await cluster.kubectl(['delete', 'pod', 'steady', 'meanwhile', '--wait'])
  })

  it('Pods deleted while they start leave nothing', async () => {
    const lane = async (first: number) => {
      for (let i = first; i < first + 5; i++) {
        await cluster.kubectl(['apply', '-f', '-'], pod(`brief-${i}`))
        await sleep(Math.random() * 300)
        await cluster.kubectl(['delete', 'pod', `brief-${i}`, '--wait', ...(i % 3 === 0 ? ['--now'] : [])])
      }
    }
    await Promise.all([lane(0), lane(5), lane(10)])
    await eventually(async () => {
      assert.deepEqual(
        {
          sandboxes: (await sandboxesOf(cluster)).map((s) => s.metadata.name),
          containers: await withRuntime(instancePaths(cluster.dataDir).socket, (r) => r.listContainers({})),
          cgroups: (await cgroupsNamed('pod')).filter((path) => ofPod.test(path) && path.includes(instanceName(cluster.dataDir))),
          mounts: await mountsWith('memory').then((all) => all.filter((line) => line.includes(cluster.dataDir))),
          ports: await bridgePorts(cluster.dataDir),
        },
        { sandboxes: [], containers: [], cgroups: [], mounts: [], ports: [] },
      )
      return true
    })
  })
})

describe.skipIf(why !== undefined)(`kill -9 of up while 40 Pods start${skipped}`, () => {
  it('keeps those that were acknowledged, and each runs once', async () => {
    await using cluster = await cliCluster(['--handlers', 'runc'])
    const names = Array.from({ length: 40 }, (_, i) => `many-${i}`)
    const { pid } = await cluster.status()
    const applying = spawn('kubectl', ['--kubeconfig', cluster.kubeconfig, 'apply', '-f', '-'])
    applying.stdin.end(names.map((name) => pod(name)).join('---\n'))
    let told = ''
    applying.stdout.on('data', (part: Buffer) => (told += part.toString()))
    const ended = new Promise((resolve) => applying.once('close', resolve))
    // some run, some start, some are not even created
    await eventually(() => told.split('\n').length > 30, 60_000)
    process.kill(pid ?? 0, 'SIGKILL')
    await ended
    assert.equal((await cluster.up()).code, 0)
    const acknowledged = [...told.matchAll(/^pod\/(\S+) created$/gm)].map(([, name]) => name ?? '')
    const kept = (await podsNow(cluster)).map((p) => p.metadata.name)
    assert.deepEqual(
      acknowledged.filter((name) => !kept.includes(name)),
      [],
    )
    await cluster.kubectl(['apply', '-f', '-'], names.map((name) => pod(name)).join('---\n'))
    await ready(cluster, ...names)
    await eventually(async () => {
      const sandboxes = (await sandboxesOf(cluster)).map((s) => s.metadata.name)
      assert.deepEqual(sandboxes.toSorted(), names.toSorted())
      return true
    }, 20_000)
    // k8s: a container that was made but never started is made again, and that counts as a restart
    const started = await withRuntime(instancePaths(cluster.dataDir).socket, async (runtime) => {
      const all = await runtime.listContainers({})
      const statuses = await Promise.all(all.map(({ id }) => runtime.containerStatus(id)))
      return statuses.filter(({ startedAt }) => startedAt > 0).map(({ state }) => state)
    })
    assert.deepEqual(
      started,
      names.map(() => 'running'),
    )
    assert.equal((await cluster.down()).code, 0)
    await nothingLeft(cluster.dataDir)
  }, 240_000)
})
