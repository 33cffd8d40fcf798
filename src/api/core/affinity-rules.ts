// Affinity of Pods to nodes and to other Pods, and how they spread.
import { duplicate, type FieldError, invalid, invalidFor, notSupported, required } from '../field-error.ts'
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '../name.ts'
import type { Affinity, NodeSelector, NodeSelectorTerm, PodAffinityTerm } from './affinity.ts'
import { labelSelectorErrors, setOperatorErrors } from './label-selector-rules.ts'
import type { PodSpec } from './pod-spec.ts'

const must = 'requiredDuringSchedulingIgnoredDuringExecution'
const likes = 'preferredDuringSchedulingIgnoredDuringExecution'

export function affinityErrors(affinity: Affinity | undefined, field: string): FieldError[] {
  if (!affinity) return []
  const { nodeAffinity } = affinity
  const wrong: FieldError[] = []
  if (nodeAffinity) {
    const at = `${field}.nodeAffinity`
    if (nodeAffinity[must]) wrong.push(...nodeSelectorErrors(nodeAffinity[must], `${at}.${must}`))
    for (const [i, { weight, preference }] of (nodeAffinity[likes] ?? []).entries())
      wrong.push(
        ...weightErrors(weight, `${at}.${likes}[${i}]`),
        ...nodeTermErrors(preference, `${at}.${likes}[${i}].preference`),
      )
  }
  for (const side of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity[side]
    for (const [i, term] of (terms?.[must] ?? []).entries()) wrong.push(...podTermErrors(term, `${field}.${side}.${must}[${i}]`))
    for (const [i, { weight, podAffinityTerm }] of (terms?.[likes] ?? []).entries()) {
      const at = `${field}.${side}.${likes}[${i}]`
      wrong.push(...weightErrors(weight, at), ...podTermErrors(podAffinityTerm, `${at}.podAffinityTerm`))
    }
  }
  return wrong
}

const weightErrors = (weight: number, at: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(`${at}.weight`, weight, 'must be in the range 1-100')]

function nodeSelectorErrors({ nodeSelectorTerms }: NodeSelector, field: string): FieldError[] {
  const at = `${field}.nodeSelectorTerms`
  if (nodeSelectorTerms.length === 0) return [required(at, 'must have at least one node selector term')]
  return nodeSelectorTerms.flatMap((term, i) => nodeTermErrors(term, `${at}[${i}]`))
}

type NodeRequirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number]

const nodeTermErrors = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, field: string): FieldError[] => [
  ...matchExpressions.flatMap((requirement, i) => expressionErrors(requirement, `${field}.matchExpressions[${i}]`)),
  ...matchFields.flatMap((requirement, i) => nodeFieldErrors(requirement, `${field}.matchFields[${i}]`)),
]

function expressionErrors({ key, operator, values = [] }: NodeRequirement, at: string): FieldError[] {
  const wrong = setOperatorErrors(operator, values, at) ?? orderErrors(operator, values, at)
  wrong.push(...invalidFor(`${at}.key`, key, qualifiedName(key)))
  return [...wrong, ...values.flatMap((value, v) => invalidFor(`${at}.values[${v}]`, value, labelValue(value)))]
}

function orderErrors(operator: string, values: readonly string[], at: string): FieldError[] {
  if (operator !== 'Gt' && operator !== 'Lt') return [invalid(`${at}.operator`, operator, 'not a valid selector operator')]
  return values.length === 1 ? [] : [required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
}

function nodeFieldErrors({ key, operator, values = [] }: NodeRequirement, at: string): FieldError[] {
  const wrong: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') wrong.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
  else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    wrong.push(required(`${at}.values`, why))
  }
  if (key !== 'metadata.name') return [...wrong, invalid(`${at}.key`, key, 'not a valid field selector key')]
  return [...wrong, ...values.flatMap((value, v) => invalidFor(`${at}.values[${v}]`, value, dnsSubdomain(value)))]
}

function podTermErrors(term: PodAffinityTerm, field: string): FieldError[] {
  return [
    ...labelSelectorErrors(term.labelSelector, `${field}.labelSelector`),
    ...labelSelectorErrors(term.namespaceSelector, `${field}.namespaceSelector`),
    // k8s: reported at `namespace`, though the field is `namespaces`
    ...(term.namespaces ?? []).flatMap((name) => invalidFor(`${field}.namespace`, name, dnsLabel(name))),
    ...topologyKeyErrors(term.topologyKey, `${field}.topologyKey`),
  ]
}

const topologyKeyErrors = (key: string, field: string): FieldError[] => [
  ...(key === '' ? [required(field, 'can not be empty')] : []),
  ...invalidFor(field, key, qualifiedName(key)),
]

const unsatisfiable = ['DoNotSchedule', 'ScheduleAnyway']
const policies = ['Honor', 'Ignore']

export function spreadErrors(constraints: PodSpec['topologySpreadConstraints'], field: string): FieldError[] {
  const wrong: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, constraint] of (constraints ?? []).entries()) {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint
    const at = `${field}[${i}]`
    if (maxSkew <= 0) wrong.push(invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero'))
    wrong.push(...topologyKeyErrors(topologyKey, `${at}.topologyKey`))
    if (!unsatisfiable.includes(whenUnsatisfiable))
      wrong.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, unsatisfiable))
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (taken.has(pair)) wrong.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair))
    taken.add(pair)
    if (minDomains !== undefined) wrong.push(...minDomainsErrors(minDomains, whenUnsatisfiable, `${at}.minDomains`))
    for (const key of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[key]
      if (policy !== undefined && !policies.includes(policy)) wrong.push(notSupported(`${at}.${key}`, policy, policies))
    }
    wrong.push(...labelSelectorErrors(constraint.labelSelector, `${at}.labelSelector`))
  }
  return wrong
}

function minDomainsErrors(minDomains: number, whenUnsatisfiable: string, field: string): FieldError[] {
  const wrong = minDomains > 0 ? [] : [invalid(field, minDomains, 'must be greater than zero')]
  if (whenUnsatisfiable === 'DoNotSchedule') return wrong
  const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
  return [...wrong, invalid(field, minDomains, why)]
}
