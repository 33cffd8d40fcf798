// Why a Pod waits, in upstream's words, and what of it is overhead.
import { amountText } from '../ledger/amounts.ts'
import type { Unplaced } from './decide.ts'
import type { Refusal } from './prepared.ts'
import { counted } from './preempt.ts'
import type { Shortage } from './reason.ts'

/**
 * `FailedScheduling`'s message, which is also that of the PodScheduled condition.
 * `preemption`: why nobody is preempted; absent when somebody is. k8s: nothing is said of it then.
 */
export function failureText(unplaced: Unplaced, preemption?: string): string {
  if (unplaced.nodes === 0) return 'no nodes available to schedule pods'
  const { rejected, refusals, nodes } = unplaced
  const why = rejected ? rejected.reason.text : counted(refusals.flatMap((r) => r.reasons.map((reason) => reason.text)))
  const hope = preemption === undefined ? '' : ` preemption: ${preemption}`
  return `0/${nodes} nodes are available: ${why}.${hope}${overheadText(refusals)}`
}

/** Ours, beyond upstream: what of each amount that is short somewhere is overhead. Nothing when none is. */
function overheadText(refusals: readonly Refusal[]): string {
  const short = new Map<string, Shortage>()
  for (const { reasons } of refusals)
    for (const { shortage } of reasons) if (shortage && shortage.ofWhichOverhead > 0) short.set(shortage.resource, shortage)
  if (short.size === 0) return ''
  const parts = [...short.values()].map(
    ({ resource, need, ofWhichOverhead }) =>
      `${resource} ${shownAmount(resource, ofWhichOverhead)} of ${shownAmount(resource, need)}`,
  )
  const enough = refusals.filter(fitsWithoutOverhead).length
  return ` overhead: ${parts.sort().join(', ')}${enough === 0 ? '' : `; without it ${enough}/${refusals.length} nodes would do`}.`
}

const fitsWithoutOverhead = ({ reasons }: Refusal): boolean =>
  reasons.every(({ shortage }) => shortage && shortage.need - shortage.ofWhichOverhead <= shortage.capacity - shortage.used)

const shownAmount = (resource: string, amount: number): string =>
  amountText(resource, BigInt(amount) * (resource === 'cpu' ? 1_000_000n : 1_000_000_000n))
