// What may change in a Pod once it is there: very little.
import { sameValue } from '../equal.ts'
import { type FieldError, forbiddenField, invalid, outside } from '../field-error.ts'
import type { ObjectMeta } from '../meta.ts'
import { nanoOf } from '../quantity.ts'
import { imageErrors } from './container-rules.ts'
import type { NodeSelectorTerm } from './affinity.ts'
import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import type { PodStatus } from './pod-status.ts'
import { qosClass } from './qos.ts'
import type { ResourceList } from './resources.ts'

interface PodShape {
  metadata: ObjectMeta
  spec: PodSpec
  status: PodStatus
}

const changeable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
]

/** Every forbidden change, on top of `podErrors` of the new Pod. */
export function podUpdateErrors(next: PodShape, old: PodShape): FieldError[] {
  const wrong = mirrorErrors(next.metadata, old.metadata)
  for (const key of ['containers', 'initContainers'] as const) {
    const { errors, stop } = imageUpdateErrors(next.spec[key] ?? [], old.spec[key] ?? [], `spec.${key}`)
    wrong.push(...errors)
    // k8s: with containers added or removed, the rest is not compared
    if (stop) return wrong
  }
  wrong.push(...deadlineErrors(next.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds))
  wrong.push(...tolerationUpdateErrors(next.spec, old.spec), ...gateUpdateErrors(next.spec, old.spec))
  if (sameSpec(next.spec, old.spec)) return wrong
  const before = old.status.qosClass ?? qosClass(old)
  // k8s: reported at metadata
  if (before !== qosClass(next)) wrong.push(invalid('metadata', next.status.qosClass ?? before, 'Pod QoS is immutable'))
  wrong.push(...gatedErrors(next.spec, old.spec))
  const munged = withAllowedChangesUndone(next.spec, old.spec)
  if (sameSpec(munged, old.spec)) return wrong
  const why = `pod updates may not change fields other than ${changeable.join(',')}\n${difference(munged, old.spec)}`
  return [...wrong, forbiddenField('spec', why)]
}

/** Amounts are compared by value, whatever their spelling. */
const sameSpec = (next: PodSpec, old: PodSpec): boolean => sameValue(withPlainAmounts(next), withPlainAmounts(old))

function withPlainAmounts(spec: PodSpec): unknown {
  const plain = (list: ResourceList | undefined) =>
    list && Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, nanoOf(amount).toString()]))
  const ofContainer = ({ resources, ...rest }: Container) => ({
    ...rest,
    resources: { ...resources, limits: plain(resources.limits), requests: plain(resources.requests) },
  })
  return {
    ...spec,
    overhead: plain(spec.overhead),
    containers: spec.containers.map(ofContainer),
    initContainers: spec.initContainers?.map(ofContainer),
  }
}

const mirror = 'kubernetes.io/config.mirror'

function mirrorErrors({ annotations: next }: ObjectMeta, { annotations: old }: ObjectMeta): FieldError[] {
  const field = `metadata.annotations[${mirror}]`
  if (old?.[mirror] === next?.[mirror]) return []
  const why = old?.[mirror] === undefined ? 'may not add mirror pod annotation' : 'may not remove or update mirror pod annotation'
  return [forbiddenField(field, why)]
}

function imageUpdateErrors(next: readonly Container[], old: readonly Container[], field: string) {
  if (next.length !== old.length)
    return { errors: [forbiddenField(field, 'pod updates may not add or remove containers')], stop: true }
  return { errors: next.flatMap(({ image = '' }, i) => imageErrors(image, `${field}[${i}].image`)), stop: false }
}

function deadlineErrors(next: number | undefined, old: number | undefined): FieldError[] {
  const field = 'spec.activeDeadlineSeconds'
  if (next === undefined)
    return old === undefined ? [] : [invalid(field, next, 'must not update from a positive integer to nil value')]
  const range = outside(field, next, 0, 2_147_483_647)
  if (range.length > 0 || old === undefined || next <= old) return range
  return [invalid(field, next, 'must be less than or equal to previous value')]
}

/** k8s: tolerationSeconds of a toleration that is there may change, too. */
function tolerationUpdateErrors(next: PodSpec, old: PodSpec): FieldError[] {
  const kept = (old.tolerations ?? []).every((toleration) =>
    (next.tolerations ?? []).some((other) => sameValue({ ...toleration, tolerationSeconds: other.tolerationSeconds }, other)),
  )
  return kept ? [] : [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
}

function gateUpdateErrors(next: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name))
  return (next.schedulingGates ?? []).flatMap(({ name }, i) => {
    if (before.has(name)) return []
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`
    return [forbiddenField(`spec.schedulingGates[${i}]`, why)]
  })
}

const isGated = ({ schedulingGates }: PodSpec): boolean => (schedulingGates ?? []).length > 0
const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const nodeTerms = (spec: PodSpec) => spec.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms

/** A gated Pod may be narrowed to fewer nodes, never widened. */
function gatedErrors(next: PodSpec, old: PodSpec): FieldError[] {
  if (!isGated(old)) return []
  const wrong: FieldError[] = []
  const kept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => next.nodeSelector?.[key] === value)
  if (!kept) wrong.push(invalid('spec.nodeSelector', next.nodeSelector, 'only additions are allowed'))
  const before = nodeTerms(old)
  if (!before) return wrong
  const after = nodeTerms(next) ?? []
  const field = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`
  if (after.length !== before.length)
    return [...wrong, invalid(field, after, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')]
  for (const [i, term] of after.entries())
    if (!startsAs(term, before[i] ?? {}))
      wrong.push(invalid(`${field}[${i}]`, term, 'only additions are allowed (no mutations or deletions)'))
  return wrong
}

const startsAs = (next: NodeSelectorTerm, old: NodeSelectorTerm): boolean =>
  (['matchExpressions', 'matchFields'] as const).every((key) => {
    const before = old[key] ?? []
    return sameValue((next[key] ?? []).slice(0, before.length), before)
  })

/** The new spec with every allowed change taken back: what differs still is forbidden. */
function withAllowedChangesUndone(next: PodSpec, old: PodSpec): PodSpec {
  const munged: PodSpec = {
    ...next,
    containers: withImagesOf(next.containers, old.containers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
  }
  if (next.initContainers) munged.initContainers = withImagesOf(next.initContainers, old.initContainers ?? [])
  const wasNegative = (old.terminationGracePeriodSeconds ?? 0) < 0
  if (wasNegative && next.terminationGracePeriodSeconds === 1)
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds
  if (!isGated(old)) return munged
  const affinity = { ...next.affinity, nodeAffinity: old.affinity?.nodeAffinity }
  const isEmpty = Object.values(affinity).every((part) => part === undefined)
  return { ...munged, nodeSelector: old.nodeSelector, affinity: isEmpty ? old.affinity : affinity }
}

const withImagesOf = (next: readonly Container[], old: readonly Container[]): Container[] =>
  next.map((container, i) => ({ ...container, image: old[i]?.image }))

/** The fields that differ, in the manner of upstream's struct diff; clients match only what stands before it. */
function difference(next: PodSpec, old: PodSpec): string {
  const keys = [...new Set([...Object.keys(next), ...Object.keys(old)])] as (keyof PodSpec)[]
  const changed = keys.filter((key) => !sameValue(next[key], old[key])).sort()
  const line = (sign: string, key: keyof PodSpec, value: unknown) =>
    `${sign} \t${key.charAt(0).toUpperCase()}${key.slice(1)}: ${JSON.stringify(value ?? null)},`
  const lines = changed.flatMap((key) => [line('-', key, next[key]), line('+', key, old[key])])
  return ['  core.PodSpec{', '  \t... // other fields', ...lines, '  }', ''].join('\n')
}
