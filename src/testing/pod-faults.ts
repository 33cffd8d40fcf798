// Small Pods for tests of what a Pod may say, and what creating them is told.
import { Pod } from '../api/core/pod.ts'
import { fieldErrorText } from '../api/field-error.ts'
import { validateCreate } from '../api/validate.ts'

type Json = Record<string, unknown>

/** The faults of a Pod with this spec; without `containers` in it, it has one that is right. */
export const podFaults = (spec: Json): string[] => {
  const body = { metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'i' }], ...spec } }
  return validateCreate(Pod, Pod.decode(body, { unknown: [] })).map(fieldErrorText)
}

/** A spec with one container. */
export const oneContainer = (container: Json, spec: Json = {}): Json => ({
  containers: [{ name: 'a', image: 'i', ...container }],
  ...spec,
})

/** What upstream says of a name that is no DNS label. */
export const dnsLabelFault =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
