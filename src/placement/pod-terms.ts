// What one Pod says of other Pods: affinity, anti-affinity and spread, read once per Pod and matched against many.
import type { PodAffinityTerm } from '../api/core/affinity.ts'
import type { Pod } from '../api/core/pod.ts'
import type { LabelSelector } from '../api/label-selector.ts'
import { own } from '../api/own.ts'
import { type LabelMatcher, labelSelectorMatcher } from '../api/selector.ts'

/** Namespace name to its labels. */
export type Namespaces = ReadonlyMap<string, Readonly<Record<string, string>>>

export interface PodTerm {
  topologyKey: string
  /** Whether the term is about this Pod. */
  matches(pod: Pod, namespaces: Namespaces): boolean
  /** Says all that `matches` depends on; undefined when that includes the labels of namespaces. */
  key: string | undefined
}

export interface WeighedTerm extends PodTerm {
  /** Negative for anti-affinity. */
  weight: number
}

/** Of a Pod that has any Pod affinity or anti-affinity. */
export interface PodTerms {
  affinity: readonly PodTerm[]
  antiAffinity: readonly PodTerm[]
  preferred: readonly WeighedTerm[]
}

export interface SpreadRule {
  topologyKey: string
  maxSkew: number
  minDomains: number
  /** False: a wish, ScheduleAnyway. */
  isHard: boolean
  honorsNodeAffinity: boolean
  honorsTaints: boolean
  /** By labels alone: only Pods of the same namespace are asked about. */
  matches: LabelMatcher
  /** Says all that `matches` depends on. */
  key: string
}

export function podTerms(pod: Pod): PodTerms | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  if (!podAffinity && !podAntiAffinity) return undefined
  const term = (of: PodAffinityTerm) => termOf(pod, of)
  const wishes = (of: typeof podAffinity, sign: 1 | -1) =>
    (of?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ weight, podAffinityTerm }): WeighedTerm => ({ ...term(podAffinityTerm), weight: sign * weight }),
    )
  return {
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferred: [...wishes(podAffinity, 1), ...wishes(podAntiAffinity, -1)],
  }
}

/** k8s: neither namespaces nor a selector of them means the Pod's own; with either, its own only when that says so. */
function termOf(pod: Pod, { labelSelector, matchLabelKeys, mismatchLabelKeys, ...term }: PodAffinityTerm): PodTerm {
  const selector = withOwnValues(withOwnValues(labelSelector, pod, 'In', matchLabelKeys), pod, 'NotIn', mismatchLabelKeys)
  const labels = labelSelectorMatcher(selector)
  const { namespaceSelector, topologyKey, namespaces: listed = [] } = term
  const home = pod.metadata.namespace ?? ''
  const names = new Set(listed.length === 0 && !namespaceSelector ? [home] : listed)
  const inSelected = labelSelectorMatcher(namespaceSelector)
  return {
    topologyKey,
    key: namespaceSelector ? undefined : JSON.stringify([[...names], selector ?? null]),
    matches({ metadata: { namespace = '', labels: its } }, namespaces) {
      if (!labels(its)) return false
      return names.has(namespace) || (namespaceSelector !== undefined && inSelected(namespaces.get(namespace)))
    },
  }
}

/** k8s: each key adds the value that the Pod itself has for it; keys it has not are passed over. */
function withOwnValues(
  selector: LabelSelector | undefined,
  { metadata: { labels } }: Pod,
  operator: 'In' | 'NotIn',
  keys: readonly string[] = [],
): LabelSelector | undefined {
  if (!selector || keys.length === 0) return selector
  const added = keys.flatMap((key) => {
    const value = own(labels, key)
    return value === undefined ? [] : [{ key, operator, values: [value] }]
  })
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] }
}

export function spreadRules(pod: Pod): readonly SpreadRule[] | undefined {
  const constraints = pod.spec.topologySpreadConstraints
  if (!constraints?.length) return undefined
  return constraints.map((c) => {
    const selector = withOwnValues(c.labelSelector, pod, 'In', c.matchLabelKeys)
    return {
      topologyKey: c.topologyKey,
      maxSkew: c.maxSkew,
      minDomains: c.minDomains ?? 1,
      isHard: c.whenUnsatisfiable === 'DoNotSchedule',
      honorsNodeAffinity: c.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: c.nodeTaintsPolicy === 'Honor',
      matches: labelSelectorMatcher(selector),
      key: JSON.stringify(selector ?? null),
    }
  })
}
