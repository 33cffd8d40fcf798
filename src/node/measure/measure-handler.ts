// Measures one runtime handler: rounds of Pods that do nothing, and what the node, the cgroups and the processes say of them.
import { readFile } from 'node:fs/promises'
import { median, type Summary, summary } from '../../lib/statistics.ts'
import type { ContainerUsage } from '../cri/runtime.ts'
import { type BenchPod, type BenchWorld, podKeyOf, startBenchPod, type StartTimes, stopBenchPod } from './bench-pod.ts'
import { servingProcesses } from './sandbox-processes.ts'

export interface MeasureOptions {
  handler: string
  /** At a time. */
  pods: number
  /** How many times over. */
  rounds: number
  /** Ends it after the Pod that is being started; nothing is left then either. */
  signal: AbortSignal
  /** One line for people. */
  onProgress: (line: string) => void
}

/** Bytes, nanoseconds of CPU per second, and milliseconds. */
export interface HandlerFigures {
  nodeAvailable: Summary
  podCgroup: Summary
  processes: Summary
  processesOutside: Summary
  /** podCgroup + processesOutside. */
  sandbox: Summary
  idleCpu: Summary
  /** Of each Pod, in the order they were started. */
  starts: StartTimes[]
}

/** What one Pod costs beside its container. */
interface PodReading {
  podCgroup: number
  processes: number
  processesOutside: number
  cpuNanoseconds: number
}

interface Round {
  nodeAvailable: number
  pods: Omit<PodReading, 'cpuNanoseconds'>[]
  idleCpu: number[]
  starts: StartTimes[]
}

/** Runtimes go on for a moment after they say that a container runs. */
const settleMs = 2000
const idleWindowMs = 4000
const stoppedAtOnce = 4

/** Rejects with RuntimeError in the runtime's words when a Pod does not start. */
export async function measureHandler(world: BenchWorld, options: MeasureOptions): Promise<HandlerFigures> {
  const { handler, rounds, signal, onProgress } = options
  onProgress(`${handler}: one Pod to warm up`)
  await stopBenchPod(world, await startBenchPod(world, { handler, name: `measure-${handler}-warm` }))
  const done: Round[] = []
  for (let round = 1; round <= rounds && !signal.aborted; round++) {
    onProgress(`${handler}: round ${round} of ${rounds}, ${options.pods} Pods`)
    done.push(await oneRound(world, options))
  }
  const pods = done.flatMap((round) => round.pods)
  const of = (value: (pod: (typeof pods)[number]) => number) => summary(pods.map(value))
  return {
    nodeAvailable: summary(done.map((round) => round.nodeAvailable)),
    podCgroup: of((pod) => pod.podCgroup),
    processes: of((pod) => pod.processes),
    processesOutside: of((pod) => pod.processesOutside),
    sandbox: of((pod) => pod.podCgroup + pod.processesOutside),
    idleCpu: summary(done.flatMap((round) => round.idleCpu)),
    starts: done.flatMap((round) => round.starts),
  }
}

async function oneRound(world: BenchWorld, options: MeasureOptions): Promise<Round> {
  const { clock } = world
  const running: BenchPod[] = []
  let stopped = false
  const stop = async () => {
    stopped = true
    await stopAll(world, running)
  }
  try {
    const before = await availableBytes(world)
    for (let i = 0; i < options.pods && !options.signal.aborted; i++) {
      const name = `measure-${options.handler}-${String(i).padStart(4, '0')}`
      running.push(await startBenchPod(world, { handler: options.handler, name }))
    }
    await clock.sleep(settleMs, options.signal)
    const loaded = await availableBytes(world)
    const [first, began] = [await readings(world, running), clock.now()]
    await clock.sleep(idleWindowMs, options.signal)
    const last = await readings(world, running)
    const seconds = (clock.now() - began) / 1000
    await stop()
    await clock.sleep(settleMs, options.signal)
    const after = await availableBytes(world)
    return {
      // up and down: what went on beside it in one direction seldom does so in the other. One value, as both lean on `loaded`
      nodeAvailable: ((before + after) / 2 - loaded) / running.length,
      pods: last,
      idleCpu: last.map((pod, i) => Math.max(0, pod.cpuNanoseconds - (first[i]?.cpuNanoseconds ?? 0)) / seconds),
      starts: running.map(({ took }) => took),
    }
  } finally {
    if (!stopped) await stop()
  }
}

async function stopAll(world: BenchWorld, pods: readonly BenchPod[]): Promise<void> {
  const waiting = [...pods]
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await stopBenchPod(world, next)
  }
  await Promise.all(Array.from({ length: stoppedAtOnce }, worker))
}

async function readings(world: BenchWorld, pods: readonly BenchPod[]): Promise<PodReading[]> {
  const [usage, serving, cgroups] = await Promise.all([
    world.runtime.usage(),
    servingProcesses(pods.map(({ name, sandboxId, containerId }) => ({ uid: name, sandboxId, containerIds: [containerId] }))),
    Promise.all(pods.map(async ({ name }) => world.cgroups?.usage(podKeyOf(name)))),
  ])
  const byId = new Map(usage.map((one): [string, ContainerUsage] => [one.id, one]))
  return pods.map(({ name, containerId }, i) => {
    const all = serving.get(name) ?? []
    const outside = all.filter((one) => !one.inPodCgroup)
    const container = byId.get(containerId)
    const rest = (whole: number | undefined, part: number | undefined) => Math.max(0, (whole ?? 0) - (part ?? 0))
    return {
      podCgroup: rest(cgroups[i]?.memoryWorkingSetBytes, container?.memoryWorkingSetBytes),
      processes: total(all.map(({ memoryBytes }) => memoryBytes)),
      processesOutside: total(outside.map(({ memoryBytes }) => memoryBytes)),
      cpuNanoseconds:
        rest(cgroups[i]?.cpuNanoseconds, container?.cpuNanoseconds) + total(outside.map((one) => one.cpuNanoseconds)),
    }
  })
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

const looks = 9
const betweenLooksMs = 100

/** MemAvailable, and what this process itself has taken: the median of some looks. */
async function availableBytes({ clock }: BenchWorld): Promise<number> {
  const seen: number[] = []
  for (let i = 0; i < looks; i++) {
    if (i > 0) await clock.sleep(betweenLooksMs)
    const text = await readFile('/proc/meminfo', 'utf8')
    seen.push(Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024 + process.memoryUsage.rss())
  }
  return median(seen)
}
