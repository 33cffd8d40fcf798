// Query parameters of the verbs, read and checked as upstream does.
import { type FieldError, forbiddenField, invalid, notSupported } from '../api/field-error.ts'
import { badRequest, failure, invalidObject } from '../api/status.ts'
import { isRecord } from '../api/schema.ts'
import type { DeleteOptions } from '../client/client.ts'
import type { ListQuery, WriteContext } from './api-server.ts'

/** k8s: everything but these is true, `watch=nonsense` too. */
const isTrue = (text: string | null): boolean => text !== null && !['', '0', 'false'].includes(text.toLowerCase())

/** Throws 400. */
export function integerOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[+-]?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

const textOf = (query: URLSearchParams, name: string): string | undefined => query.get(name) || undefined

export interface ListCall extends ListQuery {
  watch: boolean
  timeoutSeconds?: number | undefined
  allowWatchBookmarks: boolean
  sendInitialEvents?: boolean | undefined
}

/** Throws 400 for what is no number, 422 for words that do not go together. */
export function listCall(query: URLSearchParams): ListCall {
  const initial = query.get('sendInitialEvents')
  const call: ListCall = {
    labelSelector: textOf(query, 'labelSelector'),
    fieldSelector: textOf(query, 'fieldSelector'),
    limit: integerOf(query, 'limit'),
    continue: textOf(query, 'continue'),
    resourceVersion: textOf(query, 'resourceVersion'),
    resourceVersionMatch: textOf(query, 'resourceVersionMatch'),
    watch: isTrue(query.get('watch')),
    timeoutSeconds: integerOf(query, 'timeoutSeconds'),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: initial === null ? undefined : isTrue(initial),
  }
  refuse('ListOptions', call.watch ? watchErrors(call) : listErrors(call))
  return call
}

const matches = ['Exact', 'NotOlderThan']

function listErrors({
  resourceVersionMatch: match,
  resourceVersion,
  continue: token,
  sendInitialEvents,
}: ListCall): FieldError[] {
  const wrong: FieldError[] = []
  const at = 'resourceVersionMatch'
  if (match !== undefined) {
    if (resourceVersion === undefined) wrong.push(forbiddenField(at, `${at} is forbidden unless resourceVersion is provided`))
    if (token !== undefined) wrong.push(forbiddenField(at, `${at} is forbidden when continue is provided`))
    if (!matches.includes(match)) wrong.push(notSupported(at, match, matches))
    if (match === 'Exact' && resourceVersion === '0')
      wrong.push(forbiddenField(at, `${at} "exact" is forbidden for resourceVersion "0"`))
  }
  if (sendInitialEvents !== undefined) wrong.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return wrong
}

function watchErrors({ resourceVersionMatch: match, sendInitialEvents }: ListCall): FieldError[] {
  const at = 'resourceVersionMatch'
  if (sendInitialEvents === undefined)
    return match === undefined ? [] : [forbiddenField(at, `${at} is forbidden for watch unless sendInitialEvents is provided`)]
  if (match === undefined) return [forbiddenField(at, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')]
  return match === 'NotOlderThan' ? [] : [notSupported(at, match, ['NotOlderThan'])]
}

export type WriteQuery = Pick<WriteContext, 'dryRun' | 'fieldValidation'>

/** `options` names the upstream type for messages: CreateOptions, UpdateOptions, PatchOptions. Throws 422. */
export function writeQuery(query: URLSearchParams, options: string): WriteQuery {
  const validation = textOf(query, 'fieldValidation')
  const manager = query.get('fieldManager') ?? ''
  const wrong = dryRunErrors(query.getAll('dryRun'))
  const known = ['', 'Ignore', 'Strict', 'Warn']
  if (validation !== undefined && !known.includes(validation)) wrong.push(notSupported('fieldValidation', validation, known))
  if (Buffer.byteLength(manager) > 128) wrong.push(invalid('fieldManager', manager, 'may not be more than 128 bytes'))
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(manager))
    wrong.push(invalid('fieldManager', manager, 'should only contain printable characters'))
  if (options === 'PatchOptions' && query.has('force'))
    wrong.push(forbiddenField('force', 'may not be specified for non-apply patch'))
  refuse(options, wrong)
  return { dryRun: isDryRun(query.getAll('dryRun')), fieldValidation: validation as WriteQuery['fieldValidation'] }
}

const isDryRun = (words: readonly string[]): boolean => words.some((word) => word !== '')
const dryRunErrors = (words: readonly string[]): FieldError[] =>
  words.filter((word) => word !== 'All' && word !== '').map((word) => notSupported('dryRun', word, ['All']))

const policies = ['Foreground', 'Background', 'Orphan']

/** From the query and from a DeleteOptions in the body, which wins as a whole. Throws 400 and 422. */
export function deleteCall(query: URLSearchParams, body: unknown): DeleteOptions {
  const given = isRecord(body) ? optionsOfBody(body) : optionsOfQuery(query)
  const wrong = dryRunErrors(given.dryRun)
  const policy = given.propagationPolicy
  if (policy !== undefined && !policies.includes(policy)) wrong.push(notSupported('propagationPolicy', policy, policies))
  const grace = given.gracePeriodSeconds
  if (grace !== undefined && grace < 0 && grace !== -1)
    wrong.push(invalid('gracePeriodSeconds', grace, 'must be greater than or equal to 0'))
  refuse('DeleteOptions', wrong)
  return { ...given, dryRun: isDryRun(given.dryRun) }
}

type GivenDelete = Omit<DeleteOptions, 'dryRun'> & { dryRun: string[] }

const optionsOfQuery = (query: URLSearchParams): GivenDelete => ({
  gracePeriodSeconds: integerOf(query, 'gracePeriodSeconds'),
  propagationPolicy: textOf(query, 'propagationPolicy'),
  dryRun: query.getAll('dryRun'),
})

function optionsOfBody(body: Record<string, unknown>): GivenDelete {
  if (body.kind !== undefined && body.kind !== 'DeleteOptions')
    throw badRequest(`${shownKind(body)} cannot be handled as a DeleteOptions: expected kind DeleteOptions`)
  const wrongType = (field: string) => badRequest(`json: cannot unmarshal into field DeleteOptions.${field}`)
  const { gracePeriodSeconds: grace, propagationPolicy: policy, dryRun = [], preconditions } = body
  if (grace !== undefined && grace !== null && !Number.isInteger(grace)) throw wrongType('gracePeriodSeconds')
  if (policy !== undefined && policy !== null && typeof policy !== 'string') throw wrongType('propagationPolicy')
  if (dryRun !== null && !(Array.isArray(dryRun) && dryRun.every((word) => typeof word === 'string'))) throw wrongType('dryRun')
  return {
    gracePeriodSeconds: (grace as number | null | undefined) ?? undefined,
    propagationPolicy: (policy as string | null | undefined) || undefined,
    dryRun: (dryRun as string[] | null) ?? [],
    preconditions: isRecord(preconditions) ? preconditionsOf(preconditions) : undefined,
  }
}

const shownKind = ({ kind, apiVersion }: Record<string, unknown>): string =>
  `${String(kind)} in version ${JSON.stringify(apiVersion ?? '')}`

function preconditionsOf({ uid, resourceVersion }: Record<string, unknown>): DeleteOptions['preconditions'] {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { uid: text(uid), resourceVersion: text(resourceVersion) }
}

const options = (name: string) => ({ group: 'meta.k8s.io', plural: name, kind: name })

function refuse(name: string, wrong: readonly FieldError[]): void {
  if (wrong.length > 0) throw invalidObject(options(name), '', wrong)
}

/** 400 in Strict, a warning each in Warn. `kind` is for the message. */
export function reportDuplicates(
  duplicates: readonly string[],
  mode: WriteQuery['fieldValidation'],
  subject: { kind: string; apiVersion: string } | undefined,
): string[] {
  const texts = duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`)
  if (mode === 'Warn' || texts.length === 0) return texts
  if (mode !== 'Strict') return []
  const lead = subject
    ? `${subject.kind} in version ${JSON.stringify(subject.apiVersion.split('/').at(-1))} cannot be handled as a ${subject.kind}: `
    : ''
  throw failure(400, 'BadRequest', `${lead}strict decoding error: ${texts.join(', ')}`)
}
