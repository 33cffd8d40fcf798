// What a ResourceQuota may limit, and which scopes go with which resources.
import { type FieldError, invalid, required } from '../field-error.ts'
import { qualifiedName } from '../name.ts'
import { nanoOf } from '../quantity.ts'
import { isExtendedResource } from './resource-rules.ts'
import type { ResourceList } from './resources.ts'

interface Requirement {
  scopeName: string
  operator: string
  values?: string[] | undefined
}
interface Spec {
  hard?: ResourceList | undefined
  scopes?: string[] | undefined
  scopeSelector?: { matchExpressions?: Requirement[] | undefined } | undefined
}
interface Status {
  hard?: ResourceList | undefined
  used?: ResourceList | undefined
}

const pieces = new Set([
  ...['pods', 'services', 'services.nodeports', 'services.loadbalancers', 'replicationcontrollers', 'resourcequotas'],
  ...['secrets', 'configmaps', 'persistentvolumeclaims'],
])
const computed = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])
const standard = new Set([
  ...pieces,
  ...computed,
  ...['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'requests.storage'],
])
const isStandard = (name: string): boolean => standard.has(name) || /^(requests\.)?hugepages-/.test(name)

function nameErrors(name: string, field: string): FieldError[] {
  const syntax = qualifiedName(name).map((why) => invalid(field, name, why))
  if (syntax.length > 0 || name.includes('/') || isStandard(name)) return syntax
  return [invalid(field, name, 'must be a standard resource for quota')]
}

function amountErrors(name: string, amount: string, field: string): FieldError[] {
  const nano = nanoOf(amount)
  const wrong = nameErrors(name, field)
  if (nano < 0n) wrong.push(invalid(field, amount, 'must be greater than or equal to 0'))
  if ((pieces.has(name) || isExtendedResource(name)) && nano % 1_000_000_000n !== 0n)
    wrong.push(invalid(field, amount, 'must be an integer'))
  return wrong
}

const listErrors = (list: ResourceList | undefined, field: string): FieldError[] =>
  Object.entries(list ?? {}).flatMap(([name, amount]) => amountErrors(name, amount, `${field}[${name}]`))

const onlyExists = new Set(['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity'])
/** `RuntimeClass` is ours: upstream has no scope on the class. */
const scopes = new Set([...onlyExists, 'PriorityClass', 'RuntimeClass'])

/** k8s: BestEffort Pods ask for nothing, so all that can be limited of them is their number. */
const goesWith = (scope: string, resource: string): boolean =>
  resource === 'pods' || (scopes.has(scope) && scope !== 'BestEffort' && computed.has(resource))

const misapplied = (scope: string, hard: ResourceList | undefined): string[] =>
  Object.keys(hard ?? {}).filter((resource) => isStandard(resource) && !goesWith(scope, resource))

function conflictErrors(present: ReadonlySet<string>, shown: unknown, field: string): FieldError[] {
  const pairs = ['BestEffort', 'Terminating'] as const
  const both = pairs.filter((scope) => present.has(scope) && present.has(`Not${scope}`))
  return both.map(() => invalid(field, shown, 'conflicting scopes'))
}

function scopesErrors({ scopes: asked = [], hard }: Spec): FieldError[] {
  const field = 'spec.scopes'
  const wrong: FieldError[] = []
  for (const scope of asked) {
    if (!scopes.has(scope)) wrong.push(invalid(field, asked, 'unsupported scope'))
    for (const _ of misapplied(scope, hard)) wrong.push(invalid(field, asked, 'unsupported scope applied to resource'))
  }
  return [...wrong, ...conflictErrors(new Set(asked), asked, field)]
}

function operatorErrors({ scopeName, operator, values = [] }: Requirement, field: string): FieldError[] {
  const wrong: FieldError[] = []
  const named = [...onlyExists].map((scope) => `ResourceQuotaScope${scope}`)
  const list = `${named.slice(0, -1).join(', ')} or ${named.at(-1)}`
  if (onlyExists.has(scopeName) && operator !== 'Exists')
    wrong.push(invalid(`${field}.operator`, operator, `must be 'Exist' when scope is any of ${list}`))
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      wrong.push(required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      wrong.push(
        invalid(`${field}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"),
      )
  } else wrong.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'))
  return wrong
}

// k8s: errors stand at the list, without the index
function selectorErrors({ scopeSelector, hard }: Spec): FieldError[] {
  const field = 'spec.scopeSelector.matchExpressions'
  const wrong: FieldError[] = []
  const asked = scopeSelector?.matchExpressions ?? []
  for (const requirement of asked) {
    const { scopeName } = requirement
    if (!scopes.has(scopeName)) wrong.push(invalid(`${field}.scopeName`, scopeName, 'unsupported scope'))
    for (const _ of misapplied(scopeName, hard))
      wrong.push(invalid(field, scopeSelector, 'unsupported scope applied to resource'))
    wrong.push(...operatorErrors(requirement, field))
  }
  return [...wrong, ...conflictErrors(new Set(asked.map(({ scopeName }) => scopeName)), scopeSelector, field)]
}

export const resourceQuotaErrors = ({ spec }: { spec: Spec }): FieldError[] => [
  ...listErrors(spec.hard, 'spec.hard'),
  ...scopesErrors(spec),
  ...selectorErrors(spec),
]

/** k8s: scopes may be reordered, not changed; a scopeSelector may be changed. */
export function resourceQuotaUpdateErrors(next: { spec: Spec }, old: { spec: Spec }): FieldError[] {
  const sorted = ({ spec }: { spec: Spec }) => [...new Set(spec.scopes)].sort().join()
  return sorted(next) === sorted(old) ? [] : [invalid('spec.scopes', next.spec.scopes, 'field is immutable')]
}

export const resourceQuotaStatusErrors = ({ status }: { status: Status }): FieldError[] => [
  ...listErrors(status.hard, 'status.hard'),
  ...listErrors(status.used, 'status.used'),
]
