// Nodes have changed for the better: who of the waiting fits one of them now?
import { decide, isPlaced } from '../placement/decide.ts'
import type { NodeView } from '../placement/node-view.ts'
import type { Profile } from '../placement/profile.ts'
import type { PodQueue } from './queue.ts'
import type { Snapshot } from './snapshot.ts'

const never = () => 0

/**
 * Tries those waiting Pods again that fit a changed node as it is then. Whether a Pod fits a node depends on that node, the Pod
 * and its class alone, so a change that does not make it fit this node cannot help it at all.
 * cost: once per waiting Pod for all nodes that change in one turn of the event loop.
 */
export function roomFinder(queue: PodQueue, snapshot: Snapshot, profile: Profile): (node: NodeView) => void {
  const changed = new Set<NodeView>()
  const look = () => {
    const nodes = [...changed]
    changed.clear()
    const options = { classes: snapshot.classes, random: never, enough: 1 }
    queue.retryWhere((need) => isPlaced(decide(need, nodes, profile, options)))
  }
  return (node) => {
    if (changed.size === 0) setImmediate(look)
    changed.add(node)
  }
}
