// Secret: bytes that only some Pods read.
import { base64OfText } from '../base64.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { bool, bytes, mapOf, optional, pointer, text } from '../schema.ts'
import { secretErrors, secretUpdateErrors } from './secret-rules.ts'

/** k8s: stringData is written only; it wins over data and is never stored. */
function encodeStringData(secret: { data?: Texts; stringData?: Texts }): void {
  for (const [key, text] of Object.entries(secret.stringData ?? {})) secret.data = { ...secret.data, [key]: base64OfText(text) }
  delete secret.stringData
}
type Texts = Record<string, string> | undefined

export const Secret = kind({
  ...{ group: '', version: 'v1', kind: 'Secret', plural: 'secrets', scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Secret',
  fields: {
    immutable: pointer(bool()),
    data: optional(mapOf(bytes())),
    stringData: optional(mapOf(text())),
    type: optional(text({ default: 'Opaque' })),
  },
  prepareCreate: encodeStringData,
  prepareUpdate: encodeStringData,
  validate: secretErrors,
  validateUpdate: secretUpdateErrors,
  selectable: { type: (secret) => secret.type ?? '' },
  columns: [
    { name: 'Type', cell: (secret) => secret.type ?? '' },
    { name: 'Data', cell: (secret) => Object.keys(secret.data ?? {}).length },
  ],
})
export type Secret = ObjectOf<typeof Secret>
