// Which resources may be asked for, and in which amounts: shared by containers, Pods, overhead and RuntimeClasses.
import { type FieldError, forbiddenField, invalid, required } from '../field-error.ts'
import { qualifiedName } from '../name.ts'
import { own } from '../own.ts'
import { nanoOf, parseQuantity, sameQuantity } from '../quantity.ts'
import type { ResourceList, ResourceRequirements } from './resources.ts'

const unit = 1_000_000_000n
const hugePages = 'hugepages-'
const isHugePages = (name: string): boolean => name.startsWith(hugePages)

/** Names without a prefix that mean something somewhere in Kubernetes: in containers, quotas or limit ranges. */
const standard = new Set([
  ...['cpu', 'memory', 'ephemeral-storage', 'storage'],
  ...['requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'requests.storage'],
  ...['limits.cpu', 'limits.memory', 'limits.ephemeral-storage'],
  ...['pods', 'services', 'services.nodeports', 'services.loadbalancers', 'replicationcontrollers', 'resourcequotas'],
  ...['secrets', 'configmaps', 'persistentvolumeclaims'],
])
const ofContainers = new Set(['cpu', 'memory', 'ephemeral-storage'])

/** Kubernetes' own: without a prefix, or under kubernetes.io. */
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

/** Counted in whole pieces, offered by device plugins: `example.com/gpu`. */
export const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0

/** Whether a limit may be above what is requested. */
export const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name)

export function resourceNameErrors(name: string, field: string): FieldError[] {
  const syntax = qualifiedName(name).map((why) => invalid(field, name, why))
  if (syntax.length > 0) return syntax
  if (name.includes('/')) return []
  return standard.has(name) || isHugePages(name)
    ? []
    : [invalid(field, name, 'must be a standard resource type or fully qualified')]
}

export function containerResourceNameErrors(name: string, field: string): FieldError[] {
  const wrong = resourceNameErrors(name, field)
  if (!name.includes('/')) {
    if (!ofContainers.has(name) && !isHugePages(name))
      wrong.push(invalid(field, name, 'must be a standard resource for containers'))
  } else if (!isNative(name) && !isExtendedResource(name))
    wrong.push(invalid(field, name, "doesn't follow extended resource name standard"))
  return wrong
}

/** Never negative, and whole where pieces are counted. */
export function quantityErrors(name: string, amount: string, field: string): FieldError[] {
  const nano = nanoOf(amount)
  const wrong: FieldError[] = []
  if (nano < 0n) wrong.push(invalid(field, amount, 'must be greater than or equal to 0'))
  if (isExtendedResource(name) && nano % unit !== 0n) wrong.push(invalid(field, amount, 'must be an integer'))
  return wrong
}

function hugePageErrors(name: string, amount: string, field: string): FieldError[] {
  if (!isHugePages(name)) return []
  const page = parseQuantity(name.slice(hugePages.length))
  const fits = page !== undefined && page.nano > 0n && nanoOf(amount) % page.nano === 0n
  return fits ? [] : [invalid(field, amount, `${amount} is not positive integer multiple of ${name}`)]
}

function amountErrors(name: string, amount: string, field: string): FieldError[] {
  return [
    ...containerResourceNameErrors(name, field),
    ...quantityErrors(name, amount, field),
    ...hugePageErrors(name, amount, field),
  ]
}

/** What limits and requests of a container may say. `field` is the path of the whole, such as `spec.containers[0].resources`. */
export function resourceRequirementsErrors({ limits = {}, requests = {} }: ResourceRequirements, field: string): FieldError[] {
  const wrong: FieldError[] = []
  for (const [name, amount] of Object.entries(limits)) wrong.push(...amountErrors(name, amount, `${field}.limits[${name}]`))
  for (const [name, amount] of Object.entries(requests)) {
    wrong.push(...amountErrors(name, amount, `${field}.requests[${name}]`))
    wrong.push(...againstLimit(name, amount, own(limits, name), field))
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)]
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    wrong.push(forbiddenField(field, 'HugePages require cpu or memory'))
  return wrong
}

/** k8s: the error stands at `requests`, without the resource's name. */
function againstLimit(name: string, amount: string, limit: string | undefined, field: string): FieldError[] {
  if (limit === undefined)
    return mayOvercommit(name) ? [] : [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')]
  if (!mayOvercommit(name) && !sameQuantity(amount, limit))
    return [invalid(`${field}.requests`, amount, `must be equal to ${name} limit of ${limit}`)]
  if (nanoOf(amount) > nanoOf(limit))
    return [invalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`)]
  return []
}

/** k8s: overhead is judged as if it were a container's limits, and the path says so: `overhead.limits[cpu]`. */
export const overheadErrors = (overhead: ResourceList | undefined, field: string): FieldError[] =>
  overhead === undefined ? [] : resourceRequirementsErrors({ limits: overhead }, field)
