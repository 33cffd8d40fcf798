// Binding: the scheduler's word that a Pod goes to a node. Posted to pods/binding, never stored.
import { notSupported, required } from '../field-error.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { embedded } from '../schema.ts'
import { objectReference } from './object-reference.ts'

export const Binding = kind({
  ...{ group: '', version: 'v1', kind: 'Binding', plural: 'bindings', scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Binding',
  fields: { target: embedded(objectReference) },
  validate: ({ target: { kind: of = '', name = '' } }) => [
    ...(of === '' || of === 'Node' ? [] : [notSupported('target.kind', of, ['Node', '<empty>'])]),
    ...(name === '' ? [required('target.name')] : []),
  ],
  without: ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
})
export type Binding = ObjectOf<typeof Binding>
