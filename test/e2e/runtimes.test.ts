// Pods on the runtime they ask for: real kubectl, real containerd, every handler of this machine.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Pod } from '../../src/api/core/pod.ts'
import { instanceName, instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { shimsOf } from '../../src/node/containerd/shims.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, run, whyNoContainers } from './polypod.ts'

const why = await whyNoContainers()

const runtimeClass = (name: string, handler: string, more = '') =>
  `apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: ${name} }\nhandler: ${handler}\n${more}`

interface PodWish {
  runtimeClass?: string
  resources?: string
  /** Lines under `spec:`, two blanks deep. */
  spec?: string
}

const pod = (name: string, { runtimeClass: rc, resources = '{}', spec = '' }: PodWish = {}) => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
${rc === undefined ? '' : `  runtimeClassName: ${rc}\n`}${spec}  containers:
    - name: main
      image: polypod.dev/busybox:1
      command: [sh, -c, 'echo hello; exec sleep infinity']
      resources: ${resources}
`

const podNow = async (cluster: CliCluster, name: string) =>
  JSON.parse(await cluster.kubectl(['get', 'pod', name, '-o', 'json'])) as Pod
const podsNow = async (cluster: CliCluster) =>
  (JSON.parse(await cluster.kubectl(['get', 'pods', '-o', 'json'])) as { items: Pod[] }).items

/** What a cgroup file of the Pod says, on v1 or v2. */
async function cgroupFile(
  cluster: CliCluster,
  uid: string,
  files: { v1: [controller: string, file: string]; v2: string },
): Promise<string> {
  const root = instanceName(cluster.dataDir)
  const v1 = join('/sys/fs/cgroup', files.v1[0], root)
  const base = await readdir(v1).then(
    () => v1,
    () => join('/sys/fs/cgroup', root),
  )
  const folders = await readdir(base, { recursive: true })
  const folder = folders.find((path) => path.endsWith(`pod${uid}`))
  assert.ok(folder, `no cgroup of Pod ${uid} under ${base}`)
  return (await readFile(join(base, folder, base === v1 ? files.v1[1] : files.v2), 'utf8')).trim()
}

describe.skipIf(why !== undefined)(`a cluster on real containers${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: CliCluster
  let handlers: string[]
  beforeAll(async () => {
    cluster = await cliCluster([])
    handlers = (await cluster.status()).nodes[0]?.handlers ?? []
    await cluster.kubectl(['apply', '-f', '-'], handlers.map((h) => runtimeClass(h, h)).join('---\n'))
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

  const ready = (...names: string[]) =>
    cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', ...names.map((n) => `pod/${n}`)])

  it('runs Pods of every class side by side, each behind the shim of its handler', async () => {
    const names = handlers.map((h) => `on-${h}`)
    await cluster.kubectl(['apply', '-f', '-'], handlers.map((h) => pod(`on-${h}`, { runtimeClass: h })).join('---\n'))
    await ready(...names)
    const evidence = JSON.parse((await polypod('runtimes', '--pods', '-o', 'json', '--data-dir', cluster.dataDir)).stdout) as {
      name: string
      handler: string
      shim: { path: string; pid: number }
      ociRuntime: string
    }[]
    const shims = new Map(
      evidence.map((e) => [e.name, [e.handler, e.shim.path.split('/').at(-1), e.ociRuntime.split('/').at(-1)]]),
    )
    const want: Record<string, string[]> = {
      runc: ['runc', 'containerd-shim-runc-v2', 'runc'],
      'runc-v1': ['runc-v1', 'containerd-shim', 'runc'],
      crun: ['crun', 'containerd-shim-runc-v2', 'crun'],
      gvisor: ['gvisor', 'containerd-shim-runsc-v1', 'runsc'],
    }
    for (const handler of handlers.filter((h) => h in want)) assert.deepEqual(shims.get(`on-${handler}`), want[handler])
    const { stdout: processes } = await run('ps', ['-eo', 'pid,comm,args'])
    for (const { shim } of evidence) assert.match(processes, new RegExp(`^ *${shim.pid} containerd-shim`, 'm'))
  })

  it('runs a Pod without a class on the default handler', async () => {
    await cluster.kubectl(['apply', '-f', '-'], pod('plain'))
    await ready('plain')
    assert.equal(await cluster.kubectl(['logs', 'plain']), 'hello\n')
    assert.match(await cluster.kubectl(['exec', 'plain', '--', 'sh', '-c', 'echo $((6*7))']), /^42$/m)
  })

  it('refuses an unknown class', async () => {
    await assert.rejects(
      cluster.kubectl(['apply', '-f', '-'], pod('lost', { runtimeClass: 'nope' })),
      /pods "lost" is forbidden: pod rejected: RuntimeClass "nope" not found/,
    )
  })

  it('merges overhead and scheduling, schedules with them, and leaves the Pod alone when the class goes', async () => {
    const more = 'overhead: { podFixed: { cpu: 10m, memory: 1Mi } }\nscheduling: { nodeSelector: { kubernetes.io/os: linux } }\n'
    await cluster.kubectl(
      ['apply', '-f', '-'],
      `${runtimeClass('costly', 'runc', more)}---\n${pod('paying', { runtimeClass: 'costly' })}`,
    )
    await ready('paying')
    const { spec } = await podNow(cluster, 'paying')
    assert.deepEqual([spec.overhead, spec.nodeSelector], [{ cpu: '10m', memory: '1Mi' }, { 'kubernetes.io/os': 'linux' }])
    await cluster.kubectl(['patch', 'runtimeclass', 'costly', '--type=merge', '-p', '{"overhead":{"podFixed":{"cpu":"1"}}}'])
    await cluster.kubectl(['delete', 'runtimeclass', 'costly'])
    const after = await podNow(cluster, 'paying')
    assert.deepEqual([after.spec, after.status.phase], [spec, 'Running'])
  })

  it('sizes the Pod cgroup of a Guaranteed Pod with overhead', async () => {
    const more = 'overhead: { podFixed: { cpu: 200m, memory: 140Mi } }\n'
    const resources = '{ requests: { cpu: 100m, memory: 100Mi }, limits: { cpu: 100m, memory: 100Mi } }'
    await cluster.kubectl(
      ['apply', '-f', '-'],
      `${runtimeClass('runv', 'runc', more)}---\n${pod('golden', { runtimeClass: 'runv', resources })}`,
    )
    await ready('golden')
    const { metadata, status } = await podNow(cluster, 'golden')
    assert.equal(status.qosClass, 'Guaranteed')
    const quota = await cgroupFile(cluster, metadata.uid ?? '', { v1: ['cpu', 'cpu.cfs_quota_us'], v2: 'cpu.max' })
    const limit = await cgroupFile(cluster, metadata.uid ?? '', { v1: ['memory', 'memory.limit_in_bytes'], v2: 'memory.max' })
    assert.deepEqual([quota.split(' ')[0], limit], ['30000', '251658240'])
  })

  it('keeps a Pod pending, and says so, when no node offers its handler', async () => {
    await cluster.kubectl(
      ['apply', '-f', '-'],
      `${runtimeClass('missing', 'nowhere')}---\n${pod('waiting', { runtimeClass: 'missing' })}`,
    )
    const events = await eventually(async () => {
      const text = await cluster.kubectl([
        'get',
        'events',
        '--field-selector',
        'involvedObject.name=waiting',
        '-o',
        'jsonpath={.items[*].message}',
      ])
      return text.includes('0/1 nodes') ? text : undefined
    })
    assert.match(events, /0\/1 nodes are available: 1 node\(s\) .*handler "nowhere" of RuntimeClass "missing"/)
    const { spec, status } = await podNow(cluster, 'waiting')
    assert.deepEqual([spec.nodeName, status.phase], [undefined, 'Pending'])
    await cluster.kubectl(['delete', 'pod', 'waiting'])
  })

  it('lets a terminal in, and follows a log', async () => {
    const { stdout } = await run('script', [
      '-qec',
      `kubectl --kubeconfig ${cluster.kubeconfig} exec -it plain -- sh -c 'test -t 0 && echo terminal'`,
      '/dev/null',
    ])
    assert.match(stdout, /terminal/)
    const job = pod('counter', { spec: '  restartPolicy: Never\n' }).replace(
      'echo hello; exec sleep infinity',
      'for i in 1 2 3; do echo line $i; sleep 0.2; done',
    )
    await cluster.kubectl(['apply', '-f', '-'], job)
    await eventually(async () => (await podNow(cluster, 'counter')).status.phase !== 'Pending', 20_000)
    assert.equal(await cluster.kubectl(['logs', '-f', 'counter']), 'line 1\nline 2\nline 3\n')
    await eventually(async () => (await podNow(cluster, 'counter')).status.phase === 'Succeeded', 20_000)
  })
})

describe.skipIf(why !== undefined)(`the upstream scheduler profile${why ? ` (skipped: ${why})` : ''}`, () => {
  it('binds a Pod no node can run, whose sandbox then fails in words that name the handler', async () => {
    await using cluster = await cliCluster(['--scheduler-profile', 'upstream'])
    await cluster.kubectl(
      ['apply', '-f', '-'],
      `${runtimeClass('missing', 'nowhere')}---\n${pod('stuck', { runtimeClass: 'missing' })}`,
    )
    const message = await eventually(async () => {
      const filter = 'involvedObject.name=stuck,reason=FailedCreatePodSandBox'
      return (
        (await cluster.kubectl(['get', 'events', '--field-selector', filter, '-o', 'jsonpath={.items[0].message}'])) || undefined
      )
    }, 20_000)
    assert.match(message, /no runtime for "nowhere" is configured/)
    const { spec, status } = await podNow(cluster, 'stuck')
    assert.deepEqual([typeof spec.nodeName, status.phase], ['string', 'Pending'])
  })
})

describe.skipIf(why !== undefined)(`kill -9 of up${why ? ` (skipped: ${why})` : ''}`, () => {
  it('under load of 20 Pods loses no acknowledged object, and restarts no container', async () => {
    await using cluster = await cliCluster([])
    const names = Array.from({ length: 20 }, (_, i) => `load-${i}`)
    await cluster.kubectl(['apply', '-f', '-'], names.map((name) => pod(name)).join('---\n'))
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', ...names.map((n) => `pod/${n}`)])
    const containers = async () => {
      const loaded = (await podsNow(cluster)).filter((p) => names.includes(p.metadata.name))
      return loaded.map(({ metadata, status: { containerStatuses } }) => {
        const [main] = containerStatuses ?? []
        return [metadata.name, main?.containerID, main?.restartCount]
      })
    }
    const before = await containers()
    const { pid } = await cluster.status()
    assert.ok(pid)
    // writes go on while it is killed; what was acknowledged must be there afterwards
    const acknowledged: string[] = []
    const writing = (async () => {
      for (let i = 0; ; i++) {
        try {
          await cluster.kubectl(['create', 'configmap', `written-${i}`])
          acknowledged.push(`written-${i}`)
        } catch {
          return
        }
      }
    })()
    await eventually(() => acknowledged.length >= 3)
    process.kill(pid, 'SIGKILL')
    await writing
    assert.equal((await cluster.up()).code, 0)
    const after = await containers()
    assert.deepEqual(after, before)
    const maps = (await cluster.kubectl(['get', 'configmaps', '-o', 'name'])).split('\n')
    assert.deepEqual(
      acknowledged.filter((name) => !maps.includes(`configmap/${name}`)),
      [],
    )
    // and still after the node has gone on to other work
    await cluster.kubectl(['apply', '-f', '-'], pod('next'))
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod/next'])
    assert.deepEqual(await containers(), before)
    const paths = instancePaths(cluster.dataDir)
    await cluster.down()
    await assertNothingLeft(paths.id, paths.bridge)
  }, 240_000)

  it('leaves the rest to down, which leaves nothing behind', async () => {
    await using cluster = await cliCluster([])
    const handlers = (await cluster.status()).nodes[0]?.handlers ?? []
    const objects = handlers.flatMap((h) => [runtimeClass(h, h), pod(`orphan-${h}`, { runtimeClass: h })])
    await cluster.kubectl(['apply', '-f', '-'], objects.join('---\n'))
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', ...handlers.map((h) => `pod/orphan-${h}`)])
    const { pid } = await cluster.status()
    process.kill(pid ?? 0, 'SIGKILL')
    const paths = instancePaths(cluster.dataDir)
    const { pid: containerdPid } = JSON.parse(await readFile(paths.process, 'utf8')) as { pid: number }
    const { running, remains } = await eventually(async () => {
      const found = await cluster.status()
      return found.running ? undefined : found
    })
    assert.deepEqual([running, remains], [false, { criSocket: paths.socket, containerdPid, pods: handlers.length }])
    const status = () => polypod('status', '--data-dir', cluster.dataDir)
    const said = (...facts: string[]) =>
      [
        `No cluster runs in ${cluster.dataDir}, but one that was killed has left running:`,
        ...facts,
        'Take that over with `polypod up`, or end it with `polypod down`.\n',
      ].join('\n')
    const socket = `CRI socket: ${paths.socket}`
    const { code, stdout } = await status()
    assert.deepEqual([code, stdout], [8, said(`Containerd: pid ${containerdPid}`, socket, `Pods:       ${handlers.length}`)])
    process.kill(containerdPid, 'SIGKILL')
    const shimsAlone = said(socket, 'Pods:       some, their runtime gives no answer')
    await eventually(async () => (await status()).stdout === shimsAlone)
    // an up that fails has no say over them
    const ca = join(cluster.dataDir, 'pki', 'ca.pem')
    const right = await readFile(ca)
    await writeFile(ca, 'wrong')
    const shims = await shimsOf(paths)
    assert.equal((await cluster.up()).code, 7)
    assert.deepEqual(await shimsOf(paths), shims)
    await writeFile(ca, right)
    assert.match((await cluster.down()).stdout, /^no cluster was running in /)
    await assertNothingLeft(paths.id, paths.bridge)
    assert.equal((await cluster.status()).remains, undefined)
  })
})

async function assertNothingLeft(id: string, bridge: string): Promise<void> {
  const { stdout: processes } = await run('ps', ['-eo', 'args'])
  const { stdout: mounts } = await run('cat', ['/proc/self/mountinfo'])
  const { stdout: links } = await run('ip', ['-o', 'link'])
  const { stdout: cgroups } = await run('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-name', `*${id}*`])
  assert.deepEqual(
    {
      processes: processes.split('\n').filter((line) => line.includes(id)),
      mounts: mounts.split('\n').filter((line) => line.includes(id)),
      links: links.split('\n').filter((line) => line.includes(bridge)),
      cgroups: cgroups.trim(),
    },
    { processes: [], mounts: [], links: [], cgroups: '' },
  )
}
