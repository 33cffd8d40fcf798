// Which options of lists and watches go together. Texts as upstream's, for a kind named ListOptions.
import { type FieldError, forbiddenField, notSupported } from '../api/field-error.ts'
import { badRequest, invalidObject } from '../api/status.ts'
import type { ListQuery, WatchQuery } from './api-server.ts'

const matches = ['Exact', 'NotOlderThan', '']
const listOptions = { group: 'meta.k8s.io', plural: '', kind: 'ListOptions' }

export function checkListOptions({ continue: token = '', resourceVersion = '', resourceVersionMatch }: ListQuery): void {
  const version = revisionOf(resourceVersion)
  if (token !== '' && version !== 0) throw badRequest('specifying resource version is not allowed when using continue')
  const field = 'resourceVersionMatch'
  const errors: FieldError[] = []
  if (resourceVersionMatch) {
    if (resourceVersion === '') errors.push(forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`))
    if (token !== '') errors.push(forbiddenField(field, `${field} is forbidden when continue is provided`))
    if (!matches.includes(resourceVersionMatch)) errors.push(notSupported(field, resourceVersionMatch, matches))
    if (resourceVersionMatch === 'Exact' && resourceVersion === '0')
      errors.push(forbiddenField(field, `${field} "exact" is forbidden for resourceVersion "0"`))
  }
  refuse(errors)
}

export function checkWatchOptions({ sendInitialEvents, resourceVersionMatch }: WatchQuery): void {
  const field = 'resourceVersionMatch'
  const errors: FieldError[] = []
  if (sendInitialEvents === undefined) {
    if (resourceVersionMatch)
      errors.push(forbiddenField(field, `${field} is forbidden for watch unless sendInitialEvents is provided`))
  } else if (resourceVersionMatch !== 'NotOlderThan')
    errors.push(forbiddenField(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  refuse(errors)
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(listOptions, '', errors)
}

/** A resourceVersion as a client sends it; absent is 0. */
export function revisionOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`invalid resource version ${JSON.stringify(text)}: it must be a decimal number`)
  return Number(text)
}
