// The cluster as the scheduler sees it, kept up to date change by change: nodes as numbers, and the Pods it has just placed.
import type { Node } from '../api/core/node.ts'
import { defaultHandlerAnnotation } from '../api/polypod/handler-readiness.ts'
import type { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import type { World } from '../placement/filter.ts'
import {
  addPod,
  denominate as release,
  type Journal,
  nodeView,
  nominate,
  type NodeView,
  removePod,
  showNode,
} from '../placement/node-view.ts'
import type { PodNeed } from '../placement/pod-need.ts'

export interface Snapshot {
  /** In the order they appeared. The same array, changed in place. */
  readonly nodes: readonly NodeView[]
  /** Of `nodes`. */
  readonly journal: Journal
  /** RuntimeClass name to handler. */
  readonly classes: Map<string, string>
  /** Namespace name to its labels. */
  readonly namespaces: Map<string, Readonly<Record<string, string>>>
  /** Nodes with Pods that have terms about other Pods. */
  readonly affineNodes: ReadonlySet<NodeView>
  /** By uid. */
  readonly budgets: Map<string, PodDisruptionBudget>
  /** The node is kept for this Pod, in the place of any other that was. */
  nominate(need: PodNeed, nodeName: string): void
  /** No node is kept for it any more. Returns the one that was. */
  denominate(uid: string): NodeView | undefined
  nominatedNode(uid: string): NodeView | undefined
  /** Returns the node when something about it changed that placement looks at. */
  setNode(node: Node): NodeView | undefined
  /** Returns the node as it was. Its Pods are known still, should it come back. */
  removeNode(name: string): NodeView | undefined
  /** The Pod is on this node, in truth or by assumption. Returns the node it was on before, when that is another. */
  setPod(need: PodNeed, nodeName: string): NodeView | undefined
  /** Returns the node it was on, which has more room now. */
  removePod(uid: string): NodeView | undefined
  /** Where the Pod is or is assumed to be. */
  nodeOf(uid: string): string | undefined
}

interface Home {
  nodeName: string
  need: PodNeed
}

interface State {
  nodes: NodeView[]
  journal: Journal
  byName: Map<string, NodeView>
  affineNodes: Set<NodeView>
  homes: Map<string, Home>
  /** Which node is kept for whom, by uid of the Pod. */
  nominations: Map<string, Home>
  /** Pods of nodes that are not known (yet, or no more), by node name. */
  homeless: Map<string, Map<string, PodNeed>>
}

/** What filters and scores may ask beside Pod and node; live. */
export const knownWorld = ({ classes, namespaces, nodes, affineNodes }: Snapshot): World => ({
  ...{ classes, namespaces, everyNode: nodes, affineNodes },
})

export function snapshot(): Snapshot {
  const state: State = {
    nodes: [],
    journal: { epoch: 0, changed: [] },
    byName: new Map(),
    affineNodes: new Set(),
    homes: new Map(),
    nominations: new Map(),
    homeless: new Map(),
  }
  return {
    nodes: state.nodes,
    journal: state.journal,
    classes: new Map(),
    namespaces: new Map(),
    budgets: new Map(),
    affineNodes: state.affineNodes,
    nominate(need, nodeName) {
      denominate(state, need.uid)
      state.nominations.set(need.uid, { need, nodeName })
      const view = state.byName.get(nodeName)
      if (view) nominate(view, need)
    },
    denominate: (uid) => denominate(state, uid),
    nominatedNode: (uid) => state.byName.get(state.nominations.get(uid)?.nodeName ?? ''),
    setNode: (node) => setNode(state, node),
    removeNode: (name) => removeNode(state, name),
    setPod(need, nodeName) {
      denominate(state, need.uid)
      const before = state.homes.get(need.uid)
      const left = before && before.nodeName !== nodeName ? leaveHome(state, need.uid) : undefined
      state.homes.set(need.uid, { nodeName, need })
      enterHome(state, need, nodeName)
      return left
    },
    removePod: (uid) => leaveHome(state, uid),
    nodeOf: (uid) => state.homes.get(uid)?.nodeName,
  }
}

function setNode(state: State, node: Node): NodeView | undefined {
  const { name } = node.metadata
  const known = state.byName.get(name)
  if (known) {
    const same = placementFacts(known.node) === placementFacts(node)
    showNode(known, node)
    return same ? undefined : known
  }
  const view = nodeView(node, state.journal)
  state.journal.epoch += 1
  state.byName.set(name, view)
  state.nodes.push(view)
  for (const need of state.homeless.get(name)?.values() ?? []) addPod(view, need)
  noteTerms(state, view)
  for (const { need, nodeName } of state.nominations.values()) if (nodeName === name) nominate(view, need)
  state.homeless.delete(name)
  return view
}

/** All of a node that filters and scores read. Heartbeats change none of it. */
const placementFacts = ({ metadata, spec, status }: Node): string =>
  JSON.stringify([
    metadata.labels,
    metadata.annotations?.[defaultHandlerAnnotation],
    spec.unschedulable,
    spec.taints,
    status.allocatable,
    status.capacity,
    status.runtimeHandlers,
  ])

function removeNode(state: State, name: string): NodeView | undefined {
  const view = state.byName.get(name)
  if (!view) return undefined
  state.byName.delete(name)
  state.journal.epoch += 1
  state.nodes.splice(state.nodes.indexOf(view), 1)
  state.affineNodes.delete(view)
  if (view.pods.size > 0) state.homeless.set(name, new Map(view.pods))
  return view
}

function enterHome(state: State, need: PodNeed, nodeName: string): void {
  const view = state.byName.get(nodeName)
  if (view) {
    addPod(view, need)
    return noteTerms(state, view)
  }
  let waiting = state.homeless.get(nodeName)
  if (!waiting) state.homeless.set(nodeName, (waiting = new Map()))
  waiting.set(need.uid, need)
}

function denominate({ nominations, byName }: State, uid: string): NodeView | undefined {
  const promise = nominations.get(uid)
  if (!promise) return undefined
  nominations.delete(uid)
  const view = byName.get(promise.nodeName)
  if (view) release(view, uid)
  return view
}

function noteTerms({ affineNodes }: State, view: NodeView): void {
  if (view.affine.size > 0) affineNodes.add(view)
  else affineNodes.delete(view)
}

function leaveHome(state: State, uid: string): NodeView | undefined {
  const home = state.homes.get(uid)
  if (!home) return undefined
  state.homes.delete(uid)
  const view = state.byName.get(home.nodeName)
  if (view) {
    removePod(view, uid)
    noteTerms(state, view)
    return view
  }
  const waiting = state.homeless.get(home.nodeName)
  waiting?.delete(uid)
  if (waiting?.size === 0) state.homeless.delete(home.nodeName)
  return undefined
}
