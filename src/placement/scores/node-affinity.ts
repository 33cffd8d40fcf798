import { matchesNode, nodeTest, type NodeTest } from '../node-selector.ts'
import { score } from '../score.ts'

interface Preference {
  weight: number
  test: NodeTest
}

/** The weights of preferred node affinity terms that match. k8s: an empty preference matches no node. */
export const preferredNodeAffinity = score({
  name: 'NodeAffinity',
  scale: 'most-is-best',
  prepare({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
    if (!preferred?.length) return undefined
    return preferred.map(({ weight, preference }): Preference => ({ weight, test: nodeTest(preference) }))
  },
  score(preferences: readonly Preference[], { name, labels }) {
    let total = 0
    for (const { weight, test } of preferences) if (matchesNode(test, name, labels)) total += weight
    return total
  },
})
