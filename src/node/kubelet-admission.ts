// The node's own last word on a Pod: the scheduler's rules once more, against the Pods that are really here.
import type { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import type { NodeCounts } from '../ledger/check.ts'
import { isCritical } from '../ledger/eviction-rank.ts'
import { preemptionVictims } from '../ledger/kubelet-preemption.ts'
import { admit, type Refused } from '../placement/admit.ts'
import { resourcesFit } from '../placement/filters/resources-fit.ts'
import { nodeCounts } from '../placement/node-counts.ts'
import { addPod, type NodeView, nodeView, removePod, showNode } from '../placement/node-view.ts'
import { podNeed } from '../placement/pod-need.ts'

export interface KubeletAdmission {
  /** Undefined: let in, and counted from now on. */
  admit(pod: Pod): Promise<Refused | undefined>
  leave(podUid: string): void
  /** Of the Pods that were let in, for the ledger's check. */
  counts(): NodeCounts
}

/**
 * `refresh` reads the Node again. `preempt` ends Pods, of which `resource` was short, and resolves once they are
 * gone. `earlier` are Pods that an earlier kubelet let in and that have not been here yet: they count before anybody new.
 */
export function kubeletAdmission(
  node: () => Node,
  refresh: () => Promise<Node>,
  preempt?: (victims: readonly Pod[], resource: string) => Promise<void>,
  earlier: () => readonly Pod[] = () => [],
): KubeletAdmission {
  const view: NodeView = nodeView(node())
  return {
    async admit(pod) {
      // it was let in before this kubelet started; only new Pods can be refused
      const isKnown = pod.status.startTime !== undefined
      showNode(view, node())
      if (!isKnown) for (const one of earlier()) addPod(view, podNeed(one))
      let refused = isKnown ? undefined : admit(pod, view)
      // k8s: labels may have changed a moment ago: a Pod is not refused by an old copy of the Node
      if (refused && !refused.shortage) {
        showNode(view, await refresh())
        refused = admit(pod, view)
      }
      const short = refused?.shortage?.resource
      const victims = short !== undefined && preempt && isCritical(pod) ? victimsFor(pod, view) : undefined
      if (victims) refused = undefined
      if (!refused) addPod(view, podNeed(pod))
      if (victims) await preempt?.(victims, short ?? '')
      return refused
    },
    leave: (podUid) => removePod(view, podUid),
    counts: () => nodeCounts(view),
  }
}

/** Those that have to go so that a critical Pod can stay; undefined when that would not do. */
function victimsFor(pod: Pod, view: NodeView): Pod[] | undefined {
  const reasons = resourcesFit.check(podNeed(pod), view) ?? []
  const missing = new Map<string, number>()
  for (const { shortage } of reasons)
    if (shortage) missing.set(shortage.resource, shortage.need + shortage.used - shortage.capacity)
  const present = [...view.pods.values()]
  const victims = preemptionVictims(
    pod,
    present.map((need) => need.pod),
    missing,
  )
  if (!victims || victims.length === 0) return undefined
  // nobody is ended for a Pod that would be refused all the same
  const going = present.filter((need) => victims.includes(need.pod))
  for (const { uid } of going) removePod(view, uid)
  const refused = admit(pod, view)
  for (const need of going) addPod(view, need)
  return refused ? undefined : victims
}
