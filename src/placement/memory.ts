// What every node said to Pods of one shape, kept up to date by the journal of their list: alike Pods come in numbers.
import type { World } from './filter.ts'
import type { Journal, NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import { isUnfit, type Prepared, prepareFilters, type Refusal, refused } from './prepared.ts'
import type { Profile } from './profile.ts'
import type { Score } from './score.ts'

export const verdict = { fits: 0, refuses: 1, /** Fits, and is kept for others as well. */ isPromised: 2 } as const

/** What the filters and scores say that look at Pod and node alone; by place of the node in the list. */
export interface Findings {
  /** Those filters, as far as they concern the Pod. */
  prepared: readonly Prepared[]
  /** One of `verdict`. */
  verdicts: Uint8Array
  refusals: readonly (Refusal | undefined)[]
  /** Of the nodes that fit: what the scores add up to that are 0 to 100 as they are. */
  totals: Float64Array
  /** Of the nodes that fit, what the others say before it is scaled; no entry: all nodes are alike to the score. */
  scores: ReadonlyMap<Score, Float64Array>
}

/** For one profile and one list of nodes; who decides on Pod after Pod keeps it from one decision to the next. */
export interface Memory {
  /**
   * cost: once per node that changed since Pods of this shape were asked about last. Undefined for a shape that is new (what
   * never comes again is not worth remembering), and where no node can be right.
   */
  findings(need: PodNeed, nodes: readonly NodeView[], world: World): Findings | undefined
}

/** Shapes whose findings are kept, and shapes known to have come before; the one that came longest ago is forgotten first. */
const maxKept = 32
const maxKnown = 1024

interface Kept extends Findings {
  learn(node: NodeView, place: number): void
  /** How much of the journal it knows. */
  read: number
}

/** `journal` is that of the list of nodes that will be asked about. */
export function memory(profile: Profile, journal: Journal): Memory {
  const kept = new Map<string, Kept>()
  const known = new Map<string, true>()
  let places = new Map<NodeView, number>()
  let epoch = -1
  const startEpoch = (nodes: readonly NodeView[]) => {
    if (journal.epoch === epoch) return
    epoch = journal.epoch
    kept.clear()
    places = new Map(nodes.map((node, place) => [node, place]))
  }
  const learnNews = (found: Kept) => {
    for (; found.read < journal.changed.length; found.read += 1) {
      const node = journal.changed[found.read] as NodeView
      const place = places.get(node)
      if (place !== undefined) found.learn(node, place)
    }
  }
  const learnAll = (need: PodNeed, nodes: readonly NodeView[], world: World): Kept | undefined => {
    const found = findingsOf(need, profile, world, nodes)
    return found && { ...found, read: journal.changed.length }
  }
  return {
    findings(need, nodes, world) {
      startEpoch(nodes)
      const shape = shapeOf(need, world)
      const found = kept.get(shape) ?? (known.has(shape) ? learnAll(need, nodes, world) : undefined)
      if (!found) setLast(known, [shape, true], maxKnown)
      else {
        setLast(kept, [shape, found], maxKept)
        learnNews(found)
      }
      return found
    },
  }
}

function setLast<T>(map: Map<string, T>, [key, value]: readonly [string, T], most: number): void {
  map.delete(key)
  map.set(key, value)
  for (const first of map.keys()) {
    if (map.size <= most) return
    map.delete(first)
  }
}

/** All that those filters and scores read beside the node. */
function shapeOf(need: PodNeed, { classes }: World): string {
  const { tolerations, nodeSelector, affinity, nodeName, runtimeClassName } = need.pod.spec
  const { milliCpu, memoryBytes, ephemeralBytes, isZero, assumedMilliCpu, assumedMemoryBytes } = need
  let shape = `${milliCpu} ${memoryBytes} ${ephemeralBytes} ${isZero} ${assumedMilliCpu} ${assumedMemoryBytes}`
  for (const [resource, amount] of need.overhead) shape += ` ${resource}=${amount}`
  // the rest is rare, and a class and its handler are words without blanks
  if (runtimeClassName) shape += ` class ${runtimeClassName} ${classes.get(runtimeClassName)}`
  if (nodeName) shape += ` node ${nodeName}`
  for (const part of [need.others, need.hostPorts, tolerations, nodeSelector, affinity?.nodeAffinity])
    if (part) shape += JSON.stringify(part)
  return shape
}

function findingsOf(need: PodNeed, profile: Profile, world: World, nodes: readonly NodeView[]): Omit<Kept, 'read'> | undefined {
  const ofNodeAlone = profile.filters.filter(({ asksOthers }) => !asksOthers)
  const prepared = prepareFilters(ofNodeAlone, need, world)
  if (isUnfit(prepared)) return undefined
  const verdicts = new Uint8Array(nodes.length)
  const refusals: (Refusal | undefined)[] = []
  const totals = new Float64Array(nodes.length)
  const scores = profile.scores.flatMap(({ score, weight }) => {
    const state = score.asksOthers ? undefined : score.prepare(need, world, [])
    return state === undefined ? [] : [{ score, weight, state }]
  })
  const settled = scores.filter(({ score }) => score.scale === undefined)
  const scaled = scores.flatMap((one) => (one.score.scale ? [{ ...one, raw: new Float64Array(nodes.length) }] : []))
  const learn = (node: NodeView, place: number): void => {
    const refusal = refused(prepared, node)
    refusals[place] = refusal
    verdicts[place] = refusal ? verdict.refuses : node.nominated.size > 0 ? verdict.isPromised : verdict.fits
    if (refusal) return
    totals[place] = 0
    for (const { score, weight, state } of settled) totals[place] = (totals[place] ?? 0) + weight * score.score(state, node)
    for (const { score, state, raw } of scaled) raw[place] = score.score(state, node)
  }
  nodes.forEach(learn)
  return { prepared, verdicts, refusals, totals, scores: new Map(scaled.map(({ score, raw }) => [score, raw])), learn }
}
