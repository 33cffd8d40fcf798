// Handlers proved on real containers: what a fresh cluster says of them, and what happens when a runtime's binary goes and comes back.
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Node } from '../../src/api/core/node.ts'
import type { NodeHandler } from '../../src/api/polypod/node-handler.ts'
import { criRuntime } from '../../src/node/cri/grpc.ts'
import { instanceName, instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, run, whyNoContainers } from './polypod.ts'

const crunPath = (await run('/bin/sh', ['-c', 'command -v crun'])).stdout.trim()
const why = (await whyNoContainers()) ?? (crunPath === '' ? 'no crun on this machine' : undefined)

const crunClass = 'apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: crun }\nhandler: crun\n'
const pod = (name: string, runtimeClass?: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
${runtimeClass === undefined ? '' : `  runtimeClassName: ${runtimeClass}\n`}  containers:
    - { name: main, image: 'polypod.dev/busybox:1', command: [sleep, infinity] }
`

const handlersNow = async (cluster: CliCluster) => {
  const { items } = JSON.parse(await cluster.kubectl(['get', 'nh', '-n', 'polypod-system', '-o', 'json'])) as {
    items: NodeHandler[]
  }
  return new Map(items.map((one) => [one.spec.handler, one]))
}
const readyOf = ({ status }: NodeHandler) => status.conditions?.find(({ type }) => type === 'Ready')
const nodeNow = async (cluster: CliCluster) =>
  (JSON.parse(await cluster.kubectl(['get', 'nodes', '-o', 'json'])) as { items: Node[] }).items[0] ?? assert.fail()
const versionOf = async (binary: string) => / version (\S+)/.exec((await run(binary, ['--version'])).stdout)?.[1]

describe.skipIf(why !== undefined)(`handlers on real containers${why ? ` (skipped: ${why})` : ''}`, () => {
  const path = process.env['PATH']
  let cluster: CliCluster
  let dir: string
  let crun: string

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'polypod-bin-'))
    // a crun of our own, so that it can go without harm to the machine
    crun = join(dir, 'crun')
    await copyFile(crunPath, crun)
    process.env['PATH'] = `${dir}:${path}`
    cluster = await cliCluster([])
  }, 60_000)
  afterAll(async () => {
    process.env['PATH'] = path
    await cluster[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }, 60_000)

  const allProved = () =>
    eventually(async () => {
      const found = await handlersNow(cluster)
      const ready = [...found.values()].filter((one) => readyOf(one)?.status === 'True')
      return found.size > 0 && ready.length === found.size ? found : undefined
    }, 30_000)

  it('are proved on a fresh cluster, with what is behind them', async () => {
    const found = await allProved()
    const { shim, ociRuntime, configuration, canary, runtimeType, features } = found.get('crun')?.status ?? assert.fail()
    const { metadata, status } = await nodeNow(cluster)
    const offered = (status.runtimeHandlers ?? []).map(({ name }) => name)
    assert.deepEqual(['', ...[...found.keys()].sort()], offered)
    for (const handler of found.keys()) assert.equal(metadata.labels?.[`handler.polypod.dev/${handler}`], 'ready')
    assert.deepEqual(
      [...found.values()]
        .filter((one) => (one.status.ociRuntime?.version ?? one.status.shim?.version) === undefined)
        .map(({ spec }) => spec.handler),
      [],
    )
    // shim API v1 is gone in containerd 2.0
    if (/:\/\/1\./.test(status.nodeInfo.containerRuntimeVersion)) {
      const { runtimeType: type, shim: old } = found.get('runc-v1')?.status ?? assert.fail()
      assert.deepEqual(
        [type, old?.apiVersion, old?.path?.split('/').at(-1)],
        ['io.containerd.runtime.v1.linux', 'v1', 'containerd-shim'],
      )
    }
    assert.deepEqual(
      { runtimeType, shim: shim?.path?.split('/').at(-1), api: shim?.apiVersion, ociRuntime },
      {
        runtimeType: 'io.containerd.runc.v2',
        shim: 'containerd-shim-runc-v2',
        api: 'v2',
        ociRuntime: { path: crun, version: await versionOf(crun) },
      },
    )
    assert.equal(found.get('runc')?.status.isDefault, true)
    assert.equal(found.get('runc')?.status.ociRuntime?.version, await versionOf('/usr/sbin/runc'))
    assert.deepEqual([canary?.result, canary?.trigger], ['Succeeded', 'Start'])
    // containerd 1.x does not tell
    const tells = !/:\/\/1\./.test(status.nodeInfo.containerRuntimeVersion)
    assert.equal(typeof features?.userNamespaces, tells ? 'boolean' : 'undefined')
    const { config } = instancePaths(cluster.dataDir)
    const line = (await run('grep', ['-n', 'runtimes.crun\\]', config])).stdout.split(':')[0]
    assert.deepEqual(configuration, { file: config, line: Number(line) })
  })

  it('show as a table', async () => {
    const kubectl = cluster.kubectl.bind(cluster)
    const [head = '', ...rows] = (await kubectl(['get', 'nodehandlers', '-n', 'polypod-system'])).trim().split('\n')
    const columns = ['NAME', 'TYPE', 'SHIM', 'API', 'RUNTIME', 'VERSION', 'DEFAULT', 'READY', 'LAST PROVED', 'AGE']
    assert.deepEqual(head.trim().split(/ {2,}/), columns)
    assert.match(
      rows.find((row) => /\.runc /.test(row)) ?? '',
      /\.runc +io\.containerd\.runc\.v2 +containerd-shim-runc-v2 +v2 +runc +\S+ +\* +True +\d+s ago +\d+s$/,
    )
    const { stdout } = await polypod('runtimes', '--data-dir', cluster.dataDir)
    assert.match(stdout, /crun +io\.containerd\.runc\.v2 +containerd-shim-runc-v2 +crun +\S+ +- +yes/)
  })

  it('are no Pods to anybody, and leave nothing behind', async () => {
    assert.equal((await cluster.kubectl(['get', 'pods', '-A', '-o', 'name'])).trim(), '')
    const metrics = await cluster.kubectl(['get', '--raw', '/metrics'])
    assert.doesNotMatch(metrics, /kubelet_run_podsandbox_duration_seconds_count/)
    assert.match(metrics, /^polypod_handler_ready\{node="[^"]+",handler="crun"\} 1$/m)
    assert.equal((await polypod('runtimes', '--pods', '--data-dir', cluster.dataDir)).stdout.trim().split('\n').length, 1)
    const { socket, id, bridge, state } = instancePaths(cluster.dataDir)
    const runtime = criRuntime(socket)
    try {
      assert.deepEqual(await runtime.listSandboxes(), [])
    } finally {
      await runtime.close()
    }
    const left = async (command: string, args: string[], about: string) =>
      (await run(command, args)).stdout.split('\n').filter((line) => line.includes(about))
    const cgroups = await left(
      'find',
      ['/sys/fs/cgroup', '-path', `*${instanceName(cluster.dataDir)}*`, '-type', 'd'],
      'kubepods/',
    )
    // runsc keeps an empty network namespace for all that it will ever run
    assert.deepEqual(
      {
        shims: (await left('ps', ['-eo', 'args'], `-address ${socket}`)).filter((line) => line.includes('containerd-shim')),
        networks: await left('ip', ['-o', 'link'], `master ${bridge}`),
        mounts: (await left('cat', ['/proc/self/mountinfo'], id)).filter(
          (line) => line.includes(`${state}/`) && !line.includes('/null-netns '),
        ),
        // of the tree of Pods: levels alone
        cgroups: cgroups.filter((folder) => !/\/(burstable|besteffort)$/.test(folder)),
      },
      { shims: [], networks: [], mounts: [], cgroups: [] },
    )
  })

  it('become RuntimeClasses, but for those that somebody made', async () => {
    const kubectl = cluster.kubectl.bind(cluster)
    await kubectl(['apply', '-f', '-'], `${crunClass}overhead: { podFixed: { memory: 1Mi } }\n`)
    const classes = (...flags: string[]) => polypod('runtimes', 'classes', '--data-dir', cluster.dataDir, ...flags)
    const yaml = (await classes()).stdout
    assert.match(yaml, /^# crun: not made: RuntimeClass crun names it already$/m)
    assert.match(await kubectl(['apply', '--dry-run=server', '-f', '-'], yaml), /^runtimeclass.node.k8s.io\/runc created/m)
    assert.match((await classes('--create')).stdout, /^crun +not created .*\n(gvisor .*\n)?runc +created /m)
    assert.match((await classes('--create')).stdout, /^crun +not created .*\n(gvisor .*\n)?runc +not created /m)
    const shown = await kubectl([
      'get',
      'runtimeclass',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name} {.handler} {.overhead.podFixed.memory}{"\\n"}{end}',
    ])
    assert.match(shown, /^crun crun 1Mi\n(gvisor gvisor \n)?runc runc \n/)
    await kubectl(['delete', 'runtimeclass', '--all'])
  })

  it('turn not ready within a minute when the binary goes; Pods wait, and run when it is back', async () => {
    const kubectl = cluster.kubectl.bind(cluster)
    await kubectl(['apply', '-f', '-'], `${crunClass}---\n${pod('before', 'crun')}`)
    await kubectl(['wait', '--for=condition=Ready', '--timeout=30s', 'pod/before'])
    await rename(crun, `${crun}.away`)
    const gone = `crun: executable not found at ${crun}`
    await eventually(async () => {
      const one = (await handlersNow(cluster)).get('crun') ?? assert.fail()
      const { status, reason, message } = readyOf(one) ?? assert.fail()
      assert.deepEqual([status, reason, message], ['False', 'BinaryNotFound', gone])
      return true
    }, 60_000)
    await kubectl(['apply', '-f', '-'], `${pod('waiting', 'crun')}---\n${pod('other')}`)
    const filter = 'involvedObject.name=waiting,reason=FailedScheduling'
    const message = await eventually(
      async () =>
        (await kubectl(['get', 'events', '--field-selector', filter, '-o', 'jsonpath={.items[0].message}'])) || undefined,
    )
    assert.ok(
      message.startsWith(`0/1 nodes are available: 1 node(s) where runtime handler "crun" is not ready (${gone}).`),
      message,
    )
    // other handlers go on, and so do Pods that run
    await kubectl(['wait', '--for=condition=Ready', '--timeout=30s', 'pod/other', 'pod/before'])
    const pending = await kubectl(['get', 'pod', 'waiting', '-o', 'jsonpath={.status.phase}{.spec.nodeName}'])
    assert.equal(pending, 'Pending')
    assert.match((await polypod('runtimes', '--data-dir', cluster.dataDir)).stdout, /no: crun: executable not found/)
    await rename(`${crun}.away`, crun)
    await kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod/waiting'])
    await allProved()
    const events = await kubectl(['get', 'events', '-o', 'jsonpath={range .items[*]}{.reason}{"\\n"}{end}'])
    assert.deepEqual(
      ['HandlerNotReady', 'HandlerReady'].map((reason) => events.split('\n').includes(reason)),
      [true, true],
    )
  }, 180_000)

  it('are found broken by a Pod that could not start, in words of the runtime', async () => {
    const kubectl = cluster.kubectl.bind(cluster)
    const real = `${crun}.real`
    await rename(crun, real)
    // there, and of no use; put in one step, as package managers do
    await run('/bin/sh', [
      '-c',
      `printf '#!/bin/sh\\nexit 3\\n' > ${crun}.new && chmod 755 ${crun}.new && mv ${crun}.new ${crun}`,
    ])
    await kubectl(['apply', '-f', '-'], pod('unlucky', 'crun'))
    const one = await eventually(async () => {
      const found = (await handlersNow(cluster)).get('crun')
      return found && readyOf(found)?.status === 'False' ? found : undefined
    }, 60_000)
    assert.equal(readyOf(one)?.reason, 'CanaryFailed')
    assert.match(one.status.canary?.message ?? '', /failed to create containerd task|OCI runtime create failed/)
    await rename(real, crun)
    await kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod/unlucky'])
    await allProved()
  }, 180_000)
})
