// The trace of Pods on real containers, held against an independent look: ps, /proc, and the configuration file itself.
import assert from 'node:assert/strict'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { release } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { OtlpTrace } from '../../src/cli/trace-otlp.ts'
import type { PodTrace } from '../../src/cli/trace-steps.ts'
import { instanceName } from '../../src/node/containerd/instance-paths.ts'
import type { NodeTrace } from '../../src/node/trace/node-trace.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, run, whyNoContainers } from './polypod.ts'

const missing = await whyNoContainers()

const manifest = (handlers: readonly string[]) =>
  handlers
    .map(
      (handler) => `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: class-${handler}}
handler: ${handler}
overhead: {podFixed: {cpu: 10m, memory: 64Mi}}
scheduling: {nodeSelector: {kubernetes.io/os: linux}, tolerations: [{key: boxed, operator: Exists}]}
---
apiVersion: v1
kind: Pod
metadata: {name: on-${handler}}
spec:
  runtimeClassName: class-${handler}
  nodeSelector: {kubernetes.io/arch: ${process.arch === 'x64' ? 'amd64' : process.arch}}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: polypod.dev/busybox:1
    command: [sleep, infinity]
    resources: {limits: {cpu: 100m, memory: 64Mi}}
---
`,
    )
    .join('')

type Told = NodeTrace & { containers: (NodeTrace['containers'][number] & { createMs?: number; startMs?: number })[] }

/** What `ps` says: pid, parent, the program's name, and all it was started with. */
async function processes() {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,args='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return pid === undefined
      ? []
      : [{ pid: Number(pid), parent: Number(parent), args, program: basename(args.split(' ')[0] ?? '') }]
  })
}

describe.skipIf(missing)(`trace on real containers${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let cluster: CliCluster
  let handlers: string[] = []
  const traced = async (pod: string, ...flags: string[]): Promise<PodTrace> => {
    const { stdout, stderr, code } = await polypod('trace', 'pod', pod, '-o', 'json', '--data-dir', cluster.dataDir, ...flags)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as PodTrace
  }
  const shimFacts = (trace: PodTrace): Told => trace.steps[4]?.facts as unknown as Told
  beforeAll(async () => {
    cluster = await cliCluster([])
    const { stdout } = await polypod('runtimes', '-o', 'json', '--data-dir', cluster.dataDir)
    handlers = (JSON.parse(stdout) as { handler: string }[]).map(({ handler }) => handler)
    await cluster.kubectl(['apply', '-f', '-'], manifest(handlers))
    const running = () => cluster.kubectl(['get', 'pods', '-o', 'jsonpath={.items[*].status.phase}'])
    await eventually(async () => (await running()) === handlers.map(() => 'Running').join(' '), 120_000)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('names the shim of each handler and its API, as ps and /proc have them', async () => {
    const all = await processes()
    for (const handler of handlers) {
      const { steps, summary } = await traced(`on-${handler}`)
      const { shim, sandbox, ociRuntime } = shimFacts(await traced(`on-${handler}`))
      assert.ok(shim && sandbox?.process, `${handler}: no shim or sandbox`)
      const own = all.find(({ pid }) => pid === shim.pid)
      const pause = all.find(({ pid }) => pid === sandbox.process?.pid)
      // by the shim's name and by its arguments: v1 is the program without a version, told of a -workdir
      const isFirst = own?.program === 'containerd-shim'
      assert.equal(own?.args.includes(' -workdir '), isFirst, own?.args)
      assert.deepEqual([pause?.parent, shim.api], [shim.pid, isFirst ? 'v1' : 'v2'], `${handler}: ${summary}`)
      assert.equal(shim.api, handler === 'runc-v1' ? 'v1' : 'v2')
      assert.equal(shim.path, await readlink(`/proc/${shim.pid}/exe`))
      // what the shim said of itself when it was asked
      const said = shim.answers.find(({ shimPid }) => shimPid !== undefined)
      assert.deepEqual([said?.shimPid, said?.service.includes('.v1.')], [shim.pid, isFirst])
      assert.ok(ociRuntime?.version, `${handler}: no version of the OCI runtime`)
      assert.deepEqual(
        steps.map(({ state, at }) => [state, at !== undefined]),
        steps.map(() => ['done', true]),
      )
    }
  })

  it('names the containers and the kernel they see', async () => {
    for (const handler of handlers) {
      const { containers, kernel } = shimFacts(await traced(`on-${handler}`))
      const { stdout } = await run('kubectl', ['--kubeconfig', cluster.kubeconfig, 'exec', `on-${handler}`, '--', 'uname', '-r'])
      assert.equal(kernel?.release, stdout.trim())
      assert.equal(kernel?.isNodes, stdout.trim() === release())
      const [main] = containers
      if (handler !== 'gvisor' && handler !== 'kata')
        assert.equal((await readFile(`/proc/${main?.process?.pid}/cmdline`, 'utf8')).split('\0')[0], 'sleep')
      assert.ok((main?.createMs ?? -1) >= 0 && (main?.startMs ?? -1) >= 0, `${handler}: create or start was not timed`)
    }
  })

  it('points at the line of the configuration that names the handler', async () => {
    for (const handler of handlers) {
      const facts = (await traced(`on-${handler}`, '--no-exec')).steps[3]?.facts
      const { file, line, runtimeType } = (facts ?? {}) as unknown as { file: string; line: number; runtimeType: string }
      assert.equal(file, join(cluster.dataDir, 'containerd', 'config.toml'))
      const lines = (await readFile(file, 'utf8')).split('\n')
      assert.match(lines[line - 1] ?? '', new RegExp(`containerd\\.runtimes\\."?${handler}"?\\]$`))
      assert.match(lines.slice(line, line + 4).join('\n'), new RegExp(`runtime_type = "${runtimeType}"`))
    }
  })

  it('tells what the class brought, and not what the Pod asked for itself', async () => {
    const { steps } = await traced('on-runc')
    assert.deepEqual(steps[0]?.facts, {
      ...{ class: 'class-runc', handler: 'runc' },
      merged: {
        overhead: { cpu: '10m', memory: '64Mi' },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'boxed', operator: 'Exists' }],
      },
    })
    const { node, nodes, examined, feasible } = (steps[1]?.facts ?? {}) as Record<string, unknown>
    assert.deepEqual({ nodes, examined, feasible }, { nodes: 1, examined: 1, feasible: 1 })
    assert.equal(node, await cluster.kubectl(['get', 'pod', 'on-runc', '-o', 'jsonpath={.spec.nodeName}']))
  })

  it('is on the Pod where plain kubectl shows it', async () => {
    for (const handler of handlers) {
      const { shim, ociRuntime, sandbox } = shimFacts(await traced(`on-${handler}`, '--no-exec'))
      const path = '{.status.conditions[?(@.type=="polypod.dev/SandboxRuntime")].message}'
      const runtime = `${ociRuntime?.name} ${ociRuntime?.version}`
      assert.equal(
        await cluster.kubectl(['get', 'pod', `on-${handler}`, '-o', `jsonpath=${path}`]),
        `${handler}: ${sandbox?.runtimeType}, ${runtime}, shim ${basename(shim?.path ?? '')} pid ${shim?.pid} (API ${shim?.api})`,
      )
    }
  })

  it('is sent to an OpenTelemetry collector as OTLP/HTTP JSON', async () => {
    const got: { url?: string | undefined; type?: string | undefined; body: OtlpTrace }[] = []
    const collector = createServer((request, response) => {
      void text(request).then((body) => {
        got.push({ url: request.url, type: request.headers['content-type'], body: JSON.parse(body) as OtlpTrace })
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => void collector.once('listening', resolve))
    try {
      const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
      const done = await polypod('trace', 'pod', 'on-runc', '--otlp-endpoint', endpoint, '--data-dir', cluster.dataDir)
      assert.equal(done.code, 0, done.stderr)
      const uid = await cluster.kubectl(['get', 'pod', 'on-runc', '-o', 'jsonpath={.metadata.uid}'])
      const spans = got[0]?.body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)) ?? []
      const steps = ['pod default/on-runc', 'admission', 'scheduling', 'kubelet', 'containerd', 'shim']
      assert.deepEqual([got.length, got[0]?.url, got[0]?.type], [1, '/v1/traces', 'application/json'])
      // an image is pulled beside the sandbox: which call comes first is anybody's guess
      const calls = ['AdmitPod', 'CreateContainer', 'PullImage', 'RunPodSandbox', 'StartContainer']
      const names = spans.map(({ name }) => name)
      assert.deepEqual([...names.slice(0, 6), ...names.slice(6).toSorted((x, y) => x.localeCompare(y))], [...steps, ...calls])
      assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [uid.replaceAll('-', '')])
    } finally {
      collector.close()
    }
  })

  it('shows where a handler that is not configured ends', async () => {
    const node = await cluster.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}'])
    // past the scheduler, which would not have it there
    const spec = `spec: {nodeName: ${node}, runtimeClassName: absent, containers: [{name: main, image: "polypod.dev/busybox:1"}]}`
    const kinds = ['apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: absent}\nhandler: nope']
    await cluster.kubectl(
      ['apply', '-f', '-'],
      [...kinds, `apiVersion: v1\nkind: Pod\nmetadata: {name: lost}\n${spec}`].join('\n---\n'),
    )
    const [, , kubelet, containerd] = await eventually(async () => {
      const { steps } = await traced('lost')
      return steps[2]?.state === 'failed' ? steps : undefined
    })
    assert.match(kubelet?.summary ?? '', /^class absent resolved to handler "nope"; .*no runtime for "nope" is configured/)
    const file = join(cluster.dataDir, 'containerd', 'config.toml')
    assert.equal(containerd?.state, 'failed')
    assert.ok(
      containerd.summary.endsWith(`no table of ${file} names handler "nope": every call for it is refused`),
      containerd.summary,
    )
    await cluster.kubectl(['delete', 'pod', 'lost', '--force', '--grace-period=0', '--wait=false'])
  })

  it('outlives a kubelet that was killed', async () => {
    const before = await traced('on-runc', '--no-exec')
    const pid = Number.parseInt(await readFile(join(cluster.dataDir, 'polypod.lock'), 'utf8'), 10)
    process.kill(pid, 'SIGKILL')
    await eventually(async () => (await readdir(`/proc/${pid}`).catch(() => [])).length === 0)
    const { code, stderr } = await cluster.up()
    assert.equal(code, 0, stderr)
    const stable = ({ steps }: PodTrace) =>
      steps.map(({ name, at, summary }) => (name === 'shim' ? [name, summary] : [name, at, summary]))
    await eventually(async () => (await traced('on-runc', '--no-exec')).steps.every(({ state }) => state === 'done'))
    assert.deepEqual(stable(await traced('on-runc', '--no-exec')), stable(before))
  })

  it('says so by an event when the limits of a Pod do not hold', async () => {
    const uid = await cluster.kubectl(['get', 'pod', 'on-runc', '-o', 'jsonpath={.metadata.uid}'])
    const events = () =>
      cluster.kubectl(['get', 'events', '--field-selector', 'reason=LimitsNotEnforced', '-o', 'jsonpath={.items[*].message}'])
    assert.equal(await events(), '')
    const { stdout } = await run('find', [
      '/sys/fs/cgroup',
      '-type',
      'd',
      '-path',
      `*${instanceName(cluster.dataDir)}*/pod${uid}`,
    ])
    const files = stdout
      .split('\n')
      .flatMap((dir) => [[join(dir, 'memory.limit_in_bytes'), '-1'] as const, [join(dir, 'memory.max'), 'max'] as const])
    const written = await Promise.allSettled(files.map(([file, value]) => writeFile(file, value, { flag: 'r+' })))
    assert.ok(
      written.some(({ status }) => status === 'fulfilled'),
      stdout,
    )
    const { containers } = shimFacts(await traced('on-runc', '--no-exec'))
    process.kill(containers[0]?.process?.pid ?? assert.fail('no process'), 'SIGKILL')
    const found = await eventually(async () => (await events()) || undefined, 30_000)
    assert.equal(found, `the Pod's cgroup has memory limit none in place of ${128 * 1024 * 1024} bytes`)
  })
})
