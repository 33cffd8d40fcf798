// What Pods really use, out of PodMetrics: containers, and beside them what the overhead is there for.
import type { ObjectOf } from '../api/kind.ts'
import { type PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { addTo, amounts, amountText } from './amounts.ts'

/** cpu and memory in canonical quantities; cpu rounded up to millicores. */
export interface Measured {
  containers: ResourceList
  /** What no container uses: to be held against the overhead. */
  sandbox: ResourceList
}

/** The sum; undefined of none. */
export function measuredOf(metrics: readonly ObjectOf<typeof PodMetrics>[]): Measured | undefined {
  if (metrics.length === 0) return undefined
  const containers = new Map<string, bigint>()
  const sandbox = new Map<string, bigint>()
  for (const { metadata, containers: own } of metrics) {
    for (const { usage } of own) addTo(containers, amounts(usage))
    addTo(sandbox, amounts(sandboxUsage(metadata.annotations?.[sandboxUsageAnnotation])))
  }
  return { containers: listOf(containers), sandbox: listOf(sandbox) }
}

const sandboxUsage = (text: string | undefined): ResourceList => (text === undefined ? {} : (JSON.parse(text) as ResourceList))

const milli = 1_000_000n
const listOf = (all: ReadonlyMap<string, bigint>): ResourceList =>
  Object.fromEntries(
    [...all].map(([name, nano]) => [name, amountText(name, name === 'cpu' ? ((nano + milli - 1n) / milli) * milli : nano)]),
  )
