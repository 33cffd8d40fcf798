import { filter, type World } from '../filter.ts'
import type { PodNeed } from '../pod-need.ts'
import type { SpreadRule } from '../pod-terms.ts'
import { hasEveryKey, includer, matchCounter } from '../spread.ts'

const skewed = [{ text: "node(s) didn't match pod topology spread constraints" }]
const unlabelled = [{ text: "node(s) didn't match pod topology spread constraints (missing required label)", unresolvable: true }]

interface Spread {
  rule: SpreadRule
  /** Domain to the Pods that match there. */
  counts: ReadonlyMap<string, number>
  /** In the emptiest domain; 0 when there are too few domains. */
  least: number
  /** The Pod itself, when it matches. */
  self: 0 | 1
}

function prepare(need: PodNeed, world: World): readonly Spread[] | undefined {
  const rules = need.spread?.filter(({ isHard }) => isHard)
  if (!rules?.length) return undefined
  const { namespace, labels } = need.pod.metadata
  const includes = includer(need, world)
  const nodes = world.everyNode.filter((node) => hasEveryKey(rules, node))
  return rules.map((rule) => {
    const counts = new Map<string, number>()
    const count = matchCounter(rule, namespace)
    for (const node of nodes) {
      if (!includes(rule, node)) continue
      const domain = node.labels[rule.topologyKey] ?? ''
      counts.set(domain, (counts.get(domain) ?? 0) + count(node))
    }
    const least = counts.size === 0 || counts.size < rule.minDomains ? 0 : Math.min(...counts.values())
    return { rule, counts, least, self: rule.matches(labels) ? 1 : 0 }
  })
}

/** Topology spread constraints that forbid: DoNotSchedule. */
export const topologySpread = filter({
  name: 'PodTopologySpread',
  asksOthers: true,
  prepare,
  check(spreads: readonly Spread[], { labels }) {
    for (const { rule, counts, least, self } of spreads) {
      const domain = labels[rule.topologyKey]
      if (domain === undefined) return unlabelled
      if ((counts.get(domain) ?? 0) + self - least > rule.maxSkew) return skewed
    }
    return undefined
  },
})
