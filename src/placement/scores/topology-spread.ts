import type { World } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import type { PodNeed } from '../pod-need.ts'
import type { SpreadRule } from '../pod-terms.ts'
import { ignored, score } from '../score.ts'
import { hasEveryKey, includer, matchCounter } from '../spread.ts'

const hostname = 'kubernetes.io/hostname'

interface Wish {
  rule: SpreadRule
  count: (node: NodeView) => number
  /** By domain; undefined for single nodes, which are counted when they are asked about. */
  counts: ReadonlyMap<string, number> | undefined
  /** k8s: the more domains, the more each Pod in one of them counts. */
  weight: number
}

function prepare(need: PodNeed, world: World, fitting: readonly NodeView[]): readonly Wish[] | undefined {
  const rules = need.spread?.filter(({ isHard }) => !isHard)
  if (!rules?.length) return undefined
  const { namespace } = need.pod.metadata
  const includes = includer(need, world)
  const candidates = fitting.filter((node) => hasEveryKey(rules, node))
  const nodes = world.everyNode.filter((node) => hasEveryKey(rules, node))
  return rules.map((rule) => {
    const count = matchCounter(rule, namespace)
    if (rule.topologyKey === hostname) return { rule, count, counts: undefined, weight: Math.log(candidates.length + 2) }
    const counts = new Map(candidates.map(({ labels }) => [labels[rule.topologyKey] ?? '', 0]))
    for (const node of nodes) {
      const domain = node.labels[rule.topologyKey] ?? ''
      const before = counts.get(domain)
      if (before !== undefined && includes(rule, node)) counts.set(domain, before + count(node))
    }
    return { rule, count, counts, weight: Math.log(counts.size + 2) }
  })
}

/** Topology spread constraints that are wishes: ScheduleAnyway. */
export const spreadWishes = score({
  name: 'PodTopologySpread',
  asksOthers: true,
  scale: 'fewest-is-best',
  prepare,
  score(wishes: readonly Wish[], node) {
    let total = 0
    for (const { rule, count, counts, weight } of wishes) {
      const domain = node.labels[rule.topologyKey]
      if (domain === undefined) return ignored
      const there = counts ? (counts.get(domain) ?? 0) : count(node)
      total += there * weight + (rule.maxSkew - 1)
    }
    return Math.round(total)
  },
})
