// The operations of every resource, as both OpenAPI documents list them. Pure; made from the route table.
import type { AnyKind } from '../api/kind.ts'
import { deleteOptionsName, type Dialect, gvkOf, type Json, patchName, refTo, statusName } from './openapi-schema.ts'
import { type ResourceRoute, routesFor, subresourcesOf } from './routes.ts'

interface Place {
  kind: AnyKind
  path: string
  named: boolean
  inNamespace: boolean
  subresource?: string
  routes: readonly ResourceRoute[]
}

/** Words a query may hold, by verb. */
const words: Record<string, readonly string[]> = {
  list: [
    ...['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion'],
    ...['resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch'],
  ],
  create: ['dryRun', 'fieldManager', 'fieldValidation'],
  update: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'],
  deletecollection: ['dryRun', 'fieldSelector', 'gracePeriodSeconds', 'labelSelector', 'limit', 'propagationPolicy'],
}
const wordTypes: Record<string, string> = {
  ...{ limit: 'integer', timeoutSeconds: 'integer', gracePeriodSeconds: 'integer' },
  ...{ allowWatchBookmarks: 'boolean', sendInitialEvents: 'boolean', watch: 'boolean', force: 'boolean' },
}
const wordTexts: Record<string, string> = {
  allowWatchBookmarks: 'The watch may send BOOKMARK events.',
  continue: 'The token of the page before.',
  dryRun: 'All: check everything, change nothing.',
  fieldManager: 'Who makes the change.',
  fieldSelector: 'Only objects with these fields.',
  fieldValidation: 'Ignore, Warn or Strict: what becomes of unknown and repeated fields.',
  force: 'For server-side apply.',
  gracePeriodSeconds: 'Seconds the object may take to end; 0 is at once.',
  labelSelector: 'Only objects with these labels.',
  limit: 'At most this many objects in one answer.',
  pretty: 'Lines and indents for people.',
  propagationPolicy: 'Orphan, Background or Foreground: what becomes of dependents.',
  resourceVersion: 'The state of the server the answer may or must show.',
  resourceVersionMatch: 'How resourceVersion is meant: Exact or NotOlderThan.',
  sendInitialEvents: 'The watch begins with the objects there are.',
  timeoutSeconds: 'How long the call may last.',
  watch: 'Answer with changes as they happen.',
}

function placesOf(kind: AnyKind): Place[] {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.apiVersion}`
  const inNamespace = kind.scope === 'namespaced'
  const home = inNamespace ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`
  const base = { kind, inNamespace }
  const everywhere = routesFor(kind, {})?.filter(({ method }) => method === 'GET') ?? []
  const object = routesFor(kind, { name: '' })
  return [
    ...(inNamespace && everywhere.length > 0
      ? [{ ...base, inNamespace: false, named: false, path: `${root}/${kind.plural}`, routes: everywhere }]
      : []),
    { ...base, named: false, path: home, routes: routesFor(kind, {}) ?? [] },
    ...(object ? [{ ...base, named: true, path: `${home}/{name}`, routes: object }] : []),
    ...subresourcesOf(kind).map(({ subresource, routes }) => ({
      ...{ ...base, named: true, path: `${home}/{name}/${subresource}`, subresource, routes },
    })),
  ]
}

/** Path to its operations. */
export function paths(kinds: readonly AnyKind[], dialect: Dialect): Record<string, Json> {
  const all = kinds.flatMap(placesOf).sort((a, b) => (a.path < b.path ? -1 : 1))
  return Object.fromEntries(all.map((place) => [place.path, pathItem(place, dialect)]))
}

function pathItem(place: Place, dialect: Dialect): Json {
  const inPath = [...(place.named ? ['name'] : []), ...(place.inNamespace ? ['namespace'] : [])]
  return {
    ...Object.fromEntries(place.routes.map((route) => [route.method.toLowerCase(), operation(place, route, dialect)])),
    parameters: [
      ...inPath.map((name) => parameter(dialect, { name, in: 'path', required: true, text: `The object's ${name}.` })),
      parameter(dialect, { name: 'pretty', in: 'query', text: wordTexts.pretty ?? '' }),
    ],
  }
}

interface Parameter {
  name: string
  in: 'path' | 'query'
  required?: boolean
  text: string
}

function parameter({ version }: Dialect, { name, in: place, required, text }: Parameter): Json {
  const type = wordTypes[name] ?? 'string'
  const typed = version === 2 ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } }
  return { name, in: place, description: text, ...(required ? { required } : {}), ...typed }
}

function operation(place: Place, { verbs }: ResourceRoute, dialect: Dialect): Json {
  const { kind, subresource = '' } = place
  const verb = verbs[0] ?? 'get'
  const answer = answerName(place, verb)
  const query = (words[verb] ?? []).map((name) => parameter(dialect, { name, in: 'query', text: wordTexts[name] ?? '' }))
  return {
    description: `${verb} ${kind.kind}${subresource && ` ${subresource}`}`,
    operationId: [verb, kind.group || 'core', kind.version, kind.kind, subresource, place.inNamespace ? 'namespaced' : '']
      .filter((part) => part !== '')
      .join('_'),
    ...body(verb, kind, dialect),
    ...(query.length > 0 || dialect.version === 2 ? { parameters: [...query, ...bodyParameter(verb, kind, dialect)] } : {}),
    responses: {
      200: response(answer, dialect),
      ...(verb === 'create' || verb === 'update' ? { 201: response(answer, dialect) } : {}),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': { update: 'put', create: 'post' }[verb as string] ?? verb,
    'x-kubernetes-group-version-kind': (gvkOf(kind, kind.kind)['x-kubernetes-group-version-kind'] as Json[])[0],
  }
}

function answerName({ kind, subresource }: Place, verb: string): string | undefined {
  if (subresource !== undefined && subresource !== 'status' && subresource !== 'finalize') return undefined
  if (verb === 'list') return `${kind.openapiName}List`
  return verb === 'delete' || verb === 'deletecollection' ? statusName : kind.openapiName
}

function response(name: string | undefined, dialect: Dialect): Json {
  const schema = name === undefined ? { type: 'string' } : refTo(dialect, name)
  return { description: 'OK', ...(dialect.version === 2 ? { schema } : { content: { 'application/json': { schema } } }) }
}

function bodyName(verb: string, kind: AnyKind): string | undefined {
  if (verb === 'create' || verb === 'update') return kind.openapiName
  if (verb === 'patch') return patchName
  return verb === 'delete' || verb === 'deletecollection' ? deleteOptionsName : undefined
}

const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']

/** v3 has the body beside the parameters. */
function body(verb: string, kind: AnyKind, dialect: Dialect): Json {
  const name = bodyName(verb, kind)
  const types = verb === 'patch' ? patchTypes : ['application/json', 'application/yaml']
  if (name === undefined) return {}
  if (dialect.version === 2) return { consumes: types }
  const content = Object.fromEntries(types.map((type) => [type, { schema: refTo(dialect, name) }]))
  return { requestBody: { content, ...(name === deleteOptionsName ? {} : { required: true }) } }
}

/** v2 has the body among the parameters. */
function bodyParameter(verb: string, kind: AnyKind, dialect: Dialect): Json[] {
  const name = bodyName(verb, kind)
  if (name === undefined || dialect.version === 3) return []
  const required = name === deleteOptionsName ? {} : { required: true }
  return [{ name: 'body', in: 'body', ...required, schema: refTo(dialect, name) }]
}
