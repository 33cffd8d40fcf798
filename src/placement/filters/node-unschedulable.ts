import { filter } from '../filter.ts'
import { tolerates } from '../../api/core/tolerates.ts'

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const
const cordoned = [{ text: 'node(s) were unschedulable', unresolvable: true }]

/** `kubectl cordon`. k8s: a Pod that tolerates the taint which goes with it may stay or come. */
export const nodeUnschedulable = filter({
  name: 'NodeUnschedulable',
  prepare: ({ pod }) => ((pod.spec.tolerations ?? []).some((t) => tolerates(t, taint)) ? undefined : true),
  check: (_: true, node) => (node.unschedulable ? cordoned : undefined),
})
