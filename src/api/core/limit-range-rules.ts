// Which limits a LimitRange may set, and how they must fit together.
import { duplicate, type FieldError, forbiddenField, invalid, required } from '../field-error.ts'
import { qualifiedName } from '../name.ts'
import { own } from '../own.ts'
import { nanoOf } from '../quantity.ts'
import { containerResourceNameErrors, mayOvercommit, resourceNameErrors } from './resource-rules.ts'
import type { ResourceList } from './resources.ts'

const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
type List = (typeof lists)[number]
type Item = { type: string } & { [list in List]?: ResourceList | undefined }

export function limitRangeErrors({ spec: { limits } }: { spec: { limits: Item[] } }): FieldError[] {
  const seen = new Set<string>()
  return limits.flatMap((item, i) => {
    const field = `spec.limits[${i}]`
    const wrong = typeErrors(item.type, `${field}.type`)
    if (seen.has(item.type)) wrong.push(duplicate(`${field}.type`, item.type))
    seen.add(item.type)
    return [...wrong, ...itemErrors(item, field)]
  })
}

const isStandardType = (type: string): boolean => ['Container', 'Pod', 'PersistentVolumeClaim'].includes(type)

function typeErrors(type: string, field: string): FieldError[] {
  const syntax = qualifiedName(type).map((why) => invalid(field, type, why))
  if (syntax.length > 0 || type.includes('/') || isStandardType(type)) return syntax
  return [invalid(field, type, 'must be a standard limit type or fully qualified')]
}

function itemErrors(item: Item, field: string): FieldError[] {
  const { type } = item
  const nameErrors = type === 'Pod' || type === 'Container' ? containerResourceNameErrors : resourceNameErrors
  const wrong: FieldError[] = []
  for (const list of lists) {
    const forbidden = type === 'Pod' && (list === 'default' || list === 'defaultRequest')
    if (forbidden && Object.keys(item[list] ?? {}).length > 0)
      wrong.push(forbiddenField(`${field}.${list}`, "may not be specified when `type` is 'Pod'"))
    if (!forbidden)
      for (const resource of Object.keys(item[list] ?? {})) wrong.push(...nameErrors(resource, `${field}.${list}[${resource}]`))
  }
  if (type === 'PersistentVolumeClaim' && !own(item.min, 'storage') && !own(item.max, 'storage'))
    wrong.push(required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  const resources = new Set(lists.flatMap((list) => Object.keys(item[list] ?? {})))
  return [
    ...wrong,
    ...[...resources].flatMap((resource) => [...orderErrors(item, resource, field), ...ratioErrors(item, resource, field)]),
  ]
}

/** What must not be greater than what. k8s: the value shown is not always the one at fault. */
const orders: readonly { low: List; high: List; at: List; shows: List; words: readonly [string, string] }[] = [
  { low: 'min', high: 'max', at: 'min', shows: 'min', words: ['min', 'max'] },
  { low: 'min', high: 'defaultRequest', at: 'defaultRequest', shows: 'defaultRequest', words: ['min', 'default request'] },
  { low: 'defaultRequest', high: 'max', at: 'defaultRequest', shows: 'defaultRequest', words: ['default request', 'max'] },
  {
    ...{ low: 'defaultRequest', high: 'default', at: 'defaultRequest', shows: 'defaultRequest' },
    words: ['default request', 'default limit'],
  },
  { low: 'min', high: 'default', at: 'default', shows: 'min', words: ['min', 'default'] },
  { low: 'default', high: 'max', at: 'default', shows: 'max', words: ['default', 'max'] },
]

function orderErrors(item: Item, resource: string, field: string): FieldError[] {
  return orders.flatMap(({ low, high, at, shows, words: [lower, higher] }) => {
    if (item.type === 'Pod' && [low, high].some((list) => list.startsWith('default'))) return []
    const [less, more] = [own(item[low], resource), own(item[high], resource)]
    if (less === undefined || more === undefined || nanoOf(less) <= nanoOf(more)) return []
    const why = `${lower} value ${less} is greater than ${higher} value ${more}`
    return [invalid(`${field}.${at}[${resource}]`, own(item[shows], resource), why)]
  })
}

function ratioErrors(item: Item, resource: string, field: string): FieldError[] {
  const of = (list: List) => own(item[list], resource)
  const [ratio, min, max] = [of('maxLimitRequestRatio'), of('min'), of('max')]
  const [limit, request] = [of('default'), of('defaultRequest')]
  const wrong: FieldError[] = []
  if (ratio !== undefined) {
    const at = `${field}.maxLimitRequestRatio[${resource}]`
    const unit = 1_000_000_000n
    if (nanoOf(ratio) < unit) wrong.push(invalid(at, ratio, `ratio ${ratio} is less than 1`))
    if (min !== undefined && max !== undefined && nanoOf(min) > 0n && nanoOf(ratio) * nanoOf(min) > nanoOf(max) * unit) {
      const most = Number(nanoOf(max)) / Number(nanoOf(min))
      wrong.push(invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`))
    }
  }
  if (
    item.type !== 'Pod' &&
    !mayOvercommit(resource) &&
    limit !== undefined &&
    request !== undefined &&
    nanoOf(limit) !== nanoOf(request)
  )
    wrong.push(
      invalid(
        `${field}.defaultRequest[${resource}]`,
        request,
        `default value ${limit} must equal to defaultRequest value ${request} in ${resource}`,
      ),
    )
  return wrong
}
