import { filter } from '../filter.ts'
import { matchesNode, nodeTest, type NodeTest } from '../node-selector.ts'
import type { PodNeed } from '../pod-need.ts'

interface Wanted {
  selector: readonly (readonly [string, string])[]
  /** One of these; undefined: no required affinity. */
  terms: readonly NodeTest[] | undefined
}

const elsewhere = [{ text: "node(s) didn't match Pod's node affinity/selector", unresolvable: true }]

function prepare({ pod }: PodNeed): Wanted | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const selector = Object.entries(pod.spec.nodeSelector ?? {})
  if (!required && selector.length === 0) return undefined
  return { selector, terms: required?.nodeSelectorTerms.map(nodeTest) }
}

/** nodeSelector and required node affinity, both. */
export const nodeAffinity = filter({
  name: 'NodeAffinity',
  prepare,
  check({ selector, terms }: Wanted, { name, labels }) {
    for (const [key, value] of selector) if (labels[key] !== value) return elsewhere
    return !terms || terms.some((term) => matchesNode(term, name, labels)) ? undefined : elsewhere
  },
})
