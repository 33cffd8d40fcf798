// Secret: bytes that only some Pods read.
import { kind, type ObjectOf } from '../kind.ts'
import { bool, bytes, mapOf, optional, pointer, text } from '../schema.ts'

export const Secret = kind({
  ...{ group: '', version: 'v1', kind: 'Secret', plural: 'secrets', scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Secret',
  fields: {
    immutable: pointer(bool()),
    data: optional(mapOf(bytes())),
    stringData: optional(mapOf(text())),
    type: optional(text({ default: 'Opaque' })),
  },
  selectable: { type: (secret) => secret.type ?? '' },
  columns: [
    { name: 'Type', cell: (secret) => secret.type ?? '' },
    { name: 'Data', cell: (secret) => Object.keys(secret.data ?? {}).length },
  ],
})
export type Secret = ObjectOf<typeof Secret>
