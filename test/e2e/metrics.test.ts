// metrics.k8s.io through kubectl top, on simulated nodes whose Pods use what their annotations say.
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { type PodMetrics, sandboxUsageAnnotation } from '../../src/api/metrics/resource-metrics.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import type { ObjectOf } from '../../src/api/kind.ts'
import { clientFromKubeconfig, type HttpClient } from '../../src/client/http.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { objectOf } from '../../src/testing/control-plane.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { run } from './polypod.ts'

const overhead = { podFixed: { cpu: '150m', memory: '120Mi' } }
const usage = 'simulated.polypod.dev'
const mi = 1024 * 1024
const metricsPath = '/apis/metrics.k8s.io/v1beta1'
const binaries = await kubectlBinaries()

let cluster: Cluster
let http: HttpClient

/** Container `main` uses 200m and 64Mi, `side` 50m and 32Mi; the sandbox what its class costs. */
async function startPod(name: string, className: string, sandbox: { cpu: number; memory: number }): Promise<void> {
  const annotations = {
    ...{ [`${usage}/cpu-millicores.main`]: '200', [`${usage}/memory-bytes.main`]: String(64 * mi) },
    ...{ [`${usage}/cpu-millicores.side`]: '50', [`${usage}/memory-bytes.side`]: String(32 * mi) },
    ...{ [`${usage}/sandbox-cpu-millicores`]: String(sandbox.cpu), [`${usage}/sandbox-memory-bytes`]: String(sandbox.memory) },
  }
  const containers = ['main', 'side'].map((container) => ({ name: container, image: 'i' }))
  const metadata = { name, namespace: 'default', labels: { app: name }, annotations }
  await cluster.client.create(Pod, objectOf(Pod, { metadata, spec: { runtimeClassName: className, containers } }))
}

beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, handlers: ['runc', 'kata'] })
  http = await clientFromKubeconfig(cluster.kubeconfig)
  for (const name of ['runc', 'kata'])
    await cluster.client.create(
      RuntimeClass,
      objectOf(RuntimeClass, { metadata: { name }, handler: name, ...(name === 'kata' ? { overhead } : {}) }),
    )
  await startPod('plain', 'runc', { cpu: 0, memory: 0 })
  await startPod('boxed', 'kata', { cpu: 120, memory: 90 * mi })
  await eventually(async () => (await cluster.client.list(Pod)).items.every(({ status }) => status.phase === 'Running'))
  // counters of a simulated container are exact; startedAt is cut to whole seconds, so that the first second shows too much
  await eventually(async () => {
    const found = await metricsOf('plain')
    return Number.parseFloat(found.window) > 3
  })
})
afterAll(async () => {
  await http.close()
  await cluster.close()
})

const metricsOf = async (name: string) =>
  (await http.getPath(`${metricsPath}/namespaces/default/pods/${name}`)) as ObjectOf<typeof PodMetrics>
const inMilli = (cpu = '') =>
  Math.round(
    cpu.endsWith('n')
      ? Number(cpu.slice(0, -1)) / 1e6
      : cpu.endsWith('u')
        ? Number(cpu.slice(0, -1)) / 1e3
        : Number(cpu.slice(0, -1)),
  )
const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) <= wanted * 0.35, `${found} is not about ${wanted}`)

describe('PodMetrics', () => {
  it('are the same for containers on every class; what the sandbox uses stands apart', async () => {
    const [plain, boxed] = [await metricsOf('plain'), await metricsOf('boxed')]
    for (const { containers } of [plain, boxed]) {
      assert.deepEqual(
        containers.map(({ name, usage: { memory } }) => [name, memory]),
        [
          ['main', '64Mi'],
          ['side', '32Mi'],
        ],
      )
      near(inMilli(containers[0]?.usage.cpu), 200)
      near(inMilli(containers[1]?.usage.cpu), 50)
    }
    const sandboxOf = (of: typeof plain) =>
      JSON.parse(of.metadata.annotations?.[sandboxUsageAnnotation] ?? '{}') as { cpu?: string; memory?: string }
    assert.deepEqual(sandboxOf(plain), { cpu: '0', memory: '0' })
    assert.equal(sandboxOf(boxed).memory, '90Mi')
    near(inMilli(sandboxOf(boxed).cpu), 120)
  })

  it('follow label selectors and namespaces, and are 404 for Pods that do not run', async () => {
    const list = async (path: string) => {
      const { kind, items } = (await http.getPath(`${metricsPath}${path}`)) as {
        kind: string
        items: ObjectOf<typeof PodMetrics>[]
      }
      return [kind, ...items.map(({ metadata }) => metadata.name)]
    }
    assert.deepEqual(await list('/pods?labelSelector=app%3Dboxed'), ['PodMetricsList', 'boxed'])
    assert.deepEqual(await list('/namespaces/default/pods'), ['PodMetricsList', 'boxed', 'plain'])
    assert.deepEqual(await list('/namespaces/kube-system/pods'), ['PodMetricsList'])
    assert.deepEqual(await list('/nodes'), ['NodeMetricsList', 'node-1', 'node-2'])
    // one that its kubelet server does not know costs the others nothing
    const { status } = await cluster.client.get(Node, { name: 'node-1' })
    const { daemonEndpoints, addresses } = status
    await cluster.client.create(Node, objectOf(Node, { metadata: { name: 'ghost' }, status: { daemonEndpoints, addresses } }))
    assert.deepEqual(await list('/nodes'), ['NodeMetricsList', 'node-1', 'node-2'])
    await cluster.client.delete(Node, { name: 'ghost' })
    await assert.rejects(metricsOf('nobody'), { message: 'podmetrics.metrics.k8s.io "default/nobody" not found' })
    await assert.rejects(http.getPath(`${metricsPath}/nodes/nobody`), {
      message: 'nodemetrics.metrics.k8s.io "nobody" not found',
    })
  })
})

for (const { name, path, missing } of binaries)
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const top = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(path, ['--kubeconfig', cluster.kubeconfig, 'top', ...args])
      assert.equal(code, 0, stderr)
      return stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
    }

    it('top pod --containers shows each container, and nothing of the sandbox', async () => {
      const [head, ...rows] = await top('pod', '--containers')
      assert.deepEqual(head, ['POD', 'NAME', 'CPU(cores)', 'MEMORY(bytes)'])
      assert.deepEqual(
        rows.map(([pod, container, , memory]) => [pod, container, memory]).toSorted((a, b) => (a.join() < b.join() ? -1 : 1)),
        [
          ['boxed', 'main', '64Mi'],
          ['boxed', 'side', '32Mi'],
          ['plain', 'main', '64Mi'],
          ['plain', 'side', '32Mi'],
        ],
      )
      for (const [, container, cpu] of rows) near(Number.parseInt(cpu ?? '', 10), container === 'main' ? 200 : 50)
      const [, ...one] = await top('pod', 'boxed')
      assert.deepEqual(
        one.map(([pod, , memory]) => [pod, memory]),
        [['boxed', '96Mi']],
      )
    })

    it('reads /metrics: overhead of Pods, requests, waiting Pods, and how long sandboxes took by handler', async () => {
      const { stdout } = await run(path, ['--kubeconfig', cluster.kubeconfig, 'get', '--raw', '/metrics'])
      const lines = stdout.split('\n')
      const labels = (pod: Pod) => `{namespace="default",pod="boxed",uid="${pod.metadata.uid}"}`
      const boxed = await cluster.client.get(Pod, { namespace: 'default', name: 'boxed' })
      const wanted = [
        '# TYPE apiserver_request_total counter',
        `kube_pod_overhead_cpu_cores${labels(boxed)} 0.15`,
        `kube_pod_overhead_memory_bytes${labels(boxed)} ${120 * mi}`,
        ...['active', 'backoff', 'unschedulable'].map((queue) => `scheduler_pending_pods{queue="${queue}"} 0`),
        ...['runc', 'kata'].map((handler) => `kubelet_run_podsandbox_duration_seconds_count{runtime_handler="${handler}"} 1`),
        ...['kubelet_evictions', 'kubelet_preemptions', 'kubelet_admission_rejections_total'].map(
          (name) => `# TYPE ${name} counter`,
        ),
        '# TYPE polypod_ledger_disagreements gauge',
      ]
      assert.deepEqual(
        wanted.filter((line) => !lines.includes(line)),
        [],
      )
      assert.ok(
        lines.some((line) =>
          /^apiserver_request_total\{verb="LIST",group="metrics.k8s.io",version="v1beta1",resource="pods",subresource="",code="200"\} [1-9]/.test(
            line,
          ),
        ),
      )
      // every line is one Prometheus can read
      const odd = lines.filter(
        (line) => line !== '' && !/^(# (HELP|TYPE) |[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [0-9.e+-]+$)/.test(line),
      )
      assert.deepEqual(odd, [])
    })

    it('reads /metrics/resources: what each Pod counts for, overhead included', async () => {
      const { stdout } = await run(path, ['--kubeconfig', cluster.kubeconfig, 'get', '--raw', '/metrics/resources'])
      const { spec } = await cluster.client.get(Pod, { namespace: 'default', name: 'boxed' })
      const labels = (resource: string, unit: string) =>
        `namespace="default",pod="boxed",node="${spec.nodeName}",scheduler="default-scheduler",priority="0",resource="${resource}",unit="${unit}"`
      assert.deepEqual(
        stdout.split('\n').filter((line) => line.includes('pod="boxed"')),
        [
          `kube_pod_resource_request{${labels('cpu', 'cores')}} 0.15`,
          `kube_pod_resource_request{${labels('memory', 'bytes')}} ${120 * mi}`,
        ],
      )
    })

    it('top node shows every node', async () => {
      const [head, ...rows] = await top('node')
      assert.match(head?.join(' ') ?? '', /^NAME CPU\(cores\) CPU/)
      assert.deepEqual(
        rows.map(([node]) => node),
        ['node-1', 'node-2'],
      )
      assert.ok(
        rows.some(([, cpu]) => Number.parseInt(cpu ?? '', 10) >= 200),
        'the Pods of a node are part of what it uses',
      )
    })
  })
