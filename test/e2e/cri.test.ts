// `polypod up --cri`: on a containerd that others use too, which goes on with all that is not ours.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { isAlive } from '../../src/lib/pid-lock.ts'
import { openScope, type Scope } from '../../src/lib/scope.ts'
import { instanceName } from '../../src/node/containerd/instance-paths.ts'
import { type Containerd, startContainerd } from '../../src/node/containerd/supervise.ts'
import { sampleContainer, sampleSandbox } from '../../src/node/cri/sample-config.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, whyNoContainers } from './polypod.ts'
import { bridgePorts, cgroupsNamed, mountsWith, tracesOf, withRuntime } from './traces.ts'

const why = await whyNoContainers()
const image = 'polypod.dev/busybox:1'

const pod = (name: string, runtimeClass?: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
${runtimeClass === undefined ? '' : `  runtimeClassName: ${runtimeClass}\n`}  containers:
    - { name: main, image: '${image}', command: [sleep, infinity], resources: { limits: { cpu: 100m, memory: 32Mi } } }
`
const runtimeClass = (name: string) =>
  `apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: ${name} }\nhandler: ${name}\n`

describe.skipIf(why !== undefined)(`a containerd of the machine${why ? ` (skipped: ${why})` : ''}`, () => {
  let machineDir: string
  let scope: Scope
  let machine: Containerd
  let foreign: string
  let cluster: CliCluster
  let handlers: string[]
  beforeAll(async () => {
    machineDir = await mkdtemp(join(tmpdir(), 'polypod-machine-'))
    scope = openScope()
    machine = await startContainerd({ dataDir: machineDir, clock: systemClock, scope, log: () => {} })
    foreign = await withRuntime(machine.socket, async (runtime) => {
      const sandbox = sampleSandbox('foreign', { cgroupParent: '/polypod-foreign' })
      const sandboxId = await runtime.runSandbox(sandbox, '')
      const id = await runtime.createContainer(sandboxId, sampleContainer(sandbox, 'main', image, ['sleep', 'infinity']), sandbox)
      await runtime.startContainer(id)
      return id
    })
    cluster = await cliCluster(['--cri', `unix://${machine.socket}`])
    handlers = (await cluster.status()).nodes[0]?.handlers ?? []
  }, 60_000)
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await machine?.stop({ cgroupRoots: ['/polypod-foreign'], purge: true })
    await scope?.close()
    await rm(machineDir, { recursive: true, force: true })
    assert.deepEqual(await tracesOf(machineDir), [])
  }, 60_000)

  const start = async (...names: string[]) => {
    const classes = handlers.map(runtimeClass)
    const pods = handlers.flatMap((handler) => names.map((name) => pod(`${name}-${handler}`, handler)))
    await cluster.kubectl(['apply', '-f', '-'], [...classes, ...pods].join('---\n'))
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod', '--all'])
  }
  /** What of ours is still on the machine, and whether all that is not ours goes on. */
  const onlyTheForeignPodIsLeft = (dataDir: string) =>
    eventually(async () => {
      const [sandboxes, state] = await withRuntime(machine.socket, async (runtime) => [
        (await runtime.listSandboxes({})).map((s) => s.metadata.name),
        (await runtime.containerStatus(foreign)).state,
      ])
      assert.deepEqual([sandboxes, state], [['foreign'], 'running'])
      assert.deepEqual(
        {
          cgroups: await cgroupsNamed(instanceName(dataDir)),
          mounts: await mountsWith(dataDir),
          ports: (await bridgePorts(machineDir)).length,
        },
        { cgroups: [], mounts: [], ports: 1 },
      )
      return true
    })

  it('lists its handlers and runs Pods on each of them', async () => {
    assert.deepEqual(handlers.toSorted(), machine.handlers.map((h) => h.name).toSorted())
    await start('a')
    const { stdout } = await polypod('runtimes', '--pods', '-o', 'json', '--data-dir', cluster.dataDir)
    const found = (JSON.parse(stdout) as { name: string; handler: string }[]).filter((e) => e.name.startsWith('a-'))
    assert.deepEqual(
      new Map(found.map((e) => [e.name, e.handler])),
      new Map(handlers.toSorted().map((handler) => [`a-${handler}`, handler])),
    )
    assert.equal((await cluster.kubectl(['get', 'pods', '-A', '-o', 'name'])).includes('foreign'), false)
  })

  it('sizes Pod cgroups as on a containerd of our own', async () => {
    const uid = await cluster.kubectl(['get', 'pod', 'a-runc', '-o', 'jsonpath={.metadata.uid}'])
    const folders = (await cgroupsNamed(uid)).filter((path) => path.includes(`/${instanceName(cluster.dataDir)}/kubepods/`))
    const limits = await Promise.all(
      folders.flatMap((folder) =>
        ['memory.limit_in_bytes', 'memory.max'].map((file) => readFile(join(folder, file), 'utf8').catch(() => undefined)),
      ),
    )
    assert.deepEqual(
      limits.filter((limit) => limit !== undefined),
      [`${32 * 1024 ** 2}\n`],
    )
  })

  it('loses our Pods with down, and nothing else; up starts them again', async () => {
    assert.equal((await cluster.down()).code, 0)
    await onlyTheForeignPodIsLeft(cluster.dataDir)
    const { code, stdout } = await cluster.up()
    assert.deepEqual([code, stdout.includes(machine.socket)], [0, true])
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod', '--all'])
  })

  it('loses our Pods with SIGTERM too', async () => {
    const { pid } = await cluster.status()
    process.kill(pid ?? 0, 'SIGTERM')
    await eventually(async () => (await cluster.status()).running === false, 30_000)
    await onlyTheForeignPodIsLeft(cluster.dataDir)
  })

  it('keeps our Pods when up is killed, and down removes them then', async () => {
    assert.equal((await cluster.up()).code, 0)
    await start('b')
    const { items } = JSON.parse(await cluster.kubectl(['get', 'pods', '-o', 'json'])) as { items: unknown[] }
    const { pid } = await cluster.status()
    process.kill(pid ?? 0, 'SIGKILL')
    await eventually(async () => (await cluster.status()).running === false)
    assert.deepEqual((await cluster.status()).remains, { criSocket: machine.socket, pods: items.length })
    assert.equal((await cluster.up()).code, 0)
    const restarts = await cluster.kubectl(['get', 'pods', '-o', 'jsonpath={.items[?(@.metadata.name=="b-runc")]..restartCount}'])
    assert.equal(restarts, '0')
    process.kill((await cluster.status()).pid ?? 0, 'SIGKILL')
    await eventually(async () => (await cluster.status()).running === false)
    assert.equal((await cluster.down()).code, 0)
    await onlyTheForeignPodIsLeft(cluster.dataDir)
  })

  it('that has gone away keeps nobody from stopping, and is named', async () => {
    assert.equal((await cluster.up()).code, 0)
    await machine.stop({ cgroupRoots: ['/polypod-foreign'] })
    const why = `polypod: no CRI runtime answers at ${machine.socket}: its Pods could not be removed from there; run \`polypod down\` again when it does\n`
    const { pid } = await cluster.status()
    const down = await cluster.down()
    assert.deepEqual([down.code, down.stderr], [6, why])
    assert.equal((await cluster.status()).running, false)
    assert.equal(await isAlive(pid ?? 0), false)
    assert.deepEqual(await cgroupsNamed(instanceName(cluster.dataDir)), [])
    const up = await cluster.up()
    assert.equal(up.code, 6)
    assert.match(up.stderr, /^polypod: no CRI runtime answers at [^\n]*\n$/)
    machine = await startContainerd({ dataDir: machineDir, clock: systemClock, scope, log: () => {} })
    assert.equal((await cluster.up()).code, 0)
  })
})
