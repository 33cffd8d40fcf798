// The decision: which node one Pod goes to, or for each node why not. Pure; scheduler, CLI and console call it alike.
import type { KnownWorld, World } from './filter.ts'
import { type Findings, type Memory, verdict } from './memory.ts'
import { type NodeView, withNominated } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import { isUnfit, type Prepared, prepareFilters, type Refusal, refused, type Unfit } from './prepared.ts'
import type { Profile } from './profile.ts'
import { type Score, scaleScores } from './score.ts'

export interface DecideOptions extends KnownWorld {
  /** Breaks ties between equal scores: from 0 (the last) to less than 1 (the first), as Math.random. */
  random(): number
  /** The node to look at first, when not all are; moves on by `examined` each time. Default 0. */
  start?: number | undefined
  /** How many nodes that fit are enough; default all of them. See `enoughNodes`. */
  enough?: number | undefined
  /** Of earlier decisions on this list of nodes; the decision is the same without it. */
  memory?: Memory | undefined
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

export interface Unplaced {
  /** Every node, in the order they were looked at; empty when `rejected`. */
  refusals: readonly Refusal[]
  /** A reason that holds whatever the node. */
  rejected?: Unfit | undefined
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
  const known = options.memory?.findings(need, nodes, world)
  const prepared = prepareFilters(known ? profile.filters.filter(({ asksOthers }) => asksOthers) : profile.filters, need, world)
  if (isUnfit(prepared)) return { refusals: [], rejected: prepared, nodes: nodes.length, examined: 0 }
  const asked: Asked = { known, prepared }
  const { start = 0, enough = nodes.length } = options
  const verdicts = known?.verdicts
  const refusalAt = (at: number): Refusal | undefined => {
    const said = verdicts?.[at]
    if (said === verdict.refuses) return known?.refusals[at]
    if (said === verdict.fits && prepared.length === 0) return undefined
    const node = nodes[at] as NodeView
    return refused(prepared, node) ?? (said === verdict.fits ? undefined : refusedByPromise(asked, node, need))
  }
  const fitting: NodeView[] = []
  const places = placesFor(Math.min(enough, nodes.length))
  const refusals: Refusal[] = []
  let examined = 0
  for (let at = start % nodes.length; examined < nodes.length && fitting.length < enough; examined += 1) {
    const refusal = refusalAt(at)
    if (refusal === undefined) places[fitting.push(nodes[at] as NodeView) - 1] = at
    // nobody will ask about the others, once a node fits
    else if (fitting.length === 0) refusals.push(refusal)
    at = at + 1 === nodes.length ? 0 : at + 1
  }
  if (fitting.length === 0) return { refusals, nodes: nodes.length, examined }
  return { ...best(need, { fitting, places, known }, profile, { ...options, ...world }), feasible: fitting.length, examined }
}

interface Asked {
  known: Findings | undefined
  /** What `known` does not answer. */
  prepared: readonly Prepared[]
}

/** k8s: a node that is kept for Pods of the same or higher priority must fit with them as well. */
function refusedByPromise({ known, prepared }: Asked, node: NodeView, need: PodNeed): Refusal | undefined {
  if (node.nominated.size === 0) return undefined
  const fuller = withNominated(node, need)
  const refusal = fuller && refused([...(known?.prepared ?? []), ...prepared], fuller)
  return refusal && { ...refusal, node }
}

interface Candidates {
  fitting: readonly NodeView[]
  /** Where they are in the list of nodes. */
  places: Int32Array
  known: Findings | undefined
}

type Scoring = World & Pick<DecideOptions, 'random'>

function best(need: PodNeed, candidates: Candidates, profile: Profile, options: Scoring) {
  const { fitting } = candidates
  if (fitting.length === 1) return { node: fitting[0] as NodeView, score: 0 }
  const totals = totalsOf(need, candidates, profile, options)
  let highest = totals[0] as number
  let equals = 1
  for (let i = 1; i < fitting.length; i++) {
    const total = totals[i] as number
    if (total > highest) [highest, equals] = [total, 1]
    else if (total === highest) equals += 1
  }
  // each of n equals is chosen with probability 1/n; 0 means the last of them
  let chosen = fitting.length
  for (let left = Math.floor(options.random() * equals) + 1; left > 0; ) if (totals[--chosen] === highest) left -= 1
  const second = bestBut(totals, chosen, fitting.length)
  return {
    ...{ node: fitting[chosen] as NodeView, score: highest },
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
const scratch = { totals: new Float64Array(512), raw: new Float64Array(512), places: new Int32Array(512) }

function placesFor(count: number): Int32Array {
  if (scratch.places.length < count) scratch.places = new Int32Array(2 * count)
  return scratch.places
}

/** Valid until the next decision, and longer than `fitting`. */
function totalsOf(need: PodNeed, candidates: Candidates, profile: Profile, world: World): Float64Array {
  const { places, known } = candidates
  const count = candidates.fitting.length
  if (scratch.raw.length < count)
    Object.assign(scratch, { totals: new Float64Array(2 * count), raw: new Float64Array(2 * count) })
  const { totals, raw } = scratch
  if (known) for (let i = 0; i < count; i++) totals[i] = known.totals[places[i] as number] as number
  else totals.fill(0, 0, count)
  for (const { score, weight } of profile.scores) {
    if (!fillRaw(raw, score, need, { ...candidates, world })) continue
    scaleScores(raw, count, score.scale)
    for (let i = 0; i < count; i++) totals[i] = (totals[i] as number) + weight * (raw[i] as number)
  }
  return totals
}

/** False when all nodes are alike to this score, or it is in the totals already. */
function fillRaw(raw: Float64Array, score: Score, need: PodNeed, candidates: Candidates & { world: World }): boolean {
  const { fitting, places, known, world } = candidates
  if (known && !score.asksOthers) {
    const found = known.scores.get(score)
    if (found) for (let i = 0; i < fitting.length; i++) raw[i] = found[places[i] as number] as number
    return found !== undefined
  }
  const state = score.prepare(need, world, fitting)
  if (state === undefined) return false
  for (let i = 0; i < fitting.length; i++) raw[i] = score.score(state, fitting[i] as NodeView)
  return true
}
