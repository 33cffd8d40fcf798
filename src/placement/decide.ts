// The decision: which node one Pod goes to, or for each node why not. Pure; scheduler, CLI and console call it alike.
import { type Filter, isRejection, type KnownWorld, type World } from './filter.ts'
import { type NodeView, withNominated } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import type { Profile } from './profile.ts'
import type { Reason } from './reason.ts'
import { scaleScores } from './score.ts'

export interface DecideOptions extends KnownWorld {
  /** Breaks ties between equal scores: 0 to 1, as Math.random. */
  random(): number
  /** The node to look at first, when not all are; moves on by `examined` each time. Default 0. */
  start?: number | undefined
  /** How many nodes that fit are enough; default all of them. See `enoughNodes`. */
  enough?: number | undefined
}

export interface Placed {
  node: NodeView
  /** Weighted sum of the scores; 0 when only one node fits, which is not scored. */
  score: number
  /** The best of the others that fit. */
  next?: { node: NodeView; score: number } | undefined
  feasible: number
  examined: number
}

/** Why one node is out: the first filter that refused it, and all it has to say. */
export interface Refusal {
  node: NodeView
  filter: string
  reasons: readonly Reason[]
}

export interface Unplaced {
  /** Every node, in the order they were looked at; empty when `rejected`. */
  refusals: readonly Refusal[]
  /** A reason that holds whatever the node. */
  rejected?: { filter: string; reason: Reason } | undefined
  nodes: number
  examined: number
}

export type Decision = Placed | Unplaced
export const isPlaced = (decision: Decision): decision is Placed => 'node' in decision

/** k8s: all of the first 100 nodes, then a share that falls from 50 % to 5 % as clusters grow. */
export function enoughNodes(nodes: number): number {
  if (nodes < 100) return nodes
  const percent = Math.max(5, 50 - Math.floor(nodes / 125))
  return Math.max(100, Math.floor((nodes * percent) / 100))
}

interface Prepared {
  filter: Filter
  state: unknown
}

/** What is not said is taken from `nodes`, as if they were all there are. */
export const worldOf = (nodes: readonly NodeView[], options: KnownWorld): World => ({
  classes: options.classes,
  namespaces: options.namespaces ?? noNamespaces,
  everyNode: options.everyNode ?? nodes,
  affineNodes: options.affineNodes ?? new Set((options.everyNode ?? nodes).filter(({ affine }) => affine.size > 0)),
})
const noNamespaces = new Map<string, Record<string, string>>()

export function decide(need: PodNeed, nodes: readonly NodeView[], profile: Profile, options: DecideOptions): Decision {
  const world = worldOf(nodes, options)
  const prepared: Prepared[] = []
  for (const filter of profile.filters) {
    const state = filter.prepare(need, world)
    if (isRejection(state))
      return { refusals: [], rejected: { filter: filter.name, reason: state.rejected }, nodes: nodes.length, examined: 0 }
    if (state !== undefined) prepared.push({ filter, state })
  }
  const { start = 0, enough = nodes.length } = options
  const fitting: NodeView[] = []
  const refusals: Refusal[] = []
  let examined = 0
  for (let at = start % nodes.length; examined < nodes.length && fitting.length < enough; examined += 1) {
    const node = nodes[at] as NodeView
    at = at + 1 === nodes.length ? 0 : at + 1
    const refusal = refused(prepared, node, fitting.length === 0) ?? refusedByPromise(prepared, node, need)
    if (refusal === undefined) fitting.push(node)
    else if (refusal !== 'untold') refusals.push(refusal)
  }
  if (fitting.length === 0) return { refusals, nodes: nodes.length, examined }
  return { ...best(need, fitting, profile, { ...options, ...world }), feasible: fitting.length, examined }
}

/** `untold`: a refusal nobody will ask about, because another node fits. cost: once per Pod and node. */
function refused(prepared: readonly Prepared[], node: NodeView, tell: boolean): Refusal | 'untold' | undefined {
  for (let i = 0; i < prepared.length; i++) {
    const { filter, state } = prepared[i] as Prepared
    const reasons = filter.check(state, node)
    if (reasons) return tell ? { node, filter: filter.name, reasons } : 'untold'
  }
  return undefined
}

/** k8s: a node that is kept for Pods of the same or higher priority must fit with them as well. */
function refusedByPromise(prepared: readonly Prepared[], node: NodeView, need: PodNeed): Refusal | 'untold' | undefined {
  if (node.nominated.size === 0) return undefined
  const fuller = withNominated(node, need)
  const refusal = fuller && refused(prepared, fuller, true)
  return refusal === undefined || refusal === 'untold' ? refusal : { ...refusal, node }
}

type Scoring = World & Pick<DecideOptions, 'random'>

function best(need: PodNeed, fitting: readonly NodeView[], profile: Profile, options: Scoring) {
  if (fitting.length === 1) return { node: fitting[0] as NodeView, score: 0 }
  const totals = totalsOf(need, fitting, profile, options)
  let chosen = 0
  let ties = 1
  for (let i = 1; i < fitting.length; i++) {
    const ahead = (totals[i] as number) - (totals[chosen] as number)
    if (ahead > 0) ties = 1
    // each of n equals is chosen with probability 1/n
    if (ahead > 0 || (ahead === 0 && options.random() * ++ties < 1)) chosen = i
  }
  const second = bestBut(totals, chosen, fitting.length)
  return {
    ...{ node: fitting[chosen] as NodeView, score: totals[chosen] as number },
    next: { node: fitting[second] as NodeView, score: totals[second] as number },
  }
}

/** Of at least two. */
function bestBut(totals: Float64Array, chosen: number, count: number): number {
  let best = chosen === 0 ? 1 : 0
  for (let i = best + 1; i < count; i++) if (i !== chosen && (totals[i] as number) > (totals[best] as number)) best = i
  return best
}

// kept from one decision to the next, because new arrays of this size cost more than filling them
const scratch = { totals: new Float64Array(512), raw: new Float64Array(512) }

/** Valid until the next decision, and longer than `fitting`. */
function totalsOf(need: PodNeed, fitting: readonly NodeView[], profile: Profile, world: World): Float64Array {
  const count = fitting.length
  if (scratch.raw.length < count)
    Object.assign(scratch, { totals: new Float64Array(2 * count), raw: new Float64Array(2 * count) })
  const { totals, raw } = scratch
  totals.fill(0, 0, count)
  for (const { score, weight } of profile.scores) {
    const state = score.prepare(need, world, fitting)
    if (state === undefined) continue
    for (let i = 0; i < count; i++) raw[i] = score.score(state, fitting[i] as NodeView)
    scaleScores(raw, count, score.scale)
    for (let i = 0; i < count; i++) totals[i] = (totals[i] as number) + weight * (raw[i] as number)
  }
  return totals
}
