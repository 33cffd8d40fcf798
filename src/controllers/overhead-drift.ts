// Watches what sandboxes really use, and says on a RuntimeClass when its overhead is far from it.
import { Pod } from '../api/core/pod.ts'
import type { ObjectOf } from '../api/kind.ts'
import type { PodMetrics } from '../api/metrics/resource-metrics.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { isCounted } from '../ledger/account.ts'
import { type ClassOverhead, classOverheads, driftText } from '../ledger/overhead-drift.ts'
import { type Controller, watching } from './controller.ts'

const everyMs = 5 * 60_000
/** What is found is looked at once more before it is said: a Pod that has just started is not what it will be. */
const againMs = 10_000
const only = { name: 'overhead' }

export interface DriftOptions {
  /** Measures these Pods now; those that cannot be measured are left out. */
  measure: (pods: readonly Pod[]) => Promise<readonly ObjectOf<typeof PodMetrics>[]>
  /** Hears what each look found, for metrics. */
  onMeasured?: ((found: readonly ClassOverhead[]) => void) | undefined
}

export function overheadDrift({ measure, onMeasured = () => {} }: DriftOptions): Controller {
  let suspected = new Set<string>()
  return {
    name: 'overhead-drift',
    // an edited class is looked at anew; Pods come and go without it
    watches: [watching(RuntimeClass, () => [only]), watching(Pod, () => [])],
    starts: [only],
    async reconcile(_, { mirrored, events }) {
      const classes = mirrored(RuntimeClass).list()
      const named = new Set(classes.map(({ metadata }) => metadata.name))
      const pods = mirrored(Pod)
        .list()
        .filter((pod) => named.has(pod.spec.runtimeClassName ?? '') && isCounted(pod))
      const found = classOverheads(classes, pods, pods.length === 0 ? [] : await measure(pods))
      onMeasured(found)
      const drifting = found.filter(({ drift }) => drift !== undefined)
      const sure = drifting.filter((one) => suspected.has(keyOf(one)))
      suspected = new Set(drifting.map(keyOf))
      for (const one of sure) {
        const regarding = classes.find(({ metadata }) => metadata.name === one.class)
        const reason = one.drift === 'understated' ? 'OverheadUnderstated' : 'OverheadOverstated'
        if (regarding) events.event(regarding, 'Warning', reason, driftText(one))
      }
      return { againMs: sure.length < drifting.length ? againMs : everyMs }
    },
  }
}

const keyOf = ({ class: name, drift, declaredBytes }: ClassOverhead): string => JSON.stringify([name, drift, declaredBytes])
