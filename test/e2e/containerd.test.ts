// Our own containerd, for real: the Runtime contract on it, its shims, crashes, and what it leaves behind (nothing).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { openScope, type Scope } from '../../src/lib/scope.ts'
import { instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { removeContainerd } from '../../src/node/containerd/remove.ts'
import { shimSockets, shimsOf } from '../../src/node/containerd/shims.ts'
import { type Containerd, startContainerd } from '../../src/node/containerd/supervise.ts'
import { criRuntime } from '../../src/node/cri/grpc.ts'
import type { Runtime } from '../../src/node/cri/runtime.ts'
import { runtimeContract } from '../../src/node/cri/runtime.contract.ts'
import { sampleContainer, sampleSandbox } from '../../src/node/cri/sample-config.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { whyNoContainers } from './polypod.ts'

const image = 'polypod.dev/busybox:1'
const cgroupRoots = ['/polypod-e2e']
const never = ['sleep', 'infinity']

const reason = await whyNoContainers()
describe.skipIf(reason)(`containerd${reason ? ` (skipped: ${reason})` : ''}`, realContainerd)

async function start(dataDir: string, scope: Scope, handlers?: string[]): Promise<Containerd> {
  return startContainerd({ dataDir, clock: systemClock, scope, log: () => {}, handlers })
}

function realContainerd(): void {
  runtimeContract('containerd', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const scope = openScope()
    const containerd = await start(dataDir, scope)
    return {
      runtime: criRuntime(containerd.socket),
      handlers: containerd.handlers.map((h) => h.name),
      image,
      cgroupParent: '/polypod-e2e',
      async close() {
        await containerd.stop({ cgroupRoots, purge: true })
        await scope.close()
        await rm(dataDir, { recursive: true })
      },
    }
  })
  describe('containerd of our own', instanceTests)
  describe('two containerds of ours', sideBySide)
  describe('containerd in trouble', faults)
  describe('containerd that cannot start', refusals)
}

interface Running {
  id: string
  sandboxId: string
}

async function runPod(runtime: Runtime, name: string, handler: string): Promise<Running> {
  const sandbox = sampleSandbox(name, { cgroupParent: '/polypod-e2e' })
  const sandboxId = await runtime.runSandbox(sandbox, handler)
  const id = await runtime.createContainer(sandboxId, sampleContainer(sandbox, 'main', image, never), sandbox)
  await runtime.startContainer(id)
  return { id, sandboxId }
}

const parentOf = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
  return basename(readFileSync(`/proc/${parent}/cmdline`, 'utf8').split('\0')[0] ?? '')
}

/** Everything of an instance that another program could stumble over. */
function traces(dataDir: string): string[] {
  const paths = instancePaths(dataDir)
  const links = readdirSync('/sys/class/net').filter((name) => name === paths.bridge)
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const cgroups = readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}${cgroupRoots[0]}`)
  return [
    ...links,
    ...(existsSync('/var/lib/cni/results')
      ? readdirSync('/var/lib/cni/results').filter((name) => name.includes(paths.network))
      : []),
    ...mounts.filter((line) => line.includes(paths.run) || line.includes(dataDir)),
    ...[paths.run, `/sys/fs/cgroup${cgroupRoots[0]}`, ...cgroups].filter((path) => existsSync(path)),
    ...execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(paths.socket)),
  ]
}

function instanceTests(): void {
  let dataDir: string
  let scope: Scope
  let containerd: Containerd
  let runtime: Runtime
  let pods: Running[]

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    scope = openScope()
    containerd = await start(dataDir, scope)
    runtime = criRuntime(containerd.socket)
    pods = []
    for (const { name } of containerd.handlers) pods.push(await runPod(runtime, `pod-${name}`, name))
  })
  afterAll(async () => {
    await runtime.close()
    await removeContainerd({ dataDir, clock: systemClock, log: () => {}, cgroupRoots, purge: true })
    await scope.close()
    await rm(dataDir, { recursive: true })
  })

  it('serves each handler by the shim of its table row', async () => {
    const seen = await Promise.all(
      pods.map(async ({ sandboxId }) => {
        const { runtimeHandler, evidence } = await runtime.sandboxStatus(sandboxId)
        return [runtimeHandler, evidence.runtimeType, parentOf(evidence.pid ?? 0)]
      }),
    )
    assert.deepEqual(
      seen,
      containerd.handlers.map((h) => [h.name, h.runtimeType, basename(h.shim)]),
    )
  })

  it('lets Pods reach each other and the node', async () => {
    const [first, second] = pods
    assert.ok(first && second)
    const { ip } = await runtime.sandboxStatus(second.sandboxId)
    for (const address of [ip, containerd.network.gateway]) {
      const { exitCode, stdout } = await runtime.execSync(first.id, ['ping', '-c', '1', '-W', '3', address], 10)
      assert.equal(exitCode, 0, Buffer.from(stdout).toString())
    }
  })

  it('is taken over by the next start without restarting anything', async () => {
    const again = openScope()
    const second = await start(dataDir, again)
    assert.deepEqual([second.takenOver, second.pid()], [true, containerd.pid()])
    await again.close()
    const states = await Promise.all(pods.map(async ({ id }) => (await runtime.containerStatus(id)).state))
    assert.deepEqual(new Set(states), new Set(['running']))
  })

  it('is started again when it dies, and its Pods live on', async () => {
    const pid = containerd.pid()
    const started = await Promise.all(pods.map(async ({ id }) => (await runtime.containerStatus(id)).startedAt))
    process.kill(pid, 'SIGKILL')
    await eventually(() => containerd.pid() !== pid)
    const after = await eventually(() => Promise.all(pods.map(({ id }) => runtime.containerStatus(id))))
    assert.deepEqual(
      after.map((s) => [s.state, s.startedAt]),
      started.map((at) => ['running', at]),
    )
    for (const { id } of pods) assert.equal((await runtime.execSync(id, ['true'], 10)).exitCode, 0)
  })

  it('is started again when it dies after it was taken over', async () => {
    await scope.close()
    scope = openScope()
    containerd = await start(dataDir, scope)
    const pid = containerd.pid()
    process.kill(pid, 'SIGKILL')
    await eventually(() => containerd.pid() !== pid)
    await eventually(async () => (await runtime.version()).name)
  })

  it('opens a host port', async (test) => {
    const { noHostPorts } = containerd.network
    if (noHostPorts) test.skip(`this machine cannot forward host ports: ${noHostPorts}`)
    const hostPort = await freePort()
    const sandbox = sampleSandbox('pod-port', { cgroupParent: '/polypod-e2e' })
    sandbox.portMappings = [{ protocol: 'TCP', containerPort: 80, hostPort, hostIp: '' }]
    const sandboxId = await runtime.runSandbox(sandbox, '')
    const serve = ['sh', '-c', 'echo here > /tmp/a; httpd -f -p 80 -h /tmp']
    await runtime.startContainer(
      await runtime.createContainer(sandboxId, sampleContainer(sandbox, 'main', image, serve), sandbox),
    )
    const said = await eventually(async () => (await fetch(`http://127.0.0.1:${hostPort}/a`)).text())
    assert.equal(said, 'here\n')
  })

  it('is replaced, and its Pods live on, when the configuration changes', async () => {
    const other = openScope()
    await scope.close()
    const pid = containerd.pid()
    containerd = await start(dataDir, other, ['runc'])
    scope = other
    assert.deepEqual([containerd.takenOver, containerd.foundContainers, containerd.pid() === pid], [false, true, false])
    const [first] = pods
    assert.equal((await runtime.containerStatus(first?.id ?? '')).state, 'running')
    await other.close()
    scope = openScope()
    containerd = await start(dataDir, scope)
  })

  it('is cleared away with all its Pods, even when it can no longer help', async () => {
    assert.equal((await shimsOf(instancePaths(dataDir))).length > 0, true)
    const sockets = await shimSockets(instancePaths(dataDir))
    assert.ok(sockets.length > 0 && sockets.every((path) => existsSync(path)))
    await scope.close()
    process.kill(containerd.pid(), 'SIGKILL')
    await removeContainerd({ dataDir, clock: systemClock, log: () => {}, cgroupRoots })
    // the kernel takes a network namespace apart in its own time
    await eventually(() => traces(dataDir).length === 0).catch(() => assert.deepEqual(traces(dataDir), []))
    assert.deepEqual(
      sockets.filter((path) => existsSync(path)),
      [],
    )
  })

  it('starts anew from the same data directory, and leaves nothing when it is stopped', async () => {
    scope = openScope()
    containerd = await start(dataDir, scope)
    const pod = await runPod(runtime, 'pod-again', '')
    assert.equal((await runtime.containerStatus(pod.id)).state, 'running')
    const paths = instancePaths(dataDir)
    const sockets = await shimSockets(paths)
    assert.ok(sockets.length > 0)
    // containerd forgets a shim that was killed, and where its socket is
    for (const pid of await shimsOf(paths)) process.kill(pid, 'SIGKILL')
    await eventually(async () => (await shimSockets(paths)).length === 0)
    await containerd.stop({ cgroupRoots })
    await eventually(() => traces(dataDir).length === 0).catch(() => assert.deepEqual(traces(dataDir), []))
    assert.deepEqual(
      sockets.filter((path) => existsSync(path)),
      [],
    )
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function sideBySide(): void {
  it('do not disturb each other', async () => {
    const scope = openScope()
    const dirs = [await mkdtemp(join(tmpdir(), 'polypod-e2e-')), await mkdtemp(join(tmpdir(), 'polypod-e2e-'))]
    const [a, b] = await Promise.all(dirs.map((dataDir) => start(dataDir, scope)))
    assert.ok(a && b)
    const runtime = criRuntime(b.socket)
    const onA = criRuntime(a.socket)
    await runPod(onA, 'pod-a', '')
    const { id } = await runPod(runtime, 'pod-a', '')
    await onA.close()
    await a.stop({ purge: true })
    const { state } = await runtime.containerStatus(id)
    await runtime.close()
    await b.stop({ cgroupRoots, purge: true })
    await scope.close()
    assert.deepEqual([state, a.network.subnet === b.network.subnet], ['running', false])
    for (const dir of dirs) {
      await eventually(() => traces(dir).length === 0).catch(() => assert.deepEqual(traces(dir), []))
      await rm(dir, { recursive: true })
    }
  })
}

function faults(): void {
  it("refuses a sandbox whose shim has vanished, in containerd's words, and goes on serving others", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const shim = join(dataDir, 'containerd-shim-kata-v2')
    await writeFile(shim, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const path = process.env['PATH']
    process.env['PATH'] = `${dataDir}:${path}`
    const scope = openScope()
    try {
      const containerd = await start(dataDir, scope, ['runc', 'kata'])
      const runtime = criRuntime(containerd.socket)
      await rm(shim)
      await assert.rejects(runPod(runtime, 'gone', 'kata'), /"containerd-shim-kata-v2".*not/)
      const { id } = await runPod(runtime, 'there', 'runc')
      assert.equal((await runtime.containerStatus(id)).state, 'running')
      await runtime.close()
      await containerd.stop({ cgroupRoots, purge: true })
    } finally {
      process.env['PATH'] = path
      await scope.close()
      await rm(dataDir, { recursive: true })
    }
  })

  it('survives being killed while it starts', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const paths = instancePaths(dataDir)
    const scope = openScope()
    const starting = start(dataDir, scope)
    const pid = await eventually(async () => JSON.parse(await readFile(paths.process, 'utf8')).pid as number)
    process.kill(pid, 'SIGKILL')
    const containerd = await starting
    assert.notEqual(containerd.pid(), pid)
    await containerd.stop({ purge: true })
    await scope.close()
    await rm(dataDir, { recursive: true })
  })
}

function refusals(): void {
  it('names the handlers this machine has no runtime for', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const scope = openScope()
    await assert.rejects(start(dataDir, scope, ['runc', 'nope']), { message: 'no runtime on this machine for handler nope' })
    await removeContainerd({ dataDir, clock: systemClock, log: () => {} })
    await rm(dataDir, { recursive: true })
  })

  it("says in containerd's own words why it ended", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const paths = instancePaths(dataDir)
    const scope = openScope()
    // a file where containerd needs a folder
    execFileSync('mkdir', ['-p', paths.dir])
    await writeFile(paths.root, '')
    await assert.rejects(start(dataDir, scope), /containerd ended at once:\n.*not a directory/)
    await removeContainerd({ dataDir, clock: systemClock, log: () => {}, purge: true })
    await rm(dataDir, { recursive: true })
  })

  it('keeps the Pod network it once chose', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    const scope = openScope()
    const options = { dataDir, clock: systemClock, scope, log: () => {}, network: { subnet: '10.127.200.0/24' } }
    const first = await startContainerd(options)
    await first.stop()
    const again = await start(dataDir, scope)
    await again.stop()
    await scope.close()
    const conflist = await readFile(join(instancePaths(dataDir).cniConf, '10-polypod.conflist'), 'utf8')
    await rm(dataDir, { recursive: true })
    assert.deepEqual([first.network.subnet, again.network.subnet], ['10.127.200.0/24', '10.127.200.0/24'])
    assert.equal(JSON.parse(conflist).plugins[0].bridge, instancePaths(dataDir).bridge)
  })
}
