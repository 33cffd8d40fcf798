// What a ResourceQuota adds to the create of a Pod: the same Pods into a namespace with one and a namespace without, by turns.
import { performance } from 'node:perf_hooks'
import { Namespace } from '../src/api/core/namespace.ts'
import { Pod } from '../src/api/core/pod.ts'
import { ResourceQuota } from '../src/api/core/resource-quota.ts'
import { ServiceAccount } from '../src/api/core/service-account.ts'
import type { AnyKind, ObjectOf } from '../src/api/kind.ts'
import { isNotFound } from '../src/api/status.ts'
import type { Client } from '../src/client/client.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { median, percentile } from '../src/lib/statistics.ts'
import { eventually } from '../src/testing/eventually.ts'
import { forAll } from '../src/testing/watch-pods.ts'

export interface QuotaBenchOptions {
  /** Only read and written through this: any Kubernetes will do. None of the Pods is scheduled. */
  kubeconfig: string
  rounds?: number | undefined
  /** Into each of the two namespaces. */
  podsPerRound?: number | undefined
}

interface Row {
  /** Requests under way. */
  atOnce: number
  pods: number
  /** Medians over rounds, of the time of a round divided by its Pods. */
  withoutMs: number
  withMs: number
  addedMs: number
  /** Quartiles over rounds of what was added: how far the machine is to be believed. */
  addedFromMs: number
  addedToMs: number
}

const [without, within] = ['bench-quota-without', 'bench-quota-with']

export async function run({ kubeconfig, rounds = 60, podsPerRound = 50 }: QuotaBenchOptions): Promise<Row[]> {
  const client = await clientFromKubeconfig(kubeconfig)
  try {
    await prepare(client)
    // what is compiled and cached is so for both
    for (const namespace of [without, within]) await createPods(client, { namespace, prefix: 'warm', count: 200, atOnce: 1 })
    const rows: Row[] = []
    for (const atOnce of [1, podsPerRound]) rows.push(await measure(client, { atOnce, rounds, podsPerRound }))
    return rows
  } finally {
    for (const name of [without, within]) await removeNamespace(client, name)
    await client.close()
  }
}

async function measure(
  client: Client,
  { atOnce, rounds, podsPerRound: count }: { atOnce: number; rounds: number; podsPerRound: number },
): Promise<Row> {
  const times: { without: number; with: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const of = (namespace: string) => createPods(client, { namespace, prefix: `p${atOnce}-${round}`, count, atOnce })
    const first = round % 2 === 0 ? await of(without) : undefined
    const withQuota = await of(within)
    times.push({ without: first ?? (await of(without)), with: withQuota })
  }
  const added = times.map((round) => round.with - round.without)
  const rounded = (ms: number) => Math.round(ms * 1000) / 1000
  return {
    ...{ atOnce, pods: rounds * count },
    withoutMs: rounded(median(times.map((round) => round.without))),
    withMs: rounded(median(times.map((round) => round.with))),
    addedMs: rounded(median(added)),
    addedFromMs: rounded(percentile(added, 0.25)),
    addedToMs: rounded(percentile(added, 0.75)),
  }
}

async function prepare(client: Client): Promise<void> {
  for (const name of [without, within]) {
    await client.create(Namespace, sent(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
    await eventually(() => client.get(ServiceAccount, { name: 'default', namespace: name }))
  }
  const metadata = { name: 'bench', namespace: within }
  const hard = { pods: '1000000', 'requests.cpu': '1M', 'requests.memory': '1Ei' }
  await client.create(ResourceQuota, sent(ResourceQuota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } }))
  await eventually(async () => (await client.get(ResourceQuota, metadata)).status.used)
}

async function removeNamespace(client: Client, name: string): Promise<void> {
  await client.delete(Namespace, { name })
  const isGone = () => client.get(Namespace, { name }).then(() => false, isNotFound)
  await eventually(isGone, 120_000)
}

/** Milliseconds per Pod. */
async function createPods(
  client: Client,
  { namespace, prefix, count, atOnce }: { namespace: string; prefix: string; count: number; atOnce: number },
): Promise<number> {
  const pods = Array.from({ length: count }, (_, i) => podOf(`${prefix}-${i}`, namespace))
  const start = performance.now()
  await forAll(pods, atOnce, (pod) => client.create(Pod, pod))
  return (performance.now() - start) / count
}

// defaults and status are the server's to fill in
const sent = <K extends AnyKind>(_: K, object: object) => object as ObjectOf<K>

const podOf = (name: string, namespace: string): Pod =>
  sent(Pod, {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } },
    spec: {
      // nobody but admission and the quota controller has to do with them
      schedulingGates: [{ name: 'polypod.dev/bench' }],
      containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
    },
  })
