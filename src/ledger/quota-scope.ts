// Which Pods a ResourceQuota is about: its scopes and its scopeSelector, all of which must hold.
import type { Pod } from '../api/core/pod.ts'
import type { ResourceQuotaSpec, ScopeRequirement } from '../api/core/resource-quota.ts'
import { qosClass } from '../api/core/qos.ts'

/** Whether every scope of the quota holds for the Pod; a quota without scopes is about every Pod. */
export const inScope = (pod: Pod, spec: Pick<ResourceQuotaSpec, 'scopes' | 'scopeSelector'>): boolean =>
  requirements(spec).every((requirement) => holds(pod, requirement))

/** k8s: a quota with scopes counts Pods only. */
export const hasScopes = (spec: Pick<ResourceQuotaSpec, 'scopes' | 'scopeSelector'>): boolean => requirements(spec).length > 0

const requirements = ({ scopes = [], scopeSelector }: Pick<ResourceQuotaSpec, 'scopes' | 'scopeSelector'>) => [
  ...scopes.map((scopeName): ScopeRequirement => ({ scopeName, operator: 'Exists' })),
  ...(scopeSelector?.matchExpressions ?? []),
]

function holds(pod: Pod, requirement: ScopeRequirement): boolean {
  switch (requirement.scopeName) {
    case 'Terminating':
      return hasDeadline(pod)
    case 'NotTerminating':
      return !hasDeadline(pod)
    case 'BestEffort':
      return qos(pod) === 'BestEffort'
    case 'NotBestEffort':
      return qos(pod) !== 'BestEffort'
    case 'PriorityClass':
      return named(pod.spec.priorityClassName, requirement)
    // ours: upstream has no scope on the class
    case 'RuntimeClass':
      return named(pod.spec.runtimeClassName, requirement)
    case 'CrossNamespacePodAffinity':
      return reachesOut(pod)
    default:
      return false
  }
}

// k8s: has nothing to do with a Pod that is being deleted
const hasDeadline = ({ spec: { activeDeadlineSeconds } }: Pod): boolean =>
  activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0

const qos = (pod: Pod): string => pod.status.qosClass ?? qosClass(pod)

/** As a label selector over one label, which a Pod without the name lacks. */
function named(name: string | undefined, { operator, values = [] }: ScopeRequirement): boolean {
  const present = name !== undefined && name !== ''
  switch (operator) {
    case 'Exists':
      return present
    case 'DoesNotExist':
      return !present
    case 'In':
      return present && values.includes(name)
    case 'NotIn':
      return !present || !values.includes(name)
    default:
      return false
  }
}

function reachesOut({ spec: { affinity } }: Pod): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((rules) => {
    const preferred = rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    const terms = [
      ...(rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...preferred.map(({ podAffinityTerm }) => podAffinityTerm),
    ]
    return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined)
  })
}
