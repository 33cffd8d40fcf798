// How long metrics.k8s.io takes for 500 Pods on simulated nodes: kubelets asked over HTTPS, nothing cached.
import { performance } from 'node:perf_hooks'
import { Pod } from '../src/api/core/pod.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { startCluster } from '../src/cluster/start-cluster.ts'

interface Row {
  pods: number
  nodes: number
  medianMs: number
  slowestMs: number
}

const rounds = 15
const path = '/apis/metrics.k8s.io/v1beta1/pods'
/** Longer than a summary of a kubelet is used again. */
const apartMs = 1100

export async function run(): Promise<Row[]> {
  return [await measure(500, 5), await measure(500, 50)]
}

async function measure(pods: number, nodes: number): Promise<Row> {
  const cluster = await startCluster({ nodes, handlers: ['runc'] })
  const client = await clientFromKubeconfig(cluster.kubeconfig)
  const usage = { 'simulated.polypod.dev/cpu-millicores': '10', 'simulated.polypod.dev/memory-bytes': '1000000' }
  const containers = [{ name: 'c', image: 'i' }]
  for (let i = 0; i < pods; i += 1) {
    const metadata = { name: `pod-${i}`, namespace: 'default', annotations: usage }
    await cluster.client.create(Pod, Pod.decode({ metadata, spec: { containers } }, { unknown: [] }))
  }
  const measured = async () => ((await client.getPath(path)) as { items: unknown[] }).items.length
  while ((await measured()) < pods) await sleep(apartMs)
  const took: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await sleep(apartMs)
    const start = performance.now()
    await measured()
    took.push(performance.now() - start)
  }
  await client.close()
  await cluster.close()
  took.sort((a, b) => a - b)
  const rounded = (ms: number | undefined) => Math.round((ms ?? 0) * 10) / 10
  return { pods, nodes, medianMs: rounded(took[Math.floor(rounds / 2)]), slowestMs: rounded(took.at(-1)) }
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))
