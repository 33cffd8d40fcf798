// A node has changed for the better: who of the waiting fits it now?
import { decide, isPlaced } from '../placement/decide.ts'
import type { NodeView } from '../placement/node-view.ts'
import type { SchedulerWorld } from './world.ts'

const never = () => 0

/**
 * Tries those waiting Pods again that fit `node` as it is now. Whether a Pod fits a node depends on that node, the Pod and its
 * class alone, so a change that does not make it fit this node cannot help it at all.
 */
export function roomOn({ queue, snapshot, profile }: SchedulerWorld, node: NodeView): void {
  const options = { classes: snapshot.classes, random: never }
  const nodes = [node]
  queue.retryWhere((need) => isPlaced(decide(need, nodes, profile, options)))
}
