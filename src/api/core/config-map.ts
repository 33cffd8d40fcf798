// ConfigMap: text and bytes that Pods read.
import { kind, type ObjectOf } from '../kind.ts'
import { bool, bytes, mapOf, optional, pointer, text } from '../schema.ts'
import { configMapErrors, heldUpdateErrors } from './secret-rules.ts'

export const ConfigMap = kind({
  ...{ group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.ConfigMap',
  fields: { immutable: pointer(bool()), data: optional(mapOf(text())), binaryData: optional(mapOf(bytes())) },
  validate: configMapErrors,
  validateUpdate: heldUpdateErrors,
  columns: [{ name: 'Data', cell: (map) => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length }],
})
export type ConfigMap = ObjectOf<typeof ConfigMap>
