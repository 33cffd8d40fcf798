// LimitRanger: containers that ask for nothing get what a LimitRange says, and what lies outside of its bounds is refused.
import type { Container } from '../api/core/container.ts'
import { LimitRange, type LimitRangeItem } from '../api/core/limit-range.ts'
import { Pod } from '../api/core/pod.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { own } from '../api/own.ts'
import { formatQuantity, nanoOf, type QuantityFormat } from '../api/quantity.ts'
import { type Amounts, amounts } from '../ledger/amounts.ts'
import { podLedger, type Side } from '../ledger/pod-ledger.ts'
import { formatOf, formatOfSum } from '../ledger/written-as.ts'
import { type AdmissionRequest, plugin } from './chain.ts'
import { denied } from './denied.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** Before RuntimeClass, and blind to overhead also after it: bounds are about what users write. */
export const limitRanger = plugin({
  name: 'LimitRanger',
  kind: Pod,
  verbs: ['create'],
  mutate: (request) => rangesOf(request).reduce(withDefaults, request.object),
  validate(request) {
    for (const range of rangesOf(request)) {
      const faults = [...new Set(range.spec.limits.flatMap((item) => itemFaults(request.object, item)))]
      if (faults.length > 0) throw denied(request, faults.length === 1 ? `${faults[0]}` : `[${faults.join(', ')}]`)
    }
  },
})

const rangesOf = ({ read, namespace }: AdmissionRequest<Pod>): readonly LimitRange[] =>
  namespace === undefined ? [] : read.cachedList(LimitRange, namespace)

/** k8s: the annotation tells of the last LimitRange that set anything. */
function withDefaults(pod: Pod, { spec: { limits } }: LimitRange): Pod {
  const ofContainers = limits.filter(({ type }) => type === 'Container')
  const requests = Object.assign({}, ...ofContainers.map((item) => item.defaultRequest)) as ResourceList
  const bounds = Object.assign({}, ...ofContainers.map((item) => item.default)) as ResourceList
  const said: string[] = []
  const filled = (what: string) => (container: Container) => {
    const { resources } = container
    const missing = (list: ResourceList, side: 'requests' | 'limits') =>
      Object.keys(list).filter((resource) => own(resources[side], resource) === undefined)
    const [asks, caps] = [missing(requests, 'requests').sort(), missing(bounds, 'limits').sort()]
    if (asks.length > 0) said.push(`${asks.join(', ')} request for ${what} ${container.name}`)
    if (caps.length > 0) said.push(`${caps.join(', ')} limit for ${what} ${container.name}`)
    if (asks.length === 0 && caps.length === 0) return container
    const next = { ...resources }
    if (asks.length > 0) next.requests = { ...requests, ...resources.requests }
    if (caps.length > 0) next.limits = { ...bounds, ...resources.limits }
    return { ...container, resources: next }
  }
  const containers = pod.spec.containers.map(filled('container'))
  const initContainers = pod.spec.initContainers?.map(filled('init container'))
  if (said.length === 0) return pod
  const annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${said.join('; ')}` }
  const spec = { ...pod.spec, containers, ...(initContainers ? { initContainers } : {}) }
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec }
}

function itemFaults(pod: Pod, item: LimitRangeItem): string[] {
  if (item.type === 'Pod')
    return boundsFaults(item, {
      ...{ requests: podLedger(pod, 'requests').base, limits: podLedger(pod, 'limits').base },
      formatOf: (side, resource) => formatOfSum(pod, side, resource),
    })
  if (item.type !== 'Container') return []
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) =>
    boundsFaults(item, {
      ...{ requests: amounts(resources.requests), limits: amounts(resources.limits) },
      formatOf: (side, resource) => formatOf(resources[side]?.[resource]),
    }),
  )
}

interface Asked {
  requests: Amounts
  limits: Amounts
  /** In which suffixes the amount was written. */
  formatOf(side: Side, resource: string): QuantityFormat | undefined
}

const sorted = (list: ResourceList | undefined) => Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))

function boundsFaults({ type, min, max, maxLimitRequestRatio }: LimitRangeItem, asked: Asked): string[] {
  return [
    ...sorted(min).flatMap(([resource, bound]) =>
      minFault(`minimum ${resource} usage per ${type} is ${bound}`, { resource, bound, asked }),
    ),
    ...sorted(max).flatMap(([resource, bound]) =>
      maxFault(`maximum ${resource} usage per ${type} is ${bound}`, { resource, bound, asked }),
    ),
    ...sorted(maxLimitRequestRatio).flatMap(([resource, bound]) =>
      ratioFault(`${resource} max limit to request ratio per ${type} is ${bound}`, { resource, bound, asked }),
    ),
  ]
}

interface Bound {
  resource: string
  bound: string
  asked: Asked
}

const text = (nano: bigint, format: QuantityFormat = 'DecimalSI'): string => formatQuantity({ nano, format })

function minFault(rule: string, { resource, bound, asked }: Bound): string[] {
  const [request, limit] = [asked.requests.get(resource), asked.limits.get(resource)]
  if (request === undefined) return [`${rule}.  No request is specified`]
  if (request < nanoOf(bound)) return [`${rule}, but request is ${text(request, asked.formatOf('requests', resource))}`]
  return limit !== undefined && limit < nanoOf(bound)
    ? [`${rule}, but limit is ${text(limit, asked.formatOf('limits', resource))}`]
    : []
}

function maxFault(rule: string, { resource, bound, asked }: Bound): string[] {
  const [request, limit] = [asked.requests.get(resource), asked.limits.get(resource)]
  if (limit === undefined) return [`${rule}.  No limit is specified`]
  if (limit > nanoOf(bound)) return [`${rule}, but limit is ${text(limit, asked.formatOf('limits', resource))}`]
  return request !== undefined && request > nanoOf(bound)
    ? [`${rule}, but request is ${text(request, asked.formatOf('requests', resource))}`]
    : []
}

function ratioFault(rule: string, { resource, bound, asked }: Bound): string[] {
  const [request, limit] = [asked.requests.get(resource), asked.limits.get(resource)]
  if (!request) return [`${rule}, but no request is specified or request is 0`]
  if (!limit) return [`${rule}, but no limit is specified or limit is 0`]
  if (limit * 1_000_000_000n <= nanoOf(bound) * request) return []
  return [`${rule}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`]
}
