// Figures of a handler as a HandlerMeasurement keeps them, with the facts of the machine they are true for.
import os from 'node:os'
import type {
  HandlerMeasurementStatus,
  MeasuredAmount,
  MeasuredLatency,
  MeasuredMachine,
} from '../../api/polypod/handler-measurement.ts'
import { type NodeHandlerStatus, runtimeVersion } from '../../api/polypod/node-handler.ts'
import { formatQuantity } from '../../api/quantity.ts'
import { recommendedOverhead } from '../../ledger/recommended-overhead.ts'
import { type Clock, rfc3339 } from '../../lib/clock.ts'
import { percentile, type Summary, summary } from '../../lib/statistics.ts'
import type { PodCgroups } from '../cgroup-fs.ts'
import type { Runtime } from '../cri/runtime.ts'
import { nodeInfo } from '../machine-info.ts'
import type { StartTimes } from './bench-pod.ts'
import type { HandlerFigures } from './measure-handler.ts'

export interface MeasuredOn {
  clock: Clock
  machine: MeasuredMachine
  /** What the node knows of the handler. */
  facts: NodeHandlerStatus | undefined
  pods: number
  rounds: number
}

export function measurementStatus(
  figures: HandlerFigures,
  { clock, machine, facts, pods, rounds }: MeasuredOn,
): HandlerMeasurementStatus {
  const { nodeAvailable, podCgroup, processes, processesOutside, sandbox, idleCpu, starts } = figures
  return {
    ...{ measuredAt: rfc3339(clock.now()), pods, rounds, machine },
    runtime: {
      ...{ runtimeType: facts?.runtimeType, shim: facts?.shim?.path },
      ...{ ociRuntime: facts?.ociRuntime?.path, version: facts && runtimeVersion(facts) },
    },
    memory: {
      nodeAvailable: memoryOf(nodeAvailable),
      podCgroup: memoryOf(podCgroup),
      processes: memoryOf(processes),
      processesOutside: memoryOf(processesOutside),
      sandbox: memoryOf(sandbox),
    },
    idleCpu: amountOf(idleCpu, cpuText),
    start: {
      total: latencyOf(starts.map(startMs)),
      runPodSandbox: latencyOf(starts.map((one) => one.runPodSandbox)),
      createContainer: latencyOf(starts.map((one) => one.createContainer)),
      startContainer: latencyOf(starts.map((one) => one.startContainer)),
    },
    recommended: recommendedOverhead({ sandbox, nodeAvailable, idleCpu }),
  }
}

export const startMs = ({ runPodSandbox, createContainer, startContainer }: StartTimes): number =>
  runPodSandbox + createContainer + startContainer

const amountOf = ({ mean, error, min, max, count }: Summary, text: (value: number) => string): MeasuredAmount => ({
  ...{ mean: text(mean), error: text(error), min: text(min), max: text(max), samples: count },
})

/** In whole Ki: finer is noise. */
const memoryOf = (of: Summary): MeasuredAmount => amountOf(of, (bytes) => `${Math.round(bytes / 1024)}Ki`)

/** In whole microcores. */
const cpuText = (nanocores: number): string =>
  formatQuantity({ nano: BigInt(Math.round(nanocores / 1000)) * 1000n, format: 'DecimalSI' })

export function latencyOf(ms: readonly number[]): MeasuredLatency {
  const { mean, error, max, count } = summary(ms)
  return {
    ...{ p50Ms: percentile(ms, 0.5), p90Ms: percentile(ms, 0.9), p99Ms: percentile(ms, 0.99), maxMs: max },
    ...{ meanMs: Math.round(mean), errorMs: Math.round(error), samples: count },
  }
}

export async function measuredMachine(
  runtime: Pick<Runtime, 'version'>,
  cgroups: Pick<PodCgroups, 'version'> | undefined,
): Promise<MeasuredMachine> {
  const { osImage, kernelVersion, architecture, containerRuntimeVersion } = await nodeInfo(await runtime.version())
  const [cpu] = os.cpus()
  return {
    ...{ osImage, kernelVersion, architecture, containerRuntime: containerRuntimeVersion },
    ...{ cpuModel: cpu?.model, cpus: os.availableParallelism(), memory: `${Math.round(os.totalmem() / 1024)}Ki` },
    cgroup: cgroups?.version ?? 'unknown',
  }
}
