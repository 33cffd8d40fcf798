// Where objects live in the store: /registry/<group or core>/<plural>/[<namespace>/]<name>.
import type { AnyKind } from '../api/kind.ts'
import type { Ref } from '../client/client.ts'

/** Every key of a kind, and of no other, begins with this. */
export const kindPrefix = (kind: AnyKind): string => `/registry/${kind.group || 'core'}/${kind.plural}/`

/** Every key of a kind in one namespace; of all namespaces when it is absent or empty, and for cluster-scoped kinds. */
export const listPrefix = (kind: AnyKind, namespace?: string): string =>
  kind.scope === 'namespaced' && namespace ? `${kindPrefix(kind)}${namespace}/` : kindPrefix(kind)

/** No two refs of valid names share a key: names hold no slash. */
export const keyOf = (kind: AnyKind, { namespace = '', name }: Ref): string =>
  kind.scope === 'namespaced' ? `${kindPrefix(kind)}${namespace}/${name}` : `${kindPrefix(kind)}${name}`

/** `/registry/<group>/<plural>/` of a key. */
export function kindPrefixOfKey(key: string): string {
  const afterGroup = key.indexOf('/', '/registry/'.length)
  return key.slice(0, key.indexOf('/', afterGroup + 1) + 1)
}
