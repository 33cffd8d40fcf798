import { filter } from '../filter.ts'
import { untolerated } from '../../api/core/tolerates.ts'
import type { Toleration } from '../../api/core/toleration.ts'

const none: readonly Toleration[] = []

/** NoSchedule and NoExecute taints; the first that is not tolerated is named. */
export const taintToleration = filter({
  name: 'TaintToleration',
  prepare: ({ pod }) => pod.spec.tolerations ?? none,
  check(tolerations: readonly Toleration[], node) {
    if (node.hardTaints.length === 0) return undefined
    const taint = untolerated(node.hardTaints, tolerations)
    return taint && [{ text: `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`, unresolvable: true }]
  },
})
