// The decision: which node one Pod goes to, or for each node why not. Pure; scheduler, CLI and console call it alike.
import { type Filter, isRejection, type World } from './filter.ts'
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import type { Profile } from './profile.ts'
import type { Reason } from './reason.ts'
import { scaleScores } from './score.ts'

export interface DecideOptions extends World {
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

export function decide(need: PodNeed, nodes: readonly NodeView[], profile: Profile, options: DecideOptions): Decision {
  const prepared: Prepared[] = []
  for (const filter of profile.filters) {
    const state = filter.prepare(need, options)
    if (isRejection(state))
      return { refusals: [], rejected: { filter: filter.name, reason: state.rejected }, nodes: nodes.length, examined: 0 }
    if (state !== undefined) prepared.push({ filter, state })
  }
  const { start = 0, enough = nodes.length } = options
  const fitting: NodeView[] = []
  const refusals: Refusal[] = []
  let examined = 0
  while (examined < nodes.length && fitting.length < enough) {
    const node = nodes[(start + examined) % nodes.length] as NodeView
    examined += 1
    const refusal = refused(prepared, node)
    if (refusal) refusals.push(refusal)
    else fitting.push(node)
  }
  if (fitting.length === 0) return { refusals, nodes: nodes.length, examined }
  return { ...best(need, fitting, profile, options), feasible: fitting.length, examined }
}

// cost: once per Pod and node
function refused(prepared: readonly Prepared[], node: NodeView): Refusal | undefined {
  for (const { filter, state } of prepared) {
    const reasons = filter.check(state, node)
    if (reasons) return { node, filter: filter.name, reasons }
  }
  return undefined
}

function best(need: PodNeed, fitting: readonly NodeView[], profile: Profile, options: DecideOptions) {
  const [first] = fitting as [NodeView]
  if (fitting.length === 1) return { node: first, score: 0 }
  const totals = totalsOf(need, fitting, profile)
  let [chosen, highest, ties] = [0, -1, 0]
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] as number
    if (total > highest) [chosen, highest, ties] = [i, total, 1]
    // each of n equals is chosen with probability 1/n
    else if (total === highest && options.random() * ++ties < 1) chosen = i
  }
  return { node: fitting[chosen] as NodeView, score: highest }
}

function totalsOf(need: PodNeed, fitting: readonly NodeView[], profile: Profile): Float64Array {
  const totals = new Float64Array(fitting.length)
  const raw = new Float64Array(fitting.length)
  for (const { score, weight } of profile.scores) {
    const state = score.prepare(need)
    if (state === undefined) continue
    for (let i = 0; i < raw.length; i++) raw[i] = score.score(state, fitting[i] as NodeView)
    scaleScores(raw, score.scale)
    for (let i = 0; i < raw.length; i++) totals[i] = (totals[i] as number) + weight * (raw[i] as number)
  }
  return totals
}
