// What a ResourceQuota adds to the create of a Pod: the same Pods into a namespace with one and a namespace without, by turns.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { defaultPlugins } from '../src/admission/default-plugins.ts'
import { Namespace } from '../src/api/core/namespace.ts'
import { Pod } from '../src/api/core/pod.ts'
import { ResourceQuota } from '../src/api/core/resource-quota.ts'
import { ServiceAccount } from '../src/api/core/service-account.ts'
import type { Client } from '../src/client/client.ts'
import { resourceQuota } from '../src/controllers/resource-quota.ts'
import { runController } from '../src/controllers/run.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openScope } from '../src/lib/scope.ts'
import { openApiServer } from '../src/server/open-server.ts'
import { openLmdbStore } from '../src/store/lmdb.ts'
import { memoryStore } from '../src/store/memory.ts'
import type { Store } from '../src/store/store.ts'
import { eventually } from '../src/testing/eventually.ts'

interface Row {
  store: string
  atOnce: number
  pods: number
  /** Medians over rounds, of the time of a round divided by its Pods. */
  withoutMs: number
  withMs: number
  addedMs: number
}

const decoding = { unknown: [] }

/** In process, without HTTP; `rounds` of `perRound` Pods into each namespace. */
export async function run({ rounds = 40, perRound = 50 } = {}): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-quota-'))
  try {
    const rows: Row[] = []
    for (const [store, open] of [
      ['memory', async () => memoryStore()],
      ['durable', () => openLmdbStore({ path: join(folder, 'db') })],
    ] as const)
      rows.push(...(await measure(store, await open(), { rounds, perRound })))
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(name: string, store: Store, { rounds, perRound }: { rounds: number; perRound: number }): Promise<Row[]> {
  const scope = openScope()
  scope.own(store)
  try {
    const server = scope.own(await openApiServer({ store, plugins: defaultPlugins, clock: systemClock }))
    const client = server.client('bench')
    scope.run('quota', (signal) => runController(resourceQuota(), { client, clock: systemClock }, signal))
    await prepare(client)
    const rows: Row[] = []
    for (const atOnce of [1, perRound]) {
      const times: Record<string, number[]> = { without: [], with: [] }
      for (let round = 0; round < rounds; round += 1)
        for (const namespace of round % 2 ? ['without', 'with'] : ['with', 'without'])
          times[namespace]?.push(await createPods(client, { namespace, prefix: `p${atOnce}-${round}`, count: perRound, atOnce }))
      const [withoutMs, withMs] = [median(times.without ?? []), median(times.with ?? [])]
      const rounded = (ms: number) => Math.round(ms * 1000) / 1000
      rows.push({
        ...{ store: name, atOnce, pods: rounds * perRound, withoutMs: rounded(withoutMs), withMs: rounded(withMs) },
        addedMs: rounded(withMs - withoutMs),
      })
    }
    return rows
  } finally {
    await scope.close()
  }
}

async function prepare(client: Client): Promise<void> {
  for (const namespace of ['without', 'with']) {
    await client.create(Namespace, Namespace.decode({ metadata: { name: namespace } }, decoding))
    await client.create(ServiceAccount, ServiceAccount.decode({ metadata: { name: 'default', namespace } }, decoding))
  }
  const metadata = { name: 'q', namespace: 'with' }
  const hard = { pods: '1000000', 'requests.cpu': '1M', 'requests.memory': '1Ei' }
  await client.create(ResourceQuota, ResourceQuota.decode({ metadata, spec: { hard } }, decoding))
  await eventually(async () => (await client.get(ResourceQuota, metadata)).status.used)
}

/** Milliseconds per Pod. */
async function createPods(
  client: Client,
  { namespace, prefix, count, atOnce }: { namespace: string; prefix: string; count: number; atOnce: number },
): Promise<number> {
  const resources = { requests: { cpu: '100m', memory: '64Mi' } }
  const spec = { containers: [{ name: 'main', image: 'busybox', resources }] }
  const pods = Array.from({ length: count }, (_, i) =>
    Pod.decode({ metadata: { name: `${prefix}-${i}`, namespace }, spec }, decoding),
  )
  const start = performance.now()
  const work = async () => {
    for (let pod = pods.pop(); pod; pod = pods.pop()) await client.create(Pod, pod)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return (performance.now() - start) / count
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
