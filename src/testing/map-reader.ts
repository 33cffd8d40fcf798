// What admission plugins read from, over plain Maps: for tables of plugins without a server.
import type { AdmissionRequest, Reader } from '../admission/chain.ts'
import type { AnyObject, ObjectOf } from '../api/kind.ts'

const keyOf = (kind: string, namespace: string | undefined, name: string) => `${kind}/${namespace ?? ''}/${name}`
const mapOf = (objects: readonly AnyObject[]) =>
  new Map(objects.map((o) => [keyOf(o.kind, o.metadata.namespace, o.metadata.name), o]))

/** `young` objects are in the store and not yet in the cache. */
export function mapReader(objects: readonly AnyObject[], young: readonly AnyObject[] = []): Reader {
  const cache = mapOf(objects)
  const store = mapOf([...objects, ...young])
  return {
    cached: (kind, { namespace, name }) => cache.get(keyOf(kind.kind, namespace, name)) as ObjectOf<typeof kind> | undefined,
    cachedList: (kind, namespace) =>
      objects.filter(
        (o) => o.kind === kind.kind && (namespace === undefined || o.metadata.namespace === namespace),
      ) as unknown as readonly ObjectOf<typeof kind>[],
    live: (kind, { namespace, name }) =>
      Promise.resolve(store.get(keyOf(kind.kind, namespace, name)) as ObjectOf<typeof kind> | undefined),
  }
}

/** For plugins that only look: at time 0, writing is an error. */
export const noEffects: Pick<AdmissionRequest, 'nowMs' | 'replace' | 'onSettled'> = {
  nowMs: 0,
  replace: () => Promise.reject(new Error('this plugin writes')),
  onSettled() {
    throw new Error('this plugin waits for the end')
  },
}
