// What `polypod measure` prints for people.
import { listText, type MeasuredAmount, type MeasuredLatency } from '../api/polypod/handler-measurement.ts'
import { nanoOf } from '../api/quantity.ts'
import { mebibytes } from '../ledger/recommended-overhead.ts'
import type { MeasuredHandler } from './measure.ts'
import { table } from './output.ts'

const bytesOf = (quantity: string): number => Number(nanoOf(quantity) / 1_000_000_000n)
const memoryText = ({ mean, error }: MeasuredAmount): string => `${mebibytes(bytesOf(mean))} ± ${mebibytes(bytesOf(error))}`
const milliText = (quantity: string): string => `${(Number(nanoOf(quantity)) / 1e6).toFixed(2)}m`
const cpuText = ({ mean, error }: MeasuredAmount): string => `${milliText(mean)} ± ${milliText(error)}`

export function measureText(found: readonly MeasuredHandler[]): string {
  const all = found.flatMap(({ measurement }) => measurement ?? [])
  const parts = [
    machineText(found),
    table(
      ['HANDLER', 'MEMORY A POD', 'POD CGROUP', 'PROCESSES', 'NODE', 'IDLE CPU'],
      all.map(({ spec: { handler }, status: { memory, idleCpu } }) => [
        handler,
        memory ? memoryText(memory.sandbox) : '-',
        memory ? memoryText(memory.podCgroup) : '-',
        memory ? memoryText(memory.processes) : '-',
        memory ? memoryText(memory.nodeAvailable) : '-',
        idleCpu ? cpuText(idleCpu) : '-',
      ]),
    ),
    table(
      ['HANDLER', 'START OF A POD', 'P50', 'P90', 'P99', 'MAX', 'MEAN'],
      all.flatMap(({ spec: { handler }, status: { start } }) =>
        start
          ? [
              latencyRow(handler, 'all of it', start.total),
              latencyRow('', 'RunPodSandbox', start.runPodSandbox),
              latencyRow('', 'CreateContainer', start.createContainer),
              latencyRow('', 'StartContainer', start.startContainer),
            ]
          : [],
      ),
    ),
    ...found.map(verdict),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function machineText(found: readonly MeasuredHandler[]): string {
  const status = found.find(({ measurement }) => measurement)?.measurement?.status
  if (!status?.machine) return ''
  const { osImage, kernelVersion, cpus, cpuModel, memory, cgroup, containerRuntime } = status.machine
  const size = `${(bytesOf(memory) / 2 ** 30).toFixed(1)}Gi`
  return `${osImage}, kernel ${kernelVersion}, ${cpus} CPUs (${cpuModel ?? 'unknown'}), ${size}, cgroup ${cgroup}, ${containerRuntime}; ${status.rounds} rounds of ${status.pods} Pods\n`
}

const latencyRow = (
  handler: string,
  step: string,
  { p50Ms, p90Ms, p99Ms, maxMs, meanMs, errorMs }: MeasuredLatency,
): string[] => [...[handler, step, `${p50Ms}ms`, `${p90Ms}ms`, `${p99Ms}ms`, `${maxMs}ms`, `${meanMs} ± ${errorMs}ms`]]

function verdict({ handler, measurement, failed, declared, published, applied }: MeasuredHandler): string {
  if (failed !== undefined) return `${handler}: cannot be measured: ${failed}\n`
  const recommended = measurement?.status.recommended
  return [
    `${handler}: recommended podFixed ${listText(recommended?.podFixed)}`,
    ...(recommended?.reasons ?? []).map((reason) => `  - ${reason}`),
    ...(declared.length === 0 ? ['  no RuntimeClass names this handler'] : []),
    ...declared.map((one) => `  RuntimeClass ${one.class} declares ${listText(one.podFixed) || 'nothing'}`),
    ...published.map(({ of, podFixed, source }) => `  published: ${listText(podFixed)} for ${of} (${source})`),
    ...(applied === undefined ? [] : [`  applied: ${applied}`]),
    '',
  ].join('\n')
}
