// What the scheduler counts on a node, as the ledger's check compares it.
import type { Counts, NodeCounts } from '../ledger/check.ts'
import { nameOfPod } from '../ledger/check.ts'
import type { Columns, NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'

/** The sums the view keeps, beside what it keeps of each Pod: the two may disagree, and that is worth knowing. */
export const nodeCounts = ({ name, requested, pods }: NodeView): NodeCounts => ({
  node: name,
  requested: countsOf({ ...requested, others: [...requested.others] }),
  pods: Object.fromEntries([...pods].map(([uid, need]) => [uid, { name: nameOfPod(need.pod), requested: countsOf(need) }])),
})

type Amount = Omit<Columns, 'others'> & Pick<PodNeed, 'others'>

function countsOf({ milliCpu, memoryBytes, ephemeralBytes, others }: Amount): Counts {
  const named = { cpu: milliCpu, memory: memoryBytes, 'ephemeral-storage': ephemeralBytes }
  return Object.fromEntries([...Object.entries(named), ...others].filter(([, count]) => count !== 0))
}
