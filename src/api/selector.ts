// Label and field selectors as clients write them, turned into matchers. Refusals are 400s in upstream's words.
import type { AnyKind, AnyObject } from './kind.ts'
import type { LabelSelector } from './label-selector.ts'
import { own } from './own.ts'
import { type LabelOperator, labelRequirements, type Requirement } from './selector-text.ts'
import { badRequest } from './status.ts'

type Labels = Record<string, string> | undefined
export type LabelMatcher = (labels: Labels) => boolean
export type ObjectMatcher = (object: AnyObject) => boolean

/** k8s: `!=` and `notin` also match objects without the label. */
function meets(labels: Labels, { key, operator, values }: Requirement): boolean {
  const value = own(labels, key)
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'gt':
      return isInteger(value) && BigInt(value) > BigInt(values[0] ?? '')
    case 'lt':
      return isInteger(value) && BigInt(value) < BigInt(values[0] ?? '')
  }
}
const isInteger = (text: string | undefined): text is string => text !== undefined && /^[+-]?\d+$/.test(text)

const allMet =
  (requirements: readonly Requirement[]): LabelMatcher =>
  (labels) =>
    requirements.every((requirement) => meets(labels, requirement))

/** `a=b,c!=d,e in (x,y),f notin (z),g,!h`; an empty text matches everything. Throws a 400. */
export const parseLabelSelector = (text: string): LabelMatcher => allMet(labelRequirements(text))

const operators: Record<string, LabelOperator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** k8s: an empty selector matches everything, none at all (undefined) matches nothing. Throws a 400 for an unknown operator. */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined) return () => false
  const equal = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: '=', values: [value] }),
  )
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }): Requirement => {
    const known = own(operators, operator)
    if (!known) throw badRequest(`"${operator}" is not a valid label selector operator`)
    return { key, operator: known, values }
  })
  return allMet([...equal, ...expressions])
}

/** One term of a field selector. `k8s:` an absent field is the empty text, so `spec.nodeName=` finds unscheduled Pods. */
interface FieldTerm {
  field: string
  equal: boolean
  value: string
}

/** `a=b,c==d,e!=f` over the kind's selectable fields and metadata; an empty text matches everything. Throws a 400. */
export function parseFieldSelector(kind: AnyKind, text: string): ObjectMatcher {
  const tests = fieldTerms(text).map(({ field, equal, value }): ObjectMatcher => {
    const read = readerOf(kind, field)
    return (object) => (read(object) === value) === equal
  })
  return (object) => tests.every((test) => test(object))
}

/** The value that `field` must have for the selector to match, when it says so: what an index can answer. */
export const fieldEquals = (text: string, field: string): string | undefined =>
  fieldTerms(text).find((term) => term.field === field && term.equal)?.value

function readerOf(kind: AnyKind, field: string): (object: AnyObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name
  const byNamespace = kind.scope === 'namespaced' || kind.selectable === undefined
  if (field === 'metadata.namespace' && byNamespace) return (object) => object.metadata.namespace ?? ''
  const fields = kind.selectable
  if (fields === undefined)
    throw badRequest(`${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`)
  const read = own(fields, field)
  if (!read) throw badRequest(`field label not supported: ${field}`)
  return read
}

/** k8s: terms are taken in sorted order, which decides the fault that is reported. */
function fieldTerms(text: string): FieldTerm[] {
  const parts = text.match(/(?:\\[^]|[^,\\])+\\?/g) ?? []
  return parts.sort().map((part) => {
    const [, field, operator, value] = /^([^=!]*?)(!=|==|=)([^]*)$/.exec(part) ?? []
    if (field === undefined || value === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`)
    return { field, equal: operator !== '!=', value: unescaped(value) }
  })
}

/** A backslash takes the meaning from a comma, an equal sign and itself; bare ones are faults. */
function unescaped(value: string): string {
  const escape = /\\(?![,=\\])([^]?)/.exec(value.replaceAll(/\\[,=\\]/g, ''))
  if (escape) throw badRequest(`invalid field selector, the value contains an invalid escape sequence: ${escape[0]}`)
  if (/(?<!\\)=/.test(value.replaceAll('\\\\', '')))
    throw badRequest('invalid field selector, the value contains an unescaped character: =')
  return value.replaceAll(/\\([,=\\])/g, '$1')
}
