// The opaque token a client continues a list with: which state of the world, and after which key.
import { isRecord } from '../api/schema.ts'
import { badRequest, gone, StatusError } from '../api/status.ts'

const version = 'meta.k8s.io/v1'

/** `revision` -1: whatever is there then. `start` is the last key already sent, without the list's own prefix. */
export const continueToken = (revision: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url')

/** Throws a 400 for anything that is no token of ours. */
export function readContinue(token: string): { revision: number; start: string } {
  const read = parsed(token)
  if (!isRecord(read)) throw notValid('it cannot be decoded')
  const { v, rv, start } = read
  if (v !== version) throw notValid(`server does not recognize this encoded version ${JSON.stringify(v) ?? '""'}`)
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1)
    throw notValid('incorrect encoded start resourceVersion')
  if (typeof start !== 'string' || start === '') throw notValid('encoded start key empty')
  return { revision: rv, start }
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    return undefined
  }
}

const notValid = (why: string): StatusError => badRequest(`continue key is not valid: ${why}`)

/** k8s: the refusal carries a token to go on with all the same, for who can live with a list of two moments. */
export function expired(start: string): StatusError {
  const { status } = gone(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
  return new StatusError({ ...status, metadata: { continue: continueToken(-1, start) } })
}
