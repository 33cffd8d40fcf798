// What was found out about each node for Pods of one shape, remembered until the node changes: alike Pods come in numbers.
import type { World } from './filter.ts'
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import { isUnfit, type Prepared, prepareFilters, type Refusal, refused } from './prepared.ts'
import type { Profile } from './profile.ts'
import type { Score } from './score.ts'

/** What the filters and scores say that look at Pod and node alone. */
export interface Findings {
  /** Those filters, as far as they concern the Pod. */
  prepared: readonly Prepared[]
  /** `place`: of the node in the list of nodes. cost: two comparisons where the node is as it was. */
  refusal(node: NodeView, place: number): Refusal | undefined
  /** Raw scores by place, right for every node that `refusal` was asked about and fits; undefined: all nodes are alike. */
  scores(score: Score): Float64Array | undefined
}

/** For one profile and one list of nodes; who decides on Pod after Pod keeps it from one decision to the next. */
export interface Memory {
  /** Undefined for a shape that is new (what never comes again is not worth remembering), and where no node can be right. */
  findings(need: PodNeed, world: World): Findings | undefined
}

/** Shapes whose findings are kept, and shapes known to have come before; the one that came longest ago is forgotten first. */
const maxKept = 32
const maxKnown = 1024

export function memory(profile: Profile): Memory {
  const kept = new Map<string, Findings>()
  const known = new Map<string, true>()
  return {
    findings(need, world) {
      const shape = shapeOf(need, world)
      const found = kept.get(shape) ?? (known.has(shape) ? findingsOf(need, profile, world) : undefined)
      if (found) setLast(kept, [shape, found], maxKept)
      else setLast(known, [shape, true], maxKnown)
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
function shapeOf({ pod, overhead, ...need }: PodNeed, { classes }: World): string {
  const { tolerations, nodeSelector, affinity, nodeName, runtimeClassName } = pod.spec
  const { milliCpu, memoryBytes, ephemeralBytes, others, isZero, assumedMilliCpu, assumedMemoryBytes, hostPorts } = need
  return JSON.stringify([
    ...[milliCpu, memoryBytes, ephemeralBytes, others, isZero, assumedMilliCpu, assumedMemoryBytes, hostPorts],
    ...[tolerations, nodeSelector, affinity?.nodeAffinity, nodeName],
    runtimeClassName && [runtimeClassName, classes.get(runtimeClassName)],
    Array.from(overhead, ([resource, amount]) => `${resource}=${amount}`),
  ])
}

/** Room for the answers about so many nodes. */
const tableOf = (size: number, scores: number) => ({
  nodes: Array.from({ length: size }, (): NodeView | undefined => undefined),
  versions: new Float64Array(size),
  refusals: Array.from({ length: size }, (): Refusal | undefined => undefined),
  raw: Array.from({ length: scores }, () => new Float64Array(size)),
})

function findingsOf(need: PodNeed, profile: Profile, world: World): Findings | undefined {
  const prepared = prepareFilters(
    profile.filters.filter(({ asksOthers }) => !asksOthers),
    need,
    world,
  )
  if (isUnfit(prepared)) return undefined
  const scores = profile.scores.flatMap(({ score }) => {
    const state = score.asksOthers ? undefined : score.prepare(need, world, [])
    return state === undefined ? [] : [{ score, state }]
  })
  const numbers = new Map(scores.map(({ score }, i) => [score, i]))
  let table = tableOf(world.everyNode.length, scores.length)
  const learn = (node: NodeView, place: number): void => {
    // the list of nodes has grown: all is found out again
    if (place >= table.versions.length) table = tableOf(2 * place + 1, scores.length)
    const refusal = refused(prepared, node)
    table.nodes[place] = node
    table.versions[place] = node.version
    table.refusals[place] = refusal
    if (!refusal)
      for (const [i, { score, state }] of scores.entries()) (table.raw[i] as Float64Array)[place] = score.score(state, node)
  }
  return {
    prepared,
    refusal(node, place) {
      if (table.nodes[place] !== node || table.versions[place] !== node.version) learn(node, place)
      return table.refusals[place]
    },
    scores(score) {
      const number = numbers.get(score)
      return number === undefined ? undefined : table.raw[number]
    },
  }
}
