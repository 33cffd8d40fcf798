// OpenAPI schemas out of the declared kinds, for both versions of the document. Pure.
import type { AnyKind } from '../api/kind.ts'
import { type AnyType, namedTypes } from '../api/schema.ts'
import { fieldText, typeText } from './openapi-text.ts'

export type Json = Record<string, unknown>

/** How a version of OpenAPI points at schemas. v3 cannot say anything beside a $ref, so it wraps one. */
export interface Dialect {
  version: 2 | 3
  prefix: string
}
export const dialects: Record<2 | 3, Dialect> = {
  2: { version: 2, prefix: '#/definitions/' },
  3: { version: 3, prefix: '#/components/schemas/' },
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const listMetaName = `${meta}.ListMeta`
export const statusName = `${meta}.Status`
export const deleteOptionsName = `${meta}.DeleteOptions`
export const patchName = `${meta}.Patch`

export const refTo = ({ prefix }: Dialect, name: string): Json => ({ $ref: `${prefix}${name}` })

/** Every schema that `kinds` need, by name, with the lists of these kinds and what any verb answers. */
export function definitions(kinds: readonly AnyKind[], dialect: Dialect): Record<string, Json> {
  const found = new Map<string, Json>()
  const need = (name: string): void => {
    if (found.has(name)) return
    const type = namedTypes.get(name)
    const leaf = leaves[name]?.(dialect)
    // holds the place: a type may contain itself
    found.set(name, {})
    if (type) found.set(name, objectSchema(name, type, dialect, need))
    else if (leaf) found.set(name, leaf)
  }
  for (const name of [statusName, deleteOptionsName, patchName, ...leafNames]) need(name)
  for (const kind of kinds) {
    need(kind.openapiName)
    found.set(kind.openapiName, { ...found.get(kind.openapiName), ...gvkOf(kind, kind.kind) })
    if (!kind.without?.includes('list')) found.set(`${kind.openapiName}List`, listSchema(kind, dialect))
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const gvkOf = ({ group, version }: Pick<AnyKind, 'group' | 'version'>, kind: string): Json => ({
  'x-kubernetes-group-version-kind': [{ group, kind, version }],
})

type Need = (name: string) => void

function objectSchema(name: string, type: AnyType, dialect: Dialect, need: Need): Json {
  const { shape } = type
  if (shape.is !== 'object') return schemaOf(type, dialect, need)
  const description = typeText(name)
  const properties: Record<string, Json> = {}
  for (const [field, of] of Object.entries(shape.fields)) {
    const text = fieldText(name, field)
    properties[field] = described(schemaOf(of, dialect, need), text, dialect)
  }
  const required = oddlyRequired[name] ?? Object.entries(shape.fields).flatMap(([field, of]) => (isRequired(of) ? [field] : []))
  return {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(shape.granularity === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  }
}

// k8s: where what is required does not follow from what is always there
const oddlyRequired: Record<string, string[]> = {
  'io.k8s.api.core.v1.Binding': ['target'],
  'io.k8s.api.core.v1.Event': ['involvedObject', 'metadata'],
  'io.k8s.api.core.v1.NodeRuntimeHandler': [],
}
const isRequired = (type: AnyType): boolean => type.presence === 'required' && type.default === undefined

function described(schema: Json, description: string | undefined, { version }: Dialect): Json {
  if (version === 3 && '$ref' in schema)
    return { ...(description === undefined ? {} : { description }), allOf: [{ $ref: schema.$ref }] }
  return description === undefined ? schema : { description, ...schema }
}

function schemaOf(type: AnyType, dialect: Dialect, need: Need): Json {
  const { shape, openapi } = type
  if (typeof openapi.$ref === 'string') {
    need(openapi.$ref)
    const retain = shape.is === 'object' && shape.retainKeys ? { 'x-kubernetes-patch-strategy': 'retainKeys' } : {}
    return { ...refTo(dialect, openapi.$ref), ...retain }
  }
  switch (shape.is) {
    case 'list':
      return { ...openapi, ...strategy(shape.of, openapi), items: nested(shape.of, dialect, need) }
    case 'map':
      return { ...openapi, additionalProperties: nested(shape.of, dialect, need) }
    case 'object':
      return { ...objectSchema('', type, dialect, need) }
    default:
      return { ...openapi }
  }
}

/** In a list or map: a bare $ref, wrapped in v3. */
function nested(type: AnyType, dialect: Dialect, need: Need): Json {
  const { 'x-kubernetes-patch-strategy': _, ...schema } = schemaOf(type, dialect, need)
  return described(schema, undefined, dialect)
}

function strategy(of: AnyType, { 'x-kubernetes-patch-strategy': own }: Json): Json {
  const retain = of.shape.is === 'object' && of.shape.retainKeys
  return own === 'merge' && retain ? { 'x-kubernetes-patch-strategy': 'merge,retainKeys' } : {}
}

function listSchema(kind: AnyKind, dialect: Dialect): Json {
  return {
    description: `A list of ${kind.kind} objects.`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { description: fieldText('', 'apiVersion'), type: 'string' },
      items: {
        description: 'The objects.',
        type: 'array',
        items: described(refTo(dialect, kind.openapiName), undefined, dialect),
      },
      kind: { description: fieldText('', 'kind'), type: 'string' },
      metadata: described(refTo(dialect, listMetaName), 'What holds for the list as a whole.', dialect),
    },
    ...gvkOf(kind, `${kind.kind}List`),
  }
}

const text = (description: string): Json => ({ description, type: 'string' })

/** Schemas that no kind declares. */
const leaves: Record<string, (dialect: Dialect) => Json> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': ({ version }) => ({
    description: 'An exact amount: a decimal number with an optional suffix such as m, k, M, Gi or e3.',
    ...(version === 2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }),
  }),
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': ({ version }) => ({
    description: 'A number, or a text such as a name or a percentage.',
    format: 'int-or-string',
    ...(version === 2 ? { type: 'string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }] }),
  }),
  [`${meta}.Time`]: () => ({ description: 'An instant in RFC 3339, in whole seconds.', type: 'string', format: 'date-time' }),
  [`${meta}.MicroTime`]: () => ({ description: 'An instant in RFC 3339, in microseconds.', type: 'string', format: 'date-time' }),
  [`${meta}.Patch`]: () => ({ description: 'Changes to an object, in the form the Content-Type says.', type: 'object' }),
  [listMetaName]: () => ({
    description: 'What holds for a list as a whole.',
    type: 'object',
    properties: {
      continue: text('Ask again with this token for the items that did not fit.'),
      remainingItemCount: { description: 'How many items are left behind this page.', type: 'integer', format: 'int64' },
      resourceVersion: text('The state of the server this list shows; a watch can begin here.'),
      selfLink: text('No longer filled in.'),
    },
  }),
  [statusName]: (dialect) => ({
    description: 'The outcome of a call that has no object to answer with.',
    type: 'object',
    properties: {
      apiVersion: text('Version of this schema.'),
      code: { description: 'HTTP status code.', type: 'integer', format: 'int32' },
      details: { description: 'Which object, and what is wrong with it.', type: 'object' },
      kind: text('Always Status.'),
      message: text('What happened, for people.'),
      metadata: described(refTo(dialect, listMetaName), undefined, dialect),
      reason: text('What happened, in one word for programs.'),
      status: text('Success or Failure.'),
    },
    ...gvkOf({ group: '', version: 'v1' }, 'Status'),
  }),
  [deleteOptionsName]: () => ({
    description: 'How to delete.',
    type: 'object',
    properties: {
      apiVersion: text('Version of this schema.'),
      dryRun: { description: 'All: check everything, change nothing.', type: 'array', items: { type: 'string' } },
      gracePeriodSeconds: { description: 'Seconds the object may take to end; 0 is at once.', type: 'integer', format: 'int64' },
      kind: text('Always DeleteOptions.'),
      preconditions: {
        description: 'Delete only the object that has this uid and resourceVersion.',
        type: 'object',
        properties: { resourceVersion: text('Wanted resourceVersion.'), uid: text('Wanted uid.') },
      },
      propagationPolicy: text('Orphan, Background or Foreground: what becomes of dependents.'),
    },
    ...gvkOf({ group: '', version: 'v1' }, 'DeleteOptions'),
  }),
}
const leafNames = [listMetaName]
