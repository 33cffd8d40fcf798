import type { Toleration } from '../../api/core/toleration.ts'
import { score } from '../score.ts'
import { tolerates } from '../../api/core/tolerates.ts'

/** Prefers nodes with the fewest PreferNoSchedule taints that the Pod does not tolerate. */
export const softTaints = score({
  name: 'TaintToleration',
  scale: 'most-is-worst',
  prepare: ({ pod }) => (pod.spec.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule'),
  score(tolerations: readonly Toleration[], node) {
    let intolerable = 0
    for (const taint of node.softTaints) if (!tolerations.some((t) => tolerates(t, taint))) intolerable += 1
    return intolerable
  },
})
