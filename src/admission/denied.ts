// The 403 of an admission plugin.
import type { ObjectMeta } from '../api/meta.ts'
import { forbidden, type StatusError } from '../api/status.ts'
import type { AdmissionRequest } from './chain.ts'

/** Names the object as upstream does before names are generated: its name, else generateName, else `Unknown`. */
export function denied(
  request: Pick<AdmissionRequest<{ metadata: ObjectMeta }>, 'kind' | 'name' | 'object'>,
  why: string,
): StatusError {
  const { name, generateName } = request.object.metadata
  return forbidden(request.kind, request.name || name || generateName || 'Unknown', why)
}
