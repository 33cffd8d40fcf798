import type { World } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import { podCounter } from '../pod-counter.ts'
import type { PodNeed } from '../pod-need.ts'
import { score } from '../score.ts'
import { addCount, countOf, type DomainCounts } from '../topology.ts'

/** k8s: hardPodAffinityWeight: what a Pod there that requires this one's company counts. */
const requiredWeight = 1

function prepare(need: PodNeed, world: World): DomainCounts | undefined {
  const wishes = need.terms?.preferred ?? []
  if (wishes.length === 0 && world.affineNodes.size === 0) return undefined
  const weights: DomainCounts = new Map()
  for (const { affine, labels } of world.affineNodes)
    for (const neighbour of affine.values()) wishesOf(neighbour, need, { labels, weights }, world)
  for (const wish of wishes) {
    const key = wish.key === undefined ? undefined : `near ${wish.key}`
    const count = podCounter(key, (pod) => wish.matches(pod, world.namespaces))
    for (const node of world.everyNode) {
      const there = count(node)
      if (there > 0) weigh(weights, node.labels, wish.topologyKey, there * wish.weight)
    }
  }
  return weights.size === 0 ? undefined : weights
}

/** What a Pod there says of the one that comes. */
function wishesOf(
  { terms }: PodNeed,
  { pod }: PodNeed,
  { labels, weights }: { labels: NodeView['labels']; weights: DomainCounts },
  { namespaces }: World,
): void {
  for (const term of terms?.affinity ?? [])
    if (term.matches(pod, namespaces)) weigh(weights, labels, term.topologyKey, requiredWeight)
  for (const wish of terms?.preferred ?? [])
    if (wish.matches(pod, namespaces)) weigh(weights, labels, wish.topologyKey, wish.weight)
}

function weigh(weights: DomainCounts, labels: NodeView['labels'], key: string, weight: number): void {
  const domain = labels[key]
  if (domain !== undefined) addCount(weights, key, domain, weight)
}

/** Preferred Pod affinity and anti-affinity, of the Pod itself and of those that are there. */
export const podAffinityWishes = score({
  name: 'InterPodAffinity',
  asksOthers: true,
  scale: 'from-least-to-most',
  prepare,
  score(weights: DomainCounts, { labels }) {
    let total = 0
    for (const key of weights.keys()) {
      const domain = labels[key]
      if (domain !== undefined) total += countOf(weights, key, domain)
    }
    return total
  },
})
