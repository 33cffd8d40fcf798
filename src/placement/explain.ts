// Why a Pod waits, in upstream's words.
import type { Refusal, Unplaced } from './decide.ts'
import type { PodNeed } from './pod-need.ts'

/** `FailedScheduling`'s message, which is also that of the PodScheduled condition. */
export function failureText(need: PodNeed, unplaced: Unplaced): string {
  if (unplaced.nodes === 0) return 'no nodes available to schedule pods'
  const { rejected, refusals, nodes } = unplaced
  const why = rejected ? rejected.reason.text : counted(refusals.flatMap((r) => r.reasons.map((reason) => reason.text)))
  return `0/${nodes} nodes are available: ${why}. preemption: ${preemptionText(need, unplaced)}`
}

/** k8s: sorted as texts with the count before them, so `10 a` comes before `2 b`. */
function counted(texts: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts]
    .map(([text, count]) => `${count} ${text}`)
    .sort()
    .join(', ')
}

function preemptionText(need: PodNeed, { refusals, rejected, nodes }: Unplaced): string {
  if (need.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const hopeless = 'Preemption is not helpful for scheduling'
  const per = rejected
    ? Array.from({ length: nodes }, () => hopeless)
    : refusals.map((refusal) => victims(need, refusal, hopeless))
  return `0/${nodes} nodes are available: ${counted(per)}.`
}

function victims(need: PodNeed, { node, reasons }: Refusal, hopeless: string): string {
  if (reasons.some((reason) => reason.unresolvable)) return hopeless
  // beyond upstream's words: we do not preempt, and say so where upstream might
  for (const { priority } of node.pods.values())
    if (priority < need.priority) return 'Preemption of Pods with lower priority is not supported'
  return 'No preemption victims found for incoming pod'
}
