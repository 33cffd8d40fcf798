// Eviction: the wish that a Pod goes, as long as no budget says no. Posted to pods/eviction, never stored.
import { kind, type ObjectOf } from '../kind.ts'
import { anyJson, pointer } from '../schema.ts'

export const Eviction = kind({
  ...{ group: 'policy', version: 'v1', kind: 'Eviction', plural: 'evictions', scope: 'namespaced' },
  openapiName: 'io.k8s.api.policy.v1.Eviction',
  // read like the body of a DELETE
  fields: { deleteOptions: pointer(anyJson()) },
  without: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
})
export type Eviction = ObjectOf<typeof Eviction>
