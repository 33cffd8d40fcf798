// All that an explanation is made from: one Pod, and the objects around it. A change is tried by making other facts.
import { Namespace } from '../../api/core/namespace.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { AnyKind, AnyObject, ObjectOf } from '../../api/kind.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import type { Status } from '../../api/status.ts'
import type { KnownWorld } from '../filter.ts'
import { addPod, nodeView, type NodeView } from '../node-view.ts'
import { podNeed, type PodNeed } from '../pod-need.ts'
import type { Profile } from '../profile.ts'
import type { Observed } from './observed.ts'

/** By kind; of namespaced ones that only admission and kubelets read, those of the Pod's namespace are enough. */
type Objects = ReadonlyMap<AnyKind, readonly AnyObject[]>

export interface Facts {
  /** As it is stored or, when it is not created yet, as somebody wrote it. */
  pod: Pod
  isCreated: boolean
  objects: Objects
  /** What the node told of the Pod, as far as it still holds. */
  observed: readonly Observed[]
  profile: Profile
  /** spec.schedulerName of Pods that somebody looks after. */
  schedulerName: string
  nowMs: number
}

/** What admission makes of a Pod that is to be created, quotas included. */
/** `pod` of a refusal: what had been made of it by then, where it came that far. */
export type Admit = (facts: Facts) => Promise<{ pod: Pod } | { refused: Status; pod?: Pod | undefined }>

/** What `explain` may ask of those around it. */
export interface Around {
  admit: Admit
  /** Called between trials, so that others get their turn. */
  pause: () => Promise<void>
  /** Without changes, which cost most. */
  causesOnly?: boolean | undefined
}

export const allOf = <K extends AnyKind>({ objects }: Pick<Facts, 'objects'>, kind: K): readonly ObjectOf<K>[] =>
  (objects.get(kind) ?? []) as readonly ObjectOf<K>[]

export const find = <K extends AnyKind>(
  facts: Pick<Facts, 'objects'>,
  kind: K,
  { namespace, name }: { namespace?: string | undefined; name: string },
): ObjectOf<K> | undefined =>
  (allOf(facts, kind) as readonly AnyObject[]).find(
    ({ metadata }) => metadata.name === name && (kind.scope === 'cluster' || metadata.namespace === namespace),
  ) as ObjectOf<K> | undefined

export const samePod = (a: Pod, b: Pod): boolean =>
  a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace

export const namespaceOf = ({ metadata }: Pod): string => metadata.namespace ?? 'default'

const needs = new WeakMap<Pod, PodNeed>()

/** Remembered: Pods are asked about again with every change that is tried. */
export function needOf(pod: Pod): PodNeed {
  let need = needs.get(pod)
  if (!need) needs.set(pod, (need = podNeed(pod)))
  return need
}

const known = new WeakMap<readonly AnyObject[], WeakMap<readonly AnyObject[], NodeView[]>>()

/** Nodes with the Pods on them, the explained one left out where it has no node. cost: once for the same nodes and Pods. */
export function viewsOf(facts: Facts): readonly NodeView[] {
  const [nodes, pods] = [allOf(facts, Node), allOf(facts, Pod)]
  let ofNodes = known.get(nodes)
  if (!ofNodes) known.set(nodes, (ofNodes = new WeakMap()))
  let views = ofNodes.get(pods)
  if (!views) ofNodes.set(pods, (views = freshViews(nodes, pods)))
  return views
}

/** Takes over the views of facts that differ in this node and its Pods only. cost: the Pods of one node, not of all. */
export function keepViews(from: Facts, to: Facts, changed: string | undefined): void {
  const views = viewsOf(from).map((view) => (view.name === changed ? freshViewOf(to, view) : view))
  const nodes = allOf(to, Node)
  let ofNodes = known.get(nodes)
  if (!ofNodes) known.set(nodes, (ofNodes = new WeakMap()))
  ofNodes.set(allOf(to, Pod), views)
}

function freshViewOf(facts: Facts, old: NodeView): NodeView {
  const view = nodeView(find(facts, Node, { name: old.name }) ?? old.node)
  const there = new Set(allOf(facts, Pod))
  for (const need of old.pods.values()) if (there.has(need.pod)) addPod(view, need)
  for (const [uid, need] of old.nominated) view.nominated.set(uid, need)
  return view
}

const isOver = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

function freshViews(nodes: readonly Node[], pods: readonly Pod[]): NodeView[] {
  const views = new Map(nodes.map((node) => [node.metadata.name, nodeView(node)]))
  for (const pod of pods) {
    if (isOver(pod)) continue
    const need = needOf(pod)
    const view = views.get(pod.spec.nodeName ?? '')
    if (view) addPod(view, need)
    else views.get(pod.status.nominatedNodeName ?? '')?.nominated.set(need.uid, need)
  }
  return [...views.values()]
}

export const worldFacts = (facts: Facts): KnownWorld => ({
  classes: new Map(allOf(facts, RuntimeClass).map(({ metadata, handler }) => [metadata.name, handler])),
  namespaces: new Map(allOf(facts, Namespace).map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
})

export const budgetsOf = (facts: Facts): readonly PodDisruptionBudget[] => allOf(facts, PodDisruptionBudget)

export const classOf = (facts: Facts, { spec }: Pod): RuntimeClass | undefined =>
  spec.runtimeClassName === undefined ? undefined : find(facts, RuntimeClass, { name: spec.runtimeClassName })
