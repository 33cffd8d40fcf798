// A request's body becomes an object of the kind the path names, or a 400 that says why not.
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import { DecodeError, type Decoding, isRecord } from '../api/schema.ts'
import { badRequest, type StatusError } from '../api/status.ts'
import type { Ref } from '../client/client.ts'
import type { WriteContext } from './api-server.ts'

/** Decodes with defaults. `refuse` words what is thrown for wrong types and, under Strict, unknown fields; default a 400. */
export function decodeBody(
  kind: AnyKind,
  body: unknown,
  { fieldValidation = 'Ignore', warn }: Pick<WriteContext, 'fieldValidation' | 'warn'>,
  refuse: (why: string) => StatusError = (why) => notDecodable(kind, why),
): AnyObject {
  if (!isRecord(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): not a JSON object`)
  ownKind(kind, body)
  const into = { unknown: [] as string[] }
  const object = decoded(kind, body, into, refuse)
  const faults = into.unknown.map((field) => `unknown field "${field}"`)
  if (faults.length > 0 && fieldValidation === 'Strict') throw refuse(`strict decoding error: ${faults.join(', ')}`)
  if (fieldValidation === 'Warn') for (const fault of faults) warn?.(fault)
  return object
}

/** A write that is tried again decodes again; the client hears each warning once. */
export function warningOnce<C extends Pick<WriteContext, 'warn'>>(context: C): C {
  const said = new Set<string>()
  const warn = (text: string) => {
    if (!said.has(text)) context.warn?.(text)
    said.add(text)
  }
  return { ...context, warn }
}

/** k8s: an absent kind or apiVersion is the path's; another one is refused. */
function ownKind(kind: AnyKind, body: Record<string, unknown>): void {
  const { kind: name = kind.kind, apiVersion = kind.apiVersion } = body
  if (name === '' || typeof name !== 'string' || typeof apiVersion !== 'string') return
  if (name !== kind.kind) {
    const known = kinds.some((k) => k.kind === name && k.apiVersion === apiVersion)
    const why = known
      ? `converting (${name}) to (${kind.kind}): unknown conversion`
      : `no kind "${name}" is registered for version "${apiVersion}"`
    throw badRequest(`${name} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${kind.kind}: ${why}`)
  }
  if (apiVersion !== '' && apiVersion !== kind.apiVersion)
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${kind.apiVersion})`)
}

function decoded(kind: AnyKind, body: unknown, into: Decoding, refuse = (why: string) => notDecodable(kind, why)): AnyObject {
  try {
    return kind.decode(body, into)
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message)
    throw error
  }
}

/** What plugins made of `fresh`, canonical again and shared with nobody but `fresh`, whose untouched parts it takes over. */
export const redecoded = (kind: AnyKind, fresh: AnyObject, mutated: AnyObject): AnyObject =>
  mutated === fresh ? fresh : decoded(kind, mutated, { unknown: [], was: fresh })

const notDecodable = (kind: AnyKind, why: string): StatusError =>
  badRequest(`${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${why}`)

const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1)

/** Fills in the namespace of the request, and refuses another one or, for cluster-scoped kinds, any. */
export function placeInNamespace(kind: AnyKind, object: AnyObject, namespace: string | undefined): AnyObject {
  if (kind.scope === 'cluster') {
    if (object.metadata.namespace) throw badRequest('namespace may not be set for cluster-scoped resources')
    return object
  }
  if (!namespace) throw badRequest('an empty namespace may not be set during creation')
  const given = object.metadata.namespace
  if (given && given !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  object.metadata.namespace = namespace
  return object
}

/** The body of a PUT must name what the path names. */
export function checkName(object: AnyObject, { name }: Ref): void {
  const given = object.metadata.name
  if (!given) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (given !== name) throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
}
