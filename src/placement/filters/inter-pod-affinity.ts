import { filter, type World } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
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
  for (const node of world.everyNode) countOnNode(node, { affinity, antiAffinity, friends, foes }, world)
  const matchesItself = affinity.every((term) => term.matches(need.pod, world.namespaces))
  return { affinity, antiAffinity, friends, foes, refusing, isFirst: friends.size === 0 && matchesItself }
}

const empty: Omit<State, 'refusing'> = {
  ...{ affinity: noTerms, antiAffinity: noTerms, friends: new Map(), foes: new Map(), isFirst: false },
}

/** cost: once per Pod that asks, and node and Pod there. */
function countOnNode(
  { labels, pods }: NodeView,
  { affinity, antiAffinity, friends, foes }: Pick<State, 'affinity' | 'antiAffinity' | 'friends' | 'foes'>,
  { namespaces }: World,
): void {
  for (const { pod } of pods.values()) {
    // k8s: a friend is who matches every term
    if (affinity.length > 0 && affinity.every((term) => term.matches(pod, namespaces)))
      for (const term of affinity) countAt(friends, labels, term)
    for (const term of antiAffinity) if (term.matches(pod, namespaces)) countAt(foes, labels, term)
  }
}

function refusals({ pod }: PodNeed, { affineNodes, namespaces }: World): DomainCounts {
  const found: DomainCounts = new Map()
  for (const { affine, labels } of affineNodes)
    for (const { terms } of affine.values())
      for (const term of terms?.antiAffinity ?? noTerms) if (term.matches(pod, namespaces)) countAt(found, labels, term)
  return found
}

function countAt(counts: DomainCounts, labels: NodeView['labels'], { topologyKey }: PodTerm): void {
  const value = labels[topologyKey]
  if (value !== undefined) addCount(counts, topologyKey, value, 1)
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
  prepare,
  check(state: State, node) {
    if (state.affinity.length > 0 && !isAmongFriends(state, node)) return noFriend
    if (state.antiAffinity.some((term) => isNear(state.foes, node, term))) return foe
    return isRefused(state, node) ? unwelcome : undefined
  },
})
