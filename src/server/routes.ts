// THE list of what is served. A new path is one line here; discovery and OpenAPI are made from it.
import type { AnyKind, Verb } from '../api/kind.ts'
import { measuredKinds } from '../api/metrics/resource-metrics.ts'
import { PodExplanation } from '../api/polypod/pod-explanation.ts'
import type { Handler, ResourceHandler } from './call.ts'
import { apiGroup, apiGroups, apiResources, coreVersions } from './discovery-routes.ts'
import { explainManifest, getExplanation, listExplanations } from './explanations.ts'
import { health, version } from './health.ts'
import { metrics, resourceMetrics } from './metrics.ts'
import { debugKubelets, debugScheduler } from './observed.ts'
import { refusePlain, serveLog, serveNodeProxy } from './kubelet-calls.ts'
import { openapiV2, openapiV3, openapiV3Group } from './openapi-routes.ts'
import { getMetrics, listMetrics } from './resource-metrics.ts'
import {
  bindPod,
  createBinding,
  createObject,
  deleteObject,
  deleteObjects,
  evictPod,
  getObject,
  listObjects,
  patchObject,
  replaceObject,
} from './resource-verbs.ts'

/** Paths that are no resources; GET and HEAD only. `*` stands for one part, `**` for any number. */
export const plainRoutes: readonly (readonly [path: string, handler: Handler])[] = [
  ['/healthz/**', health],
  ['/livez/**', health],
  ['/readyz/**', health],
  ['/version', version],
  ['/metrics', metrics],
  ['/metrics/resources', resourceMetrics],
  ['/debug/scheduler', debugScheduler],
  ['/debug/kubelets', debugKubelets],
  ['/api', coreVersions],
  ['/api/*', apiResources],
  ['/apis', apiGroups],
  ['/apis/*', apiGroup],
  ['/apis/*/*', apiResources],
  ['/api/v1/nodes/*/proxy/**', serveNodeProxy],
  ['/openapi/v2', openapiV2],
  ['/openapi/v3', openapiV3],
  ['/openapi/v3/**', openapiV3Group],
]

export interface ResourceRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As discovery names them. A GET of a collection is two verbs. */
  verbs: readonly Verb[]
  handler: ResourceHandler
}

const collectionRoutes: readonly ResourceRoute[] = [
  { method: 'GET', verbs: ['list', 'watch'], handler: listObjects },
  { method: 'POST', verbs: ['create'], handler: createObject },
  { method: 'DELETE', verbs: ['deletecollection'], handler: deleteObjects },
]

const objectRoutes: readonly ResourceRoute[] = [
  { method: 'GET', verbs: ['get'], handler: getObject },
  { method: 'PUT', verbs: ['update'], handler: replaceObject },
  { method: 'PATCH', verbs: ['patch'], handler: patchObject },
  { method: 'DELETE', verbs: ['delete'], handler: deleteObject },
]

export interface SubresourceRoutes {
  resource: string
  subresource: string
  /** The kind its bodies or options have, in discovery. */
  kind: string
  /** Of that kind, where it is not the resource's own. */
  version?: { group: string; version: string }
  routes: readonly ResourceRoute[]
}

const get = (handler: ResourceHandler): ResourceRoute => ({ method: 'GET', verbs: ['get'], handler })
const post = (handler: ResourceHandler): ResourceRoute => ({ method: 'POST', verbs: ['create'], handler })
const upgrade = [get(refusePlain), post(refusePlain)]

const put: ResourceRoute = { method: 'PUT', verbs: ['update'], handler: replaceObject }

const policyV1 = { group: 'policy', version: 'v1' }

/** Besides /status, which every kind has that declares one. */
const subresources: readonly SubresourceRoutes[] = [
  { resource: 'namespaces', subresource: 'finalize', kind: 'Namespace', routes: [put] },
  { resource: 'pods', subresource: 'attach', kind: 'PodAttachOptions', routes: upgrade },
  { resource: 'pods', subresource: 'binding', kind: 'Binding', routes: [post(bindPod)] },
  { ...{ resource: 'pods', subresource: 'eviction', kind: 'Eviction' }, version: policyV1, routes: [post(evictPod)] },
  { resource: 'pods', subresource: 'exec', kind: 'PodExecOptions', routes: upgrade },
  { resource: 'pods', subresource: 'log', kind: 'Pod', routes: [get(serveLog)] },
  { resource: 'pods', subresource: 'portforward', kind: 'PodPortForwardOptions', routes: upgrade },
]

const statusRoutes = objectRoutes.filter(({ method }) => method !== 'DELETE')

/** Everything behind the name of an object of this kind, sorted by name. */
export function subresourcesOf(kind: AnyKind): readonly SubresourceRoutes[] {
  const own = kind.group === '' ? subresources.filter(({ resource }) => resource === kind.plural) : []
  const status = { resource: kind.plural, subresource: 'status', kind: kind.kind, routes: statusRoutes }
  return [...own, ...(kind.hasStatus ? [status] : [])].sort((a, b) => (a.subresource < b.subresource ? -1 : 1))
}

const measuredList: ResourceRoute = { method: 'GET', verbs: ['list'], handler: listMetrics }
const explanationRoutes = [{ ...measuredList, handler: listExplanations }, post(explainManifest)]
const isMeasured = (kind: AnyKind): boolean => measuredKinds.some((measured) => measured === kind)

/** The routes of a collection, an object or a subresource; undefined when nothing is there. */
export function routesFor(kind: AnyKind, where: { name?: string | undefined; subresource?: string | undefined }) {
  if (where.subresource !== undefined)
    return subresourcesOf(kind).find(({ subresource }) => subresource === where.subresource)?.routes
  if (kind.kind === 'Binding') return where.name === undefined ? [post(createBinding)] : undefined
  if (isMeasured(kind)) return [where.name === undefined ? measuredList : get(getMetrics)]
  if (kind.kind === PodExplanation.kind) return where.name === undefined ? explanationRoutes : [get(getExplanation)]
  const routes = where.name === undefined ? collectionRoutes : objectRoutes
  const served = routes.filter(({ verbs }) => verbs.some((verb) => !kind.without?.includes(verb)))
  return served.length === 0 ? undefined : served
}
