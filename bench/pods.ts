// How long a Pod takes from create to Running as a watch sees it, beside the bare CRI calls of such a Pod in the same run.
import { Pod } from '../src/api/core/pod.ts'
import { RuntimeClass } from '../src/api/node/runtime-class.ts'
import type { Client } from '../src/client/client.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { systemClock } from '../src/lib/clock.ts'
import { median } from '../src/lib/statistics.ts'
import { createAndWatch, removePods } from '../src/testing/watch-pods.ts'
import { run as bareCri } from './cri.ts'

export interface PodBenchOptions {
  kubeconfig: string
  /** CRI socket of the one node. */
  socket: string
  handlers: readonly string[]
  image?: string | undefined
  /** Pods one after another; default 15. */
  single?: number | undefined
  /** Pods at once; default 50. */
  atOnce?: number | undefined
}

interface Row {
  handler: string
  /** Medians of one Pod at a time. */
  podMs: number
  criMs: number
  overCriMs: number
  /** From the first call to the last Pod running. */
  atOnceMs: number
  atOnceCriMs: number
  ratio: number
}

export async function run(options: PodBenchOptions): Promise<Row[]> {
  const { image = 'polypod.dev/busybox:1', single = 15, atOnce = 50 } = options
  const client = await clientFromKubeconfig(options.kubeconfig)
  try {
    const rows: Row[] = []
    for (const handler of options.handlers) {
      const load = { client, handler, image }
      await ensureClass(client, handler)
      await startPods(load, 'warm', 1)
      await forget(load)
      const before = await bareCri(options.socket, { handlers: [handler], image, single, atOnce })
      const times: number[] = []
      for (let i = 0; i < single; i++) times.push(await startPods(load, `one-${i}`, 1))
      // like the bare calls: nothing is taken away while something is timed
      await forget(load)
      const atOnceMs = await startPods(load, 'many', atOnce)
      await forget(load)
      // the machine is noisy: bare calls before and after, so that a slow minute counts for both
      const after = await bareCri(options.socket, { handlers: [handler], image, single, atOnce })
      const criMs = between(before[0]?.medianMs, after[0]?.medianMs)
      const atOnceCriMs = between(before[1]?.totalMs, after[1]?.totalMs)
      const podMs = median(times)
      rows.push({
        handler,
        ...{ podMs: Math.round(podMs), criMs: Math.round(criMs), overCriMs: Math.round(podMs - criMs) },
        ...{ atOnceMs: Math.round(atOnceMs), atOnceCriMs: Math.round(atOnceCriMs) },
        ratio: Math.round((atOnceMs / atOnceCriMs) * 100) / 100,
      })
    }
    return rows
  } finally {
    await client.close()
  }
}

async function ensureClass(client: Client, handler: string): Promise<void> {
  const object = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: `bench-${handler}` }, handler }
  await client.create(RuntimeClass, object).catch((error: { status?: { code: number } }) => {
    if (error.status?.code !== 409) throw error
  })
}

const restMs = 3000

interface Load {
  client: Client
  handler: string
  image: string
}

/** Creates `count` Pods at once; resolves to the milliseconds until a watch has shown all of them Running. */
async function startPods({ client, handler, image }: Load, name: string, count: number): Promise<number> {
  const labels = { bench: handler, round: name }
  const where = { namespace: 'default', labelSelector: `bench=${handler},round=${name}` }
  const pods = Array.from({ length: count }, (_, i) => podOf(`bench-${handler}-${name}-${i}`, labels, { handler, image }))
  const seenAt = await createAndWatch(client, pods, { where, atOnce: count, until: ({ status }) => status.phase === 'Running' })
  return seenAt.at(-1) ?? 0
}

/** All of this handler, and what the node does afterwards to forget them. */
async function forget({ client, handler }: Load): Promise<void> {
  await removePods(client, { namespace: 'default', labelSelector: `bench=${handler}` })
  await systemClock.sleep(restMs)
}

const podOf = (name: string, labels: Record<string, string>, { handler, image }: { handler: string; image: string }): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: {
      runtimeClassName: `bench-${handler}`,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image, command: ['sleep', 'infinity'] }],
    },
    // defaults and status are the server's to fill in
  }) as unknown as Pod

const between = (before = 0, after = 0): number => (before + after) / 2
