// How many Pods of a node something is about, remembered until the node's Pods change: alike Pods ask alike questions.
import type { Pod } from '../api/core/pod.ts'
import type { NodeView } from './node-view.ts'

interface Remembered {
  version: number
  count: number
}

const byKey = new Map<string, WeakMap<NodeView, Remembered>>()
/** Questions remembered at most; the one asked first is forgotten first. */
const maxKeys = 256

/**
 * Counts Pods that `holds` is true of. `key` says all that the answer depends on beside the Pod, so that equal keys ask equal
 * questions; undefined: it depends on more, and is counted each time.
 */
export function podCounter(key: string | undefined, holds: (pod: Pod) => boolean): (node: NodeView) => number {
  const count = ({ pods }: NodeView): number => {
    let found = 0
    for (const { pod } of pods.values()) if (holds(pod)) found += 1
    return found
  }
  if (key === undefined) return count
  const known = rememberedUnder(key)
  return (node) => {
    if (node.pods.size === 0) return 0
    const before = known.get(node)
    if (before?.version === node.version) return before.count
    const now = { version: node.version, count: count(node) }
    known.set(node, now)
    return now.count
  }
}

function rememberedUnder(key: string): WeakMap<NodeView, Remembered> {
  let known = byKey.get(key)
  if (!known) byKey.set(key, (known = new WeakMap()))
  for (const oldest of byKey.keys()) {
    if (byKey.size <= maxKeys) break
    byKey.delete(oldest)
  }
  return known
}
