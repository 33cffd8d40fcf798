// The node's own last word on a Pod: the scheduler's rules once more, against the Pods that are really here.
import type { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import { admit, type Refused } from '../placement/admit.ts'
import { addPod, type NodeView, nodeView, removePod, showNode } from '../placement/node-view.ts'
import { podNeed } from '../placement/pod-need.ts'

export interface KubeletAdmission {
  /** Undefined: let in, and counted from now on. */
  admit(pod: Pod): Promise<Refused | undefined>
  leave(podUid: string): void
}

/** `refresh` reads the Node again. */
export function kubeletAdmission(node: () => Node, refresh: () => Promise<Node>): KubeletAdmission {
  const view: NodeView = nodeView(node())
  return {
    async admit(pod) {
      // it was let in before this kubelet started; only new Pods can be refused
      const isKnown = pod.status.startTime !== undefined
      showNode(view, node())
      let refused = isKnown ? undefined : admit(pod, view)
      // k8s: labels may have changed a moment ago: a Pod is not refused by an old copy of the Node
      if (refused && !refused.shortage) {
        showNode(view, await refresh())
        refused = admit(pod, view)
      }
      if (!refused) addPod(view, podNeed(pod))
      return refused
    },
    leave: (podUid) => removePod(view, podUid),
  }
}
