// Rules about other Pods, made looser: wishes in the place of demands, more skew.
import type { PodAffinityTerm } from '../../api/core/affinity.ts'
import { asWritten } from './as-written.ts'
import { pointer, podStep, type Step } from './change.ts'
import { allOf, type Facts } from './facts.ts'
import { Pod } from '../../api/core/pod.ts'

/** The least skew that would do, found by trying each; and the rule as a wish. */
export function looserSpread(facts: Facts): Step[] {
  const most = Math.min(allOf(facts, Pod).length + 1, 12)
  return (asWritten(facts).spec.topologySpreadConstraints ?? []).flatMap((rule, i) => {
    if (rule.whenUnsatisfiable !== 'DoNotSchedule') return []
    const path = pointer('spec', 'topologySpreadConstraints', i)
    const skews = Array.from({ length: Math.max(0, most - rule.maxSkew) }, (_, more) => rule.maxSkew + 1 + more)
    const wider = skews.map((maxSkew) =>
      podStep(facts, {
        summary: `allow a maxSkew of ${maxSkew} instead of ${rule.maxSkew} over ${rule.topologyKey}`,
        patch: [{ op: 'replace', path: `${path}/maxSkew`, value: maxSkew }],
        family: `maxSkew ${i}`,
        cost: 0.1 * (maxSkew - rule.maxSkew),
      }),
    )
    const wish = podStep(facts, {
      summary: `spread over ${rule.topologyKey} as a wish: whenUnsatisfiable: ScheduleAnyway`,
      patch: [{ op: 'replace', path: `${path}/whenUnsatisfiable`, value: 'ScheduleAnyway' }],
      cost: 0.8,
    })
    return [...wider, wish]
  })
}

const sides = ['podAffinity', 'podAntiAffinity'] as const

/** Each required term as a preferred one. */
export function affinityTerms(facts: Facts): Step[] {
  const { affinity } = asWritten(facts).spec
  return sides.flatMap((side) => {
    const rules = affinity?.[side]
    const required = rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    return required.map((term, i) => {
      const wish = { weight: 100, podAffinityTerm: term }
      const value = {
        ...rules,
        requiredDuringSchedulingIgnoredDuringExecution: required.filter((_, at) => at !== i),
        preferredDuringSchedulingIgnoredDuringExecution: [
          ...(rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
          wish,
        ],
      }
      return podStep(facts, {
        summary: `make ${side} to ${affinityTermText(term)} preferred, not required`,
        patch: [{ op: 'add', path: pointer('spec', 'affinity', side), value }],
        cost: 0.5,
      })
    })
  })
}

/** `app=web by kubernetes.io/hostname`. */
function affinityTermText({ labelSelector, topologyKey }: PodAffinityTerm): string {
  const labels = Object.entries(labelSelector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const expressions = (labelSelector?.matchExpressions ?? []).map(
    ({ key, operator, values }) => `${key} ${operator}${values?.length ? ` [${values.join(' ')}]` : ''}`,
  )
  return `Pods with ${[...labels, ...expressions].join(', ') || 'any labels'} by ${topologyKey}`
}
