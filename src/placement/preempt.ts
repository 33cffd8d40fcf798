// Who would have to go, and from which node, so that a Pod of higher priority fits. Pure; the scheduler acts on it.
import type { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import { labelSelectorMatcher } from '../api/selector.ts'
import { isPlaced, decide, type Unplaced } from './decide.ts'
import type { World } from './filter.ts'
import { addPod, type NodeView, removePod, withoutPods } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import type { Refusal } from './prepared.ts'
import type { Profile } from './profile.ts'

export interface Candidate {
  node: NodeView
  /** The most important first. */
  victims: readonly PodNeed[]
  /** Of them, those whose disruption budget is overdrawn by it. */
  violations: number
}

export type Preemption =
  | { do: 'preempt'; candidate: Candidate }
  /** `why` in upstream's words, as it stands behind `preemption: `. `isHopeless`: no node would do; an older promise is void. */
  | { do: 'nothing'; why: string; isHopeless: boolean }

export interface PreemptOptions extends World {
  profile: Profile
  budgets: readonly PodDisruptionBudget[]
  /** The node that was promised to the Pod before; its victims may still be going. */
  nominated?: string | undefined
  /** Where among the nodes to begin; default 0. */
  start?: number | undefined
}

const nothing = (why: string, isHopeless = false): Preemption => ({ do: 'nothing', why, isHopeless })
const hopeless = 'Preemption is not helpful for scheduling'
const nobody = 'No preemption victims found for incoming pod'

/**
 * Decides for a Pod that `unplaced` found no node for. The overhead of victims is part of what they need, and so of what they free.
 * cost: the filters a few times for each of at most 100 nodes (or a tenth of them).
 */
export function preempt(need: PodNeed, unplaced: Unplaced, options: PreemptOptions): Preemption {
  if (need.pod.spec.preemptionPolicy === 'Never') return nothing('not eligible due to preemptionPolicy=Never.')
  if (waitsForVictims(need, unplaced, options)) return nothing('not eligible due to a terminating pod on the nominated node.')
  const why: string[] = []
  const candidates: Candidate[] = []
  const hopeful = unplaced.refusals.filter(({ reasons }) => !reasons.some(({ unresolvable }) => unresolvable))
  const enough = Math.max(100, Math.floor(unplaced.nodes / 10))
  const { start = 0 } = options
  for (let i = 0; i < hopeful.length && candidates.length < enough; i++) {
    const { node } = hopeful[(start + i) % hopeful.length] as Refusal
    const found = victimsOn(node, need, options)
    if (Array.isArray(found)) why.push(...found)
    else candidates.push(found)
  }
  const [first, ...others] = candidates
  if (first) return { do: 'preempt', candidate: others.reduce(better, first) }
  const helpless = unplaced.nodes - hopeful.length
  return nothing(
    `0/${unplaced.nodes} nodes are available: ${counted([...why, ...Array<string>(helpless).fill(hopeless)])}.`,
    true,
  )
}

/** Whether the Pod would fit if everybody of lower priority left the node. cost: nothing where there is nobody. */
export function couldMakeRoom(need: PodNeed, node: NodeView, options: Omit<PreemptOptions, 'budgets'>): boolean {
  if (need.pod.spec.preemptionPolicy === 'Never') return false
  const lower = new Map([...node.pods].filter(([, { priority }]) => priority < need.priority))
  if (lower.size === 0) return false
  const view = withoutPods(node, lower)
  return refusalOf(view, need, worldWith(node, view, need, options)) === undefined
}

/** k8s: sorted as texts with the count before them, so `10 a` comes before `2 b`. */
export function counted(texts: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts]
    .map(([text, count]) => `${count} ${text}`)
    .sort()
    .join(', ')
}

/** k8s: not when the promised node has become impossible, for then the Pod may try elsewhere. */
function waitsForVictims({ priority }: PodNeed, { refusals }: Unplaced, { nominated }: PreemptOptions): boolean {
  const refusal = refusals.find(({ node }) => node.name === nominated)
  if (!refusal || refusal.reasons.some(({ unresolvable }) => unresolvable)) return false
  for (const other of refusal.node.pods.values())
    if (other.priority < priority && other.pod.metadata.deletionTimestamp !== undefined) return true
  return false
}

/** The fewest and least important Pods of the node that have to go, or why that would not help. */
function victimsOn(node: NodeView, need: PodNeed, options: PreemptOptions): Candidate | string[] {
  const lower = [...node.pods.values()].filter(({ priority }) => priority < need.priority).sort(byImportance)
  if (lower.length === 0) return [nobody]
  const view = withoutPods(node, new Map(lower.map((one) => [one.uid, one])))
  const world = worldWith(node, view, need, options)
  const refusal = refusalOf(view, need, world)
  if (refusal) return refusal
  const { violating, harmless } = byBudget(lower, options.budgets)
  const victims: PodNeed[] = []
  // who can stay after all: those of overdrawn budgets first, then the most important
  for (const one of [...violating, ...harmless]) {
    addPod(view, one)
    if (!refusalOf(view, need, world)) continue
    removePod(view, one.uid)
    victims.push(one)
  }
  const violations = victims.filter((one) => violating.includes(one)).length
  return { node, victims: victims.sort(byImportance), violations }
}

type Trial = Omit<PreemptOptions, 'budgets'>

/** The cluster with `view` in the place of `node`; only rules about other Pods look beyond the node. */
function worldWith(node: NodeView, view: NodeView, need: PodNeed, options: Trial): Trial {
  const looksAround = need.terms !== undefined || need.spread !== undefined || options.affineNodes.size > 0
  if (!looksAround) return options
  const swap = (one: NodeView) => (one === node ? view : one)
  return { ...options, everyNode: options.everyNode.map(swap), affineNodes: new Set([...options.affineNodes].map(swap)) }
}

/** Why the node is refused as it is in `view`; undefined: it fits. */
function refusalOf(view: NodeView, need: PodNeed, world: Trial): string[] | undefined {
  const decision = decide(need, [view], world.profile, { ...world, start: 0, random: () => 0 })
  if (isPlaced(decision)) return undefined
  const { rejected, refusals } = decision
  return rejected ? [rejected.reason.text] : refusals.flatMap(({ reasons }) => reasons.map(({ text }) => text))
}

const startedAt = ({ pod }: PodNeed): number => Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp ?? '') || 0
/** k8s: higher priority first, and of equals the one that runs longer. */
const byImportance = (a: PodNeed, b: PodNeed): number => b.priority - a.priority || startedAt(a) - startedAt(b)

/** Which Pods' going would overdraw a budget, if all of them went, in this order. k8s: an empty selector guards nobody here. */
function byBudget(pods: readonly PodNeed[], budgets: readonly PodDisruptionBudget[]) {
  const guards = budgets
    .filter(({ spec: { selector } }) => selector?.matchLabels !== undefined || selector?.matchExpressions !== undefined)
    .map((pdb) => ({ pdb, matches: labelSelectorMatcher(pdb.spec.selector), left: pdb.status.disruptionsAllowed }))
  const violating: PodNeed[] = []
  const harmless: PodNeed[] = []
  for (const one of pods) {
    const { name, namespace, labels } = one.pod.metadata
    let isViolated = false
    for (const guard of guards) {
      const { metadata, status } = guard.pdb
      if (metadata.namespace !== namespace || !guard.matches(labels)) continue
      // its going was granted, and counted, already
      if (Object.hasOwn(status.disruptedPods ?? {}, name)) continue
      guard.left -= 1
      if (guard.left < 0) isViolated = true
    }
    if (isViolated) violating.push(one)
    else harmless.push(one)
  }
  return { violating, harmless }
}

/** k8s: a priority may be negative, and each victim should count. */
const weightOf = ({ priority }: PodNeed): number => priority + 2 ** 31
/** Of the most important victims, the one that runs longest. */
function longestRunning({ victims }: Candidate): number {
  const highest = victims[0]?.priority
  return Math.min(...victims.filter(({ priority }) => priority === highest).map(startedAt))
}

/** k8s: which of two nodes it costs less to take: asked in this order, the smaller answer wins; the first of equals stays. */
const costs: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ victims }) => victims.reduce((total, one) => total + weightOf(one), 0),
  ({ victims }) => victims.length,
  (candidate) => -longestRunning(candidate),
]

function better(best: Candidate, other: Candidate): Candidate {
  for (const cost of costs) {
    const less = cost(other) - cost(best)
    if (less !== 0) return less < 0 ? other : best
  }
  return best
}
