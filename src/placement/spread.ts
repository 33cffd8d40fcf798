// What filter and score of topology spread constraints share: who counts, and where.
import type { Pod } from '../api/core/pod.ts'
import { untolerated } from '../api/core/tolerates.ts'
import { nodeAffinity } from './filters/node-affinity.ts'
import type { World } from './filter.ts'
import type { NodeView } from './node-view.ts'
import { podCounter } from './pod-counter.ts'
import type { PodNeed } from './pod-need.ts'
import type { SpreadRule } from './pod-terms.ts'

/** Whether a rule counts what is on a node. */
export type Includes = (rule: SpreadRule, node: NodeView) => boolean

/** k8s: by default nodes that the Pod's own node affinity rules out are not counted, and tainted ones are. */
export function includer(need: PodNeed, world: World): Includes {
  const affinity = nodeAffinity.prepare(need, world)
  const tolerations = need.pod.spec.tolerations ?? []
  return ({ honorsNodeAffinity, honorsTaints }, node) =>
    !(honorsNodeAffinity && affinity !== undefined && nodeAffinity.check(affinity, node)) &&
    !(honorsTaints && untolerated(node.hardTaints, tolerations))
}

/** Counts the Pods on a node that the rule is about. k8s: those that are going do not count. */
export function matchCounter({ matches, key }: SpreadRule, namespace: string | undefined): (node: NodeView) => number {
  const holds = ({ metadata }: Pod) =>
    metadata.namespace === namespace && metadata.deletionTimestamp === undefined && matches(metadata.labels)
  return podCounter(`spread ${namespace} ${key}`, holds)
}

/** k8s: a node that lacks a key of one rule is looked at by none. */
export const hasEveryKey = (rules: readonly SpreadRule[], { labels }: NodeView): boolean =>
  rules.every(({ topologyKey }) => labels[topologyKey] !== undefined)
