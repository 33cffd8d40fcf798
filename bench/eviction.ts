// How long a node that ran out of memory takes to evict: real containers, and a hog.
import { performance } from 'node:perf_hooks'
import { Node } from '../src/api/core/node.ts'
import { Pod } from '../src/api/core/pod.ts'
import type { Client } from '../src/client/client.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { systemClock } from '../src/lib/clock.ts'
import { median, percentile } from '../src/lib/statistics.ts'
import { machineUsage } from '../src/node/machine-usage.ts'
import { eventually } from '../src/testing/eventually.ts'
import { createAndWatch, removePods } from '../src/testing/watch-pods.ts'

export interface EvictionBenchOptions {
  /** Of a cluster whose one node is this machine. */
  kubeconfig: string
  /** The node's hard threshold of memory.available, less than is available now. */
  thresholdBytes: number
  rounds?: number | undefined
}

interface Row {
  rounds: number
  /** From the moment less than the threshold was available until the Pod's status said Evicted. */
  evictedMs: number
  slowestMs: number
  /** Until as much as the threshold was available again. */
  memoryBackMs: number
}

const where = { namespace: 'default', labelSelector: 'bench=eviction' }
const mi = 1024 * 1024
/** What the hog holds beyond the threshold. */
const tooMuchMi = 512
/** Bytes, as `memory.available` counts them. */
export const available = async () => (await machineUsage('/')).memoryAvailableBytes

export async function run({ kubeconfig, thresholdBytes, rounds = 9 }: EvictionBenchOptions): Promise<Row[]> {
  const client = await clientFromKubeconfig(kubeconfig)
  try {
    const times: { evicted: number; back: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      times.push(await oneRound(client, thresholdBytes))
      await eventually(() => hasPressure(client, 'True'), 60_000)
      await removePods(client, where)
      // a Pod that comes sooner is refused
      await eventually(() => hasPressure(client, 'False'), 60_000)
    }
    const evicted = times.map((time) => time.evicted)
    return [
      {
        rounds,
        evictedMs: Math.round(median(evicted)),
        slowestMs: Math.round(percentile(evicted, 1)),
        memoryBackMs: Math.round(median(times.map((time) => time.back))),
      },
    ]
  } finally {
    await removePods(client, where)
    await client.close()
  }
}

async function oneRound(client: Client, thresholdBytes: number): Promise<{ evicted: number; back: number }> {
  const hog = podOf(Math.ceil(((await available()) - thresholdBytes) / mi) + tooMuchMi)
  const until = ({ status }: Pod) => status.reason === 'Evicted'
  const evictedAt = createAndWatch(client, [hog], { where, atOnce: 1, until }).then(() => performance.now())
  const memory = async () => {
    const signalAt = await moment((left) => left < thresholdBytes)
    return { signalAt, backAt: await moment((left) => left >= thresholdBytes) }
  }
  const [evicted, { signalAt, backAt }] = await Promise.all([evictedAt, memory()])
  return { evicted: evicted - signalAt, back: backAt - signalAt }
}

/** When it first was true, to 5 ms. Rejects after a minute. */
async function moment(isTrue: (availableBytes: number) => boolean): Promise<number> {
  const deadline = performance.now() + 60_000
  while (!isTrue(await available())) {
    if (performance.now() > deadline) throw new Error('the memory available did not change as expected')
    await systemClock.sleep(5)
  }
  return performance.now()
}

/** As condition and taint both say. */
async function hasPressure(client: Client, wanted: 'True' | 'False'): Promise<boolean> {
  const { items } = await client.list(Node)
  return items.every(({ spec, status }) => {
    const condition = status.conditions?.find(({ type }) => type === 'MemoryPressure')?.status
    const isTainted = spec.taints?.some(({ key }) => key === 'node.kubernetes.io/memory-pressure') ?? false
    return condition === wanted && isTainted === (wanted === 'True')
  })
}

/** dd reads all of it in one go, and cannot get rid of it: sleep reads nothing. */
const podOf = (mebibytes: number): Pod =>
  ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: 'bench-eviction', namespace: 'default', labels: { bench: 'eviction' } },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          ...{ name: 'main', image: 'polypod.dev/busybox:1' },
          command: ['sh', '-c', `dd if=/dev/zero bs=${mebibytes}M count=1 | sleep 1000`],
        },
      ],
    },
    // defaults and status are the server's to fill in
  }) as unknown as Pod
