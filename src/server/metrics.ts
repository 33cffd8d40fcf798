// GET /metrics: the API server's own counters, overhead of Pods, and what components of this process count.
import { Pod } from '../api/core/pod.ts'
import type { Pod as PodObject } from '../api/core/pod.ts'
import { NodeHandler } from '../api/polypod/node-handler.ts'
import type { NodeHandler as NodeHandlerObject } from '../api/polypod/node-handler.ts'
import { milliOf, unitsOf } from '../ledger/amounts.ts'
import { isCounted } from '../ledger/account.ts'
import { podLedger, type Side } from '../ledger/pod-ledger.ts'
import { type Counter, counter, exposition, expositionType, type MetricFamily } from '../lib/prometheus.ts'
import type { Call, Handler } from './call.ts'
import { handlerFamilies } from './handler-metrics.ts'
import { resourcePath } from './request-path.ts'
import { send } from './respond.ts'

export const requestCounter = (): Counter =>
  counter('apiserver_request_total', 'Counter of apiserver requests broken out for each verb, group, version, resource and code.')

/** Counts a request whose answer is complete; paths that are no resource have neither group nor resource. */
export function countRequest({ world, method, pathname, query, response }: Call): void {
  const path = resourcePath(pathname)
  const [group, version] = path?.apiVersion.includes('/') ? path.apiVersion.split('/') : ['', path?.apiVersion]
  const known = path && world.kinds.some(({ apiVersion, plural }) => apiVersion === path.apiVersion && plural === path.plural)
  world.requests.add({
    verb: path && known ? verbOf(method, path.name, query) : method,
    // what nobody serves is one thing: made-up paths must not fill the memory
    ...(path && known
      ? { group: group ?? '', version: version ?? '', resource: path.plural, subresource: path.subresource ?? '' }
      : { group: '', version: '', resource: '', subresource: '' }),
    code: String(response.statusCode),
  })
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): string {
  if (name !== undefined) return method
  if (method === 'DELETE') return 'DELETECOLLECTION'
  if (method !== 'GET') return method
  return ['true', '1'].includes(query.get('watch') ?? '') ? 'WATCH' : 'LIST'
}

/** GET /metrics/resources, as kube-scheduler's: what each Pod that is not over counts for, overhead included. */
export const resourceMetrics: Handler = async (call) => {
  const { items } = await call.world.api.list(Pod, {})
  const pods = items.map(({ object }) => object as unknown as PodObject).filter(isCounted)
  await send(call, { code: 200, type: expositionType, pieces: [Buffer.from(exposition(resourceFamilies(pods)))] })
}

const expected =
  'broken down by pod. This shows the resource usage the scheduler and kubelet expect per pod for resources along with the unit for the resource if any.'

export const resourceFamilies = (pods: readonly PodObject[]): MetricFamily[] => [
  {
    ...{ name: 'kube_pod_resource_request', help: `Resources requested by workloads on the cluster, ${expected}`, type: 'gauge' },
    samples: pods.flatMap((pod) => resourceSamples(pod, 'requests')),
  },
  {
    ...{ name: 'kube_pod_resource_limit', help: `Resources limit for workloads on the cluster, ${expected}`, type: 'gauge' },
    samples: pods.flatMap((pod) => resourceSamples(pod, 'limits')),
  },
]

function resourceSamples(pod: PodObject, side: Side): MetricFamily['samples'] {
  const { nodeName = '', schedulerName = '', priority } = pod.spec
  const { namespace = '', name } = pod.metadata
  const labels = { namespace, pod: name, node: nodeName, scheduler: schedulerName, priority: String(priority ?? '') }
  // k8s: what is zero has no sample
  return [...podLedger(pod, side).total].flatMap(([resource, nano]) =>
    nano === 0n ? [] : [{ labels: { ...labels, resource, unit: unitOf(resource) }, value: valueOf(resource, nano) }],
  )
}

const unitOf = (resource: string): string =>
  resource === 'cpu' ? 'cores' : /^(memory|ephemeral-storage|hugepages-.*)$/.test(resource) ? 'bytes' : 'integer'

const valueOf = (resource: string, nano: bigint): number => (resource === 'cpu' ? milliOf(nano) / 1000 : unitsOf(nano))

export const metrics: Handler = async (call) => {
  const { api, requests, observed } = call.world
  const [{ items }, handlers] = await Promise.all([api.list(Pod, {}), api.list(NodeHandler, {})])
  const pods = items.map(({ object }) => object as unknown as PodObject).filter(isCounted)
  const proved = handlers.items.map(({ object }) => object as unknown as NodeHandlerObject)
  const own = [requests.family(), ...overheadFamilies(pods), ...handlerFamilies(proved)]
  const families = [...own, ...(observed.metrics?.() ?? [])]
  await send(call, { code: 200, type: expositionType, pieces: [Buffer.from(exposition(families))] })
}

/** By kube-state-metrics' names; Pods without overhead have no sample. */
export function overheadFamilies(pods: readonly PodObject[]): MetricFamily[] {
  const of = (resource: string, valueOf: (nano: bigint) => number) =>
    pods.flatMap((pod) => {
      const nano = podLedger(pod, 'requests').overhead.get(resource)
      const { namespace = '', name, uid = '' } = pod.metadata
      return nano === undefined ? [] : [{ labels: { namespace, pod: name, uid }, value: valueOf(nano) }]
    })
  const about = 'associated with running a pod.'
  return [
    {
      ...{ name: 'kube_pod_overhead_cpu_cores', help: `The pod overhead in regards to cpu cores ${about}`, type: 'gauge' },
      samples: of('cpu', (nano) => milliOf(nano) / 1000),
    },
    {
      ...{ name: 'kube_pod_overhead_memory_bytes', help: `The pod overhead in regards to memory ${about}`, type: 'gauge' },
      samples: of('memory', unitsOf),
    },
  ]
}
