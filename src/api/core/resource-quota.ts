// ResourceQuota: how much a namespace may hold and ask for, and how much of it is taken.
import { ageColumn, nameColumn } from '../column.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { own } from '../own.ts'
import { embedded, type Infer, listOf, object, optional, pointer, text } from '../schema.ts'
import { resourceQuotaErrors, resourceQuotaStatusErrors, resourceQuotaUpdateErrors } from './resource-quota-rules.ts'
import { resourceList } from './resources.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const scopeRequirement = object(
  { scopeName: text(), operator: text(), values: optional(listOf(text())) },
  name('ScopedResourceSelectorRequirement'),
)
const scopeSelector = object({ matchExpressions: optional(listOf(scopeRequirement)) }, { ...name('ScopeSelector'), atomic: true })
const quotaSpec = object(
  { hard: optional(resourceList), scopes: optional(listOf(text())), scopeSelector: pointer(scopeSelector) },
  name('ResourceQuotaSpec'),
)
const quotaStatus = object({ hard: optional(resourceList), used: optional(resourceList) }, name('ResourceQuotaStatus'))

interface Shown {
  status: Infer<typeof quotaStatus>
}

/** `used/hard` of every resource whose name begins with `limits.`, or of all the others. */
function usageText({ status: { hard = {}, used } }: Shown, limits: boolean): string {
  const names = Object.keys(hard).filter((resource) => resource.startsWith('limits.') === limits)
  return names
    .sort()
    .map((resource) => `${resource}: ${own(used, resource) ?? '0'}/${own(hard, resource)}`)
    .join(', ')
}

export const ResourceQuota = kind({
  ...{ group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', shortNames: ['quota'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.ResourceQuota',
  fields: { spec: embedded(quotaSpec), status: embedded(quotaStatus) },
  hasStatus: true,
  prepareCreate(quota) {
    quota.status = {}
  },
  validate: resourceQuotaErrors,
  validateUpdate: resourceQuotaUpdateErrors,
  validateStatusUpdate: resourceQuotaStatusErrors,
  ownColumns: true,
  columns: [
    nameColumn,
    { name: 'Request', cell: (quota) => usageText(quota, false) },
    { name: 'Limit', cell: (quota) => usageText(quota, true) },
    ageColumn,
  ],
})
export type ResourceQuota = ObjectOf<typeof ResourceQuota>
export type ResourceQuotaSpec = Infer<typeof quotaSpec>
export type ScopeRequirement = Infer<typeof scopeRequirement>
