// How long metrics.k8s.io takes for many Pods: their kubelets asked over HTTPS, nothing cached.
import { performance } from 'node:perf_hooks'
import { Node } from '../src/api/core/node.ts'
import { Pod } from '../src/api/core/pod.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { systemClock } from '../src/lib/clock.ts'
import { median, percentile } from '../src/lib/statistics.ts'
import { eventually } from '../src/testing/eventually.ts'
import { forAll, removePods } from '../src/testing/watch-pods.ts'

export interface MetricsBenchOptions {
  /** Only read and written through this: any Kubernetes with resource metrics will do, on nodes that have room. */
  kubeconfig: string
  pods?: number | undefined
  rounds?: number | undefined
}

interface Row {
  pods: number
  nodes: number
  medianMs: number
  slowestMs: number
}

const where = { namespace: 'default', labelSelector: 'bench=metrics' }
const path = `/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=${encodeURIComponent(where.labelSelector)}`
/** Longer than a summary of a kubelet is used again. */
const apartMs = 1100

export async function run({ kubeconfig, pods = 500, rounds = 15 }: MetricsBenchOptions): Promise<Row[]> {
  const client = await clientFromKubeconfig(kubeconfig)
  try {
    const made = Array.from({ length: pods }, (_, i) => podOf(i))
    await forAll(made, 32, (pod) => client.create(Pod, pod))
    const measured = async () => ((await client.getPath(path)) as { items: unknown[] }).items.length
    await eventually(async () => (await measured()) === pods, 300_000)
    const took: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      await systemClock.sleep(apartMs)
      const start = performance.now()
      await measured()
      took.push(performance.now() - start)
    }
    const nodes = (await client.list(Node)).items.length
    const tenths = (ms: number) => Math.round(ms * 10) / 10
    return [{ pods, nodes, medianMs: tenths(median(took)), slowestMs: tenths(percentile(took, 1)) }]
  } finally {
    await removePods(client, where)
    await client.close()
  }
}

const podOf = (i: number): Pod =>
  ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name: `bench-metrics-${i}`, namespace: 'default', labels: { bench: 'metrics' } },
      annotations: { 'simulated.polypod.dev/cpu-millicores': '10', 'simulated.polypod.dev/memory-bytes': '1000000' },
    },
    spec: { containers: [{ name: 'main', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] }] },
    // defaults and status are the server's to fill in
  }) as unknown as Pod
