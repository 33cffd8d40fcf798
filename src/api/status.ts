// The one error shape: a Kubernetes Status, thrown in the server, sent over HTTP, rethrown by clients.
import { type FieldError, fieldErrorText } from './field-error.ts'

export interface StatusCause {
  reason?: string | undefined
  message?: string | undefined
  field?: string | undefined
}

export interface StatusDetails {
  name?: string | undefined
  group?: string | undefined
  kind?: string | undefined
  uid?: string | undefined
  causes?: StatusCause[] | undefined
  retryAfterSeconds?: number | undefined
}

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string | undefined
  reason?: string | undefined
  details?: StatusDetails | undefined
  code: number
}

/** What an error says of a kind: its group and plural, as they stand in a path. */
export interface Named {
  group: string
  plural: string
  kind: string
}

export class StatusError extends Error {
  override name = 'StatusError'
  readonly status: Status
  constructor(status: Status, cause?: unknown) {
    super(status.message, { cause })
    this.status = status
  }
}

export function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  if (details === undefined) delete status.details
  return new StatusError(status)
}

/** `pods`, `runtimeclasses.node.k8s.io`: how messages name a resource. */
export const qualified = (k: Named): string => (k.group === '' ? k.plural : `${k.plural}.${k.group}`)
const details = (k: Named, name: string, more: StatusDetails = {}): StatusDetails => ({
  name,
  ...(k.group === '' ? {} : { group: k.group }),
  kind: k.plural,
  ...more,
})

export const notFound = (k: Named, name: string): StatusError =>
  failure(404, 'NotFound', `${qualified(k)} "${name}" not found`, details(k, name))
export const alreadyExists = (k: Named, name: string): StatusError =>
  failure(409, 'AlreadyExists', `${qualified(k)} "${name}" already exists`, details(k, name))
export const conflict = (k: Named, name: string, why: string): StatusError =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(k)} "${name}": ${why}`, details(k, name))
export const modified = 'the object has been modified; please apply your changes to the latest version and try again'
export const forbidden = (k: Named, name: string, why: string): StatusError =>
  failure(403, 'Forbidden', `${qualified(k)} "${name}" is forbidden: ${why}`, details(k, name))
export const badRequest = (message: string): StatusError => failure(400, 'BadRequest', message)
export const unauthorized = (): StatusError => failure(401, 'Unauthorized', 'Unauthorized')
export const gone = (message: string): StatusError => failure(410, 'Expired', message)
export const methodNotAllowed = (): StatusError =>
  failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
export const pathNotFound = (): StatusError => failure(404, 'NotFound', 'the server could not find the requested resource', {})
export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
export const tooLarge = (limitBytes: number): StatusError =>
  failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`)
export const internal = (message: string): StatusError => {
  const causes = [{ message }]
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes })
}
export const unavailable = (message: string): StatusError => failure(503, 'ServiceUnavailable', message)
export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  failure(429, 'TooManyRequests', message, { retryAfterSeconds })

/** 422 with every wrong field, listed as upstream's aggregate does: one bare, several in brackets, repeats once. */
export function invalidObject(k: Named, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map(fieldErrorText))]
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }))
  const inGroup = k.group === '' ? '' : `.${k.group}`
  const where: StatusDetails = { name, ...(k.group === '' ? {} : { group: k.group }), kind: k.kind, causes }
  return failure(422, 'Invalid', `${k.kind}${inGroup} "${name}" is invalid: ${all}`, where)
}

/** The body of a finished delete. */
export const success = (k: Named, name: string, uid: string): Status => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' },
  details: details(k, name, { uid }),
  code: 200,
})

export const statusOf = (error: unknown): Status | undefined => (error instanceof StatusError ? error.status : undefined)
const reasonOf = (error: unknown): string | undefined => statusOf(error)?.reason
export const isNotFound = (error: unknown): boolean => reasonOf(error) === 'NotFound'
/** For `catch`: undefined where the object is not there; whatever else it is is thrown on. */
export function unlessNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error
}
export const isConflict = (error: unknown): boolean => reasonOf(error) === 'Conflict'
export const isAlreadyExists = (error: unknown): boolean => reasonOf(error) === 'AlreadyExists'
export const isExpired = (error: unknown): boolean => statusOf(error)?.code === 410
