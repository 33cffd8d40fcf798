// Something has changed for the better: who of the waiting may fit now?
import { decide, isPlaced } from '../placement/decide.ts'
import type { NodeView } from '../placement/node-view.ts'
import type { PodNeed } from '../placement/pod-need.ts'
import { couldMakeRoom } from '../placement/preempt.ts'
import type { Profile } from '../placement/profile.ts'
import type { PodQueue } from './queue.ts'
import { knownWorld, type Snapshot } from './snapshot.ts'

export interface Room {
  /** This node has changed for the better. */
  onNode(node: NodeView): void
  /** A Pod came to a node, left it, or is another to those who look at Pods; `gone`: it is on no node any more. */
  ofPod(need: PodNeed, gone: boolean): void
  /** Nodes, their labels or those of namespaces changed. */
  ofTopology(): void
}

interface Changes {
  nodes: Set<NodeView>
  pods: PodNeed[]
  /** Those that are gone and kept others away. */
  refusers: PodNeed[]
  topology: boolean
}

const never = () => 0
const noChanges = (): Changes => ({ nodes: new Set(), pods: [], refusers: [], topology: false })

/**
 * Tries those waiting Pods again that fit a changed node as it is then, or would if Pods of lower priority left it. Whether a Pod fits a node depends on that node, the Pod
 * and its class alone, unless the Pod looks at others (affinity, spread) or others refuse it: those are tried again when a Pod
 * changes that they are about, for trying is as cheap as finding out.
 * cost: once per waiting Pod for everything that changes in one turn of the event loop.
 */
export function roomFinder(queue: PodQueue, snapshot: Snapshot, profile: Profile): Room {
  let changes = noChanges()
  let isPlanned = false
  const look = () => {
    const found = changes
    changes = noChanges()
    isPlanned = false
    const nodes = [...found.nodes]
    const world = knownWorld(snapshot)
    const options = { ...world, random: never, enough: 1 }
    const fits = (need: PodNeed) =>
      isPlaced(decide(need, nodes, profile, options)) || nodes.some((node) => couldMakeRoom(need, node, { ...world, profile }))
    // who was promised a node learns soon that somebody else has it, or the promise would keep others away for nothing
    const isPromised = ({ uid }: PodNeed) => nodes.some(({ nominated }) => nominated.has(uid))
    queue.retryWhere((need) => mayFitElsewhere(need, found, snapshot) || (nodes.length > 0 && (isPromised(need) || fits(need))))
  }
  const plan = (): Changes => {
    if (!isPlanned) setImmediate(look)
    isPlanned = true
    return changes
  }
  return {
    onNode: (node) => void plan().nodes.add(node),
    ofPod(need, gone) {
      const { pods, refusers } = plan()
      pods.push(need)
      if (gone && need.terms?.antiAffinity.length) refusers.push(need)
    },
    ofTopology: () => void (plan().topology = true),
  }
}

/** On nodes that have not changed themselves. */
function mayFitElsewhere(need: PodNeed, { pods, refusers, topology }: Changes, { namespaces }: Snapshot): boolean {
  for (const { terms } of refusers) if (terms?.antiAffinity.some((term) => term.matches(need.pod, namespaces))) return true
  if (!need.terms && !need.spread) return false
  return topology || pods.some((other) => isAbout(need, other, namespaces))
}

function isAbout({ terms, spread, pod }: PodNeed, { pod: other }: PodNeed, namespaces: Snapshot['namespaces']): boolean {
  for (const term of terms?.affinity ?? []) if (term.matches(other, namespaces)) return true
  for (const term of terms?.antiAffinity ?? []) if (term.matches(other, namespaces)) return true
  if (!spread || pod.metadata.namespace !== other.metadata.namespace) return false
  return spread.some(({ isHard, matches }) => isHard && matches(other.metadata.labels))
}
