import { filter, type World } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import { podCounter } from '../pod-counter.ts'
import type { PodNeed } from '../pod-need.ts'
import type { PodTerm } from '../pod-terms.ts'
import { addCount, countOf, type DomainCounts } from '../topology.ts'

const noFriend = [{ text: "node(s) didn't match pod affinity rules", unresolvable: true }]
const foe = [{ text: "node(s) didn't match pod anti-affinity rules" }]
const unwelcome = [{ text: "node(s) didn't satisfy existing pods anti-affinity rules" }]
const noTerms: readonly PodTerm[] = []

interface State {
  affinity: readonly PodTerm[]
  antiAffinity: readonly PodTerm[]
  /** Pods that match all of `affinity`, by the domain of each term. */
  friends: DomainCounts
  /** Pods that match a term of `antiAffinity`, by its domain. */
  foes: DomainCounts
  /** Pods there whose own anti-affinity is about this Pod, by their domain. */
  refusing: DomainCounts
  /** Nobody matches yet, and the Pod would match itself: it may be the first. */
  isFirst: boolean
}

function prepare(need: PodNeed, world: World): State | undefined {
  const { affinity = noTerms, antiAffinity = noTerms } = need.terms ?? {}
  const asks = affinity.length > 0 || antiAffinity.length > 0
  if (!asks && world.affineNodes.size === 0) return undefined
  const refusing = refusals(need, world)
  if (!asks) return refusing.size === 0 ? undefined : { ...empty, refusing }
  const friends: DomainCounts = new Map()
  const foes: DomainCounts = new Map()
  if (affinity.length > 0) countNear(friends, affinity, friendCounter(affinity, world), world)
  for (const term of antiAffinity) countNear(foes, [term], friendCounter([term], world), world)
  const matchesItself = affinity.every((term) => term.matches(need.pod, world.namespaces))
  return { affinity, antiAffinity, friends, foes, refusing, isFirst: friends.size === 0 && matchesItself }
}

const empty: Omit<State, 'refusing'> = {
  ...{ affinity: noTerms, antiAffinity: noTerms, friends: new Map(), foes: new Map(), isFirst: false },
}

/** k8s: a friend is who matches every term. */
function friendCounter(terms: readonly PodTerm[], { namespaces }: World): (node: NodeView) => number {
  const keys = terms.map(({ key }) => key)
  const key = keys.includes(undefined) ? undefined : `near ${keys.join(' ')}`
  return podCounter(key, (pod) => terms.every((term) => term.matches(pod, namespaces)))
}

/** cost: once per Pod that asks, and node; and per Pod there, where these have changed. */
function countNear(
  counts: DomainCounts,
  terms: readonly PodTerm[],
  count: (node: NodeView) => number,
  { everyNode }: World,
): void {
  for (const node of everyNode) {
    const there = count(node)
    if (there > 0) for (const term of terms) countAt(counts, node.labels, term, there)
  }
}

function refusals({ pod }: PodNeed, { affineNodes, namespaces }: World): DomainCounts {
  const found: DomainCounts = new Map()
  for (const { affine, labels } of affineNodes)
    for (const { terms } of affine.values())
      for (const term of terms?.antiAffinity ?? noTerms) if (term.matches(pod, namespaces)) countAt(found, labels, term)
  return found
}

function countAt(counts: DomainCounts, labels: NodeView['labels'], { topologyKey }: PodTerm, by = 1): void {
  const value = labels[topologyKey]
  if (value !== undefined) addCount(counts, topologyKey, value, by)
}

const isNear = (counts: DomainCounts, { labels }: NodeView, { topologyKey }: PodTerm): boolean => {
  const value = labels[topologyKey]
  return value !== undefined && countOf(counts, topologyKey, value) > 0
}

function isAmongFriends({ affinity, friends, isFirst }: State, node: NodeView): boolean {
  if (affinity.some(({ topologyKey }) => node.labels[topologyKey] === undefined)) return false
  return isFirst || affinity.every((term) => isNear(friends, node, term))
}

function isRefused({ refusing }: State, { labels }: NodeView): boolean {
  for (const [key, values] of refusing) {
    const value = labels[key]
    if (value !== undefined && values.has(value)) return true
  }
  return false
}

/** Required Pod affinity and anti-affinity, and the anti-affinity of those that are there already. */
export const interPodAffinity = filter({
  name: 'InterPodAffinity',
  asksOthers: true,
  prepare,
  check(state: State, node) {
    if (state.affinity.length > 0 && !isAmongFriends(state, node)) return noFriend
    if (state.antiAffinity.some((term) => isNear(state.foes, node, term))) return foe
    return isRefused(state, node) ? unwelcome : undefined
  },
})
