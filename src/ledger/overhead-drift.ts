// What RuntimeClasses declare as memory of their sandboxes, held against what the sandboxes of their Pods use. Pure.
import type { Pod } from '../api/core/pod.ts'
import type { ObjectOf } from '../api/kind.ts'
import { type PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { groupBy } from '../lib/group-by.ts'
import { summary } from '../lib/statistics.ts'
import { amounts, amountText, unitsOf } from './amounts.ts'

export type Direction = 'understated' | 'overstated'

/** Of one class, over its Pods that run. Bytes of memory: what a busy sandbox uses of the CPU says nothing of a fixed part. */
export interface ClassOverhead {
  class: string
  pods: number
  declaredBytes: number
  meanBytes: number
  maxBytes: number
  /** Absent: close enough. */
  drift?: Direction | undefined
}

const mebi = 2 ** 20
/** A node that is filled with Pods runs out of memory by what they use more than they declare. */
const understatedBy = { share: 0.1, bytes: 8 * mebi }
/** What is declared and not used is room nobody gets; some of it is prudence. */
const overstatedBy = { share: 1, bytes: 32 * mebi }

/**
 * By class name; classes without a Pod that is measured are left out. A sandbox of no memory at all was not measured
 * (simulated nodes). Pods are held against what their class declares now, and not against what they got once.
 */
export function classOverheads(
  classes: readonly RuntimeClass[],
  pods: readonly Pod[],
  metrics: readonly ObjectOf<typeof PodMetrics>[],
): ClassOverhead[] {
  const key = ({ metadata }: Pick<Pod, 'metadata'>) => `${metadata.namespace}/${metadata.name}`
  const measured = new Map(metrics.map((one) => [key(one), sandboxBytes(one)]))
  const byClass = groupBy(pods, ({ spec }) => spec.runtimeClassName ?? '')
  return classes
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap(({ metadata: { name }, overhead }) => {
      const used = (byClass.get(name) ?? []).map((pod) => measured.get(key(pod)) ?? 0).filter((bytes) => bytes > 0)
      if (used.length === 0) return []
      const declaredBytes = unitsOf(amounts(overhead?.podFixed).get('memory'))
      const { mean, max } = summary(used)
      const drift = driftOf(declaredBytes, mean)
      return [{ class: name, pods: used.length, declaredBytes, meanBytes: Math.round(mean), maxBytes: max, drift }]
    })
}

function driftOf(declared: number, used: number): Direction | undefined {
  if (used > declared + Math.max(understatedBy.bytes, declared * understatedBy.share)) return 'understated'
  if (declared > used + Math.max(overstatedBy.bytes, used * overstatedBy.share)) return 'overstated'
  return undefined
}

function sandboxBytes({ metadata: { annotations } }: ObjectOf<typeof PodMetrics>): number {
  const text = annotations?.[sandboxUsageAnnotation]
  return text === undefined ? 0 : unitsOf(amounts(JSON.parse(text) as ResourceList).get('memory'))
}

/** One sentence for an Event. */
export function driftText({ class: name, pods, declaredBytes, meanBytes, maxBytes, drift }: ClassOverhead): string {
  const [mean, max] = [meanBytes, maxBytes].map((bytes) => text(Math.ceil(bytes / mebi) * mebi))
  const declared = declaredBytes === 0 ? 'no memory' : text(declaredBytes)
  const means = drift === 'understated' ? 'nodes are fuller than the scheduler thinks' : 'nodes could hold more'
  const count = pods === 1 ? 'of 1 Pod' : `of ${pods} Pods`
  return `overhead declares ${declared}, sandboxes ${count} use ${mean} on average (at most ${max}): ${means}; see \`polypod measure\` (class ${name})`
}

const text = (bytes: number): string => amountText('memory', BigInt(bytes) * 1_000_000_000n)
