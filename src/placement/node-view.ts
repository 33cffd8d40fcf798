// A node and the Pods on it, as plain numbers that filters and scores compare.
import type { Node } from '../api/core/node.ts'
import type { Taint } from '../api/core/toleration.ts'
import { unprovedHandlers } from '../api/polypod/handler-readiness.ts'
import { amounts, milliOf, unitsOf } from '../ledger/amounts.ts'
import { othersOf, type PodNeed } from './pod-need.ts'

/** Millicores, bytes, pieces. */
export interface Columns {
  milliCpu: number
  memoryBytes: number
  ephemeralBytes: number
  others: Map<string, number>
}

/** Which nodes of a list have changed, in order; a node may be named often. Another list of nodes is another `epoch`. */
export interface Journal {
  epoch: number
  changed: NodeView[]
}

/** So many changes are noted at most: where nobody decides, as in a cluster at rest, nobody reads them either. */
export const maxNoted = 20_000

function note(view: NodeView): void {
  const { journal } = view
  if (!journal) return
  if (journal.changed.length >= maxNoted) {
    journal.epoch += 1
    journal.changed = []
  }
  journal.changed.push(view)
}

/** Changed only by the functions of this file. */
export interface NodeView {
  readonly name: string
  node: Node
  allocatable: Columns
  maxPods: number
  labels: Readonly<Record<string, string>>
  unschedulable: boolean
  /** Taints that keep Pods away: NoSchedule and NoExecute. */
  hardTaints: readonly Taint[]
  /** PreferNoSchedule. */
  softTaints: readonly Taint[]
  /** What RuntimeClass.handler may name here; undefined when the node does not report it. */
  handlers: ReadonlySet<string> | undefined
  /** Where its changes are noted; copies that ask what would be are noted nowhere. */
  readonly journal: Journal | undefined
  /** Handlers that are not proved to work here, with the reason where one is known; undefined: none, or nobody proves them. */
  unproved: ReadonlyMap<string, string | undefined> | undefined
  /** Another one whenever its Pods change. */
  version: number
  /** By uid. */
  readonly pods: Map<string, PodNeed>
  /** Those of them that have terms about other Pods, by uid. */
  readonly affine: Map<string, PodNeed>
  /** Pods of higher priority that the node is kept for until they can be bound, by uid; not counted in anything else. */
  readonly nominated: Map<string, PodNeed>
  readonly requested: Columns
  assumedMilliCpu: number
  assumedMemoryBytes: number
  /** `TCP/8080` to the addresses it is taken on, with how many Pods say so. */
  readonly ports: Map<string, Map<string, number>>
}

/** `node` without Pods. */
export function nodeView(node: Node, journal?: Journal): NodeView {
  return { name: node.metadata.name, nominated: new Map(), ...nobodyHere(), ...shown(node), journal }
}

/** The node as it would be without these Pods, by uid; the given view stays as it is. */
export function withoutPods(view: NodeView, going: ReadonlyMap<string, PodNeed>): NodeView {
  const copy: NodeView = { ...view, ...nobodyHere() }
  for (const need of view.pods.values()) if (!going.has(need.uid)) addPod(copy, need)
  return copy
}

/** The node as it would be with those it is kept for and that `need` may not pass; undefined when there are none. */
export function withNominated(view: NodeView, need: PodNeed): NodeView | undefined {
  const first = [...view.nominated.values()].filter(({ uid, priority }) => uid !== need.uid && priority >= need.priority)
  if (first.length === 0) return undefined
  const copy = withoutPods(view, new Map())
  for (const one of first) addPod(copy, one)
  return copy
}

const nobodyHere = () => ({
  journal: undefined,
  version: 0,
  pods: new Map<string, PodNeed>(),
  affine: new Map<string, PodNeed>(),
  requested: { milliCpu: 0, memoryBytes: 0, ephemeralBytes: 0, others: new Map<string, number>() },
  assumedMilliCpu: 0,
  assumedMemoryBytes: 0,
  ports: new Map<string, Map<string, number>>(),
})

/** Takes over a newer state of the node itself; its Pods stay. */
export function showNode(view: NodeView, node: Node): void {
  Object.assign(view, shown(node))
  note(view)
}

/** The node is kept for this Pod. */
export function nominate(view: NodeView, need: PodNeed): void {
  view.nominated.set(need.uid, need)
  note(view)
}

/** The node is not kept for it any more. */
export function denominate(view: NodeView, uid: string): void {
  view.nominated.delete(uid)
  note(view)
}

function shown(node: Node) {
  const allocatable = amounts(node.status.allocatable ?? node.status.capacity)
  const taints = node.spec.taints ?? []
  const handlers = node.status.runtimeHandlers
  return {
    node,
    allocatable: {
      milliCpu: milliOf(allocatable.get('cpu')),
      memoryBytes: unitsOf(allocatable.get('memory')),
      ephemeralBytes: unitsOf(allocatable.get('ephemeral-storage')),
      others: new Map(othersOf(allocatable)),
    },
    maxPods: unitsOf(allocatable.get('pods')),
    labels: node.metadata.labels ?? {},
    unschedulable: node.spec.unschedulable ?? false,
    hardTaints: taints.filter((t) => t.effect === 'NoSchedule' || t.effect === 'NoExecute'),
    softTaints: taints.filter((t) => t.effect === 'PreferNoSchedule'),
    handlers: handlers && handlers.length > 0 ? new Set(handlers.map((h) => h.name)) : undefined,
    unproved: unprovedHandlers(node),
  }
}

/** Counts `need` on the node; a Pod that is there already is counted anew. */
export function addPod(view: NodeView, need: PodNeed): void {
  removePod(view, need.uid)
  view.pods.set(need.uid, need)
  if (need.terms) view.affine.set(need.uid, need)
  count(view, need, 1)
}

/** Takes the Pod off the node; nothing happens when it is not there. */
export function removePod(view: NodeView, uid: string): void {
  const need = view.pods.get(uid)
  if (!need) return
  view.pods.delete(uid)
  if (need.terms) view.affine.delete(uid)
  count(view, need, -1)
}

function count(view: NodeView, need: PodNeed, sign: 1 | -1): void {
  const { requested, ports } = view
  view.version += 1
  note(view)
  requested.milliCpu += sign * need.milliCpu
  requested.memoryBytes += sign * need.memoryBytes
  requested.ephemeralBytes += sign * need.ephemeralBytes
  view.assumedMilliCpu += sign * need.assumedMilliCpu
  view.assumedMemoryBytes += sign * need.assumedMemoryBytes
  for (const [name, amount] of need.others) bump(requested.others, name, sign * amount)
  for (const { key, ip } of need.hostPorts) {
    let taken = ports.get(key)
    if (!taken) ports.set(key, (taken = new Map()))
    bump(taken, ip, sign)
    if (taken.size === 0) ports.delete(key)
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by
  if (next === 0) counts.delete(key)
  else counts.set(key, next)
}
