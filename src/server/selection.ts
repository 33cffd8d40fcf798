// Which objects a list or watch is about: namespace by key, labels and fields by a matcher.
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { fieldEquals, parseFieldSelector, parseLabelSelector } from '../api/selector.ts'
import type { Where } from '../client/client.ts'
import { listPrefix } from './keys.ts'

export interface Selection {
  /** Keys outside are not meant. */
  prefix: string
  /** Only Pods of this node. */
  node?: string | undefined
  /** Absent: every object under the prefix. */
  matches?: ((object: AnyObject) => boolean) | undefined
}

/** Throws a 400 for selectors that cannot be read. */
export function selectionOf(kind: AnyKind, { namespace, labelSelector, fieldSelector }: Where): Selection {
  const prefix = listPrefix(kind, namespace)
  const byLabel = labelSelector ? parseLabelSelector(labelSelector) : undefined
  const byField = fieldSelector ? parseFieldSelector(kind, fieldSelector) : undefined
  if (!byLabel && !byField) return { prefix }
  const node = kind.kind === 'Pod' && fieldSelector ? fieldEquals(fieldSelector, 'spec.nodeName') : undefined
  return { prefix, node, matches: (object) => (byLabel?.(object.metadata.labels) ?? true) && (byField?.(object) ?? true) }
}
