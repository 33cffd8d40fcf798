// Which objects a list or watch is about: namespace by key, labels and fields by a matcher.
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { parseLabelSelector } from '../api/selector.ts'
import { badRequest } from '../api/status.ts'
import type { Where } from '../client/client.ts'
import { keyOf, listPrefix } from './keys.ts'

export interface Selection {
  /** Keys outside are not meant. */
  prefix: string
  /** Absent: every object under the prefix. */
  matches?: ((object: AnyObject) => boolean) | undefined
}

/** Throws a 400 for selectors that cannot be read. */
export function selectionOf(kind: AnyKind, { namespace, labelSelector, fieldSelector }: Where): Selection {
  const prefix = listPrefix(kind, namespace)
  const byLabel = labelSelector ? parseLabelSelector(labelSelector) : undefined
  const byField = fieldSelector ? fieldMatcher(kind, fieldSelector) : undefined
  if (!byLabel && !byField) return { prefix }
  return { prefix, matches: (object) => (byLabel?.(object.metadata.labels) ?? true) && (byField?.(object) ?? true) }
}

function fieldMatcher(kind: AnyKind, text: string): (object: AnyObject) => boolean {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const parts = /^(.*?)(!=|==|=)(.*)$/.exec(term)
      if (!parts) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
      const [, field = '', operator, value = ''] = parts
      const textOf = fieldText(kind, field)
      return (object: AnyObject) => (textOf(object) === value) === (operator !== '!=')
    })
  return (object) => terms.every((term) => term(object))
}

function fieldText(kind: AnyKind, field: string): (object: AnyObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  const known = kind.selectable && Object.hasOwn(kind.selectable, field) ? kind.selectable[field] : undefined
  if (!known) throw badRequest(`field label not supported: ${field}`)
  return known
}

export const inSelection = (kind: AnyKind, { prefix, matches }: Selection, object: AnyObject): boolean =>
  keyOf(kind, object.metadata).startsWith(prefix) && (matches?.(object) ?? true)
