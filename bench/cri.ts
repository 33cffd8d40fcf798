// How long bare CRI takes to start a Pod: the floor that our own latency is compared with.
import { removeCgroups } from '../src/node/containerd/cgroup-remains.ts'
import { systemClock } from '../src/lib/clock.ts'
import { median, percentile } from '../src/lib/statistics.ts'
import { criRuntime } from '../src/node/cri/grpc.ts'
import type { Runtime } from '../src/node/cri/runtime.ts'
import { sampleContainer, sampleSandbox } from '../src/node/cri/sample-config.ts'

export interface CriBenchOptions {
  handlers?: readonly string[] | undefined
  image?: string | undefined
  /** Pods one after another; default 10. */
  single?: number | undefined
  /** Pods at once; default 50. */
  atOnce?: number | undefined
}

export interface CriBenchRow {
  handler: string
  concurrency: number
  pods: number
  /** RunPodSandbox + CreateContainer + StartContainer of one Pod. */
  medianMs: number
  p90Ms: number
  /** From the first call to the last Pod running. */
  totalMs: number
}

const cgroupParent = '/polypod-bench'

/** `socket` serves CRI and knows the image. Every Pod it starts is removed again. */
export async function run(socket: string, options: CriBenchOptions = {}): Promise<CriBenchRow[]> {
  const { image = 'polypod.dev/busybox:1', single = 10, atOnce = 50 } = options
  const runtime = criRuntime(socket)
  try {
    const status = await runtime.status()
    const handlers = options.handlers ?? status.handlers.map((h) => h.name).filter((name) => name !== '')
    const rows: CriBenchRow[] = []
    for (const handler of handlers) {
      await measure(runtime, { handler, image, pods: 1, concurrency: 1 })
      rows.push(await measure(runtime, { handler, image, pods: single, concurrency: 1 }))
      rows.push(await measure(runtime, { handler, image, pods: atOnce, concurrency: atOnce }))
    }
    return rows
  } finally {
    await runtime.close()
    await removeCgroups(cgroupParent, systemClock, () => {})
  }
}

interface Load {
  handler: string
  image: string
  pods: number
  concurrency: number
}

async function measure(runtime: Runtime, { handler, image, pods, concurrency }: Load): Promise<CriBenchRow> {
  const names = Array.from({ length: pods }, (_, i) => `bench-${handler}-${concurrency}-${i}`)
  const left = [...names]
  const times: number[] = []
  const started: string[] = []
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const since = performance.now()
      const sandbox = sampleSandbox(name, { cgroupParent })
      const id = await runtime.runSandbox(sandbox, handler)
      started.push(id)
      const container = sampleContainer(sandbox, 'main', image, ['sleep', 'infinity'])
      await runtime.startContainer(await runtime.createContainer(id, container, sandbox))
      times.push(performance.now() - since)
    }
  }
  const since = performance.now()
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
    const totalMs = performance.now() - since
    return {
      handler,
      concurrency,
      pods,
      medianMs: tenths(median(times)),
      p90Ms: tenths(percentile(times, 0.9)),
      totalMs: Math.round(totalMs),
    }
  } finally {
    const remover = async () => {
      for (let id = started.pop(); id !== undefined; id = started.pop()) {
        await runtime.stopSandbox(id)
        await runtime.removeSandbox(id)
      }
    }
    await Promise.all(Array.from({ length: 8 }, remover))
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
