// The client of those who live in the server's own process: no bytes, no copies, the cache's frozen objects.
import type { User } from '../admission/chain.ts'
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import type { Client, ListResult, Ref, Watched, Where, WriteOptions } from '../client/client.ts'
import type { ApiServer, Stored, Subresource, WriteContext } from './api-server.ts'

export function localClient(server: ApiServer, user: User): Client {
  const context = (options: { dryRun?: boolean | undefined } = {}): WriteContext => ({ user, dryRun: options.dryRun })
  return {
    get: async (kind, ref) => objectOf<typeof kind>(await server.get(kind, ref)),
    async list<K extends AnyKind>(kind: K, where = {}) {
      const { items, ...rest } = await server.list(kind, where)
      return { ...rest, items: items.map(objectOf<K>) } satisfies ListResult<ObjectOf<K>>
    },
    watch: (kind, since, where) => watched<typeof kind>(server, kind, since, where),
    create: async (kind, object, options) =>
      objectOf<typeof kind>(await server.create(kind, { namespace: object.metadata.namespace }, object, context(options))),
    async update<K extends AnyKind>(
      kind: K,
      object: ObjectOf<K>,
      options: WriteOptions & { subresource?: Subresource | undefined } = {},
    ) {
      const { subresource } = options
      const { stored } = await server.update(kind, refOf(object), object, { ...context(options), subresource })
      return objectOf<K>(stored)
    },
    patch: async (kind, ref, { subresource, type, body, ...options }) =>
      objectOf<typeof kind>(await server.patch(kind, ref, { type, body }, { ...context(options), subresource })),
    async delete(kind, ref, options = {}) {
      await server.delete(kind, ref, options, context(options))
    },
    async deleteCollection(kind, where, options = {}) {
      await server.deleteCollection(kind, where, options, context(options))
    },
    async createSubresource(_kind, ref, subresource, body) {
      await (subresource === 'binding' ? server.bind(ref, body, context()) : server.evict(ref, body, context()))
    },
  }
}

const refOf = ({ metadata: { namespace, name } }: AnyObject): Ref => ({ namespace, name })

const objectOf = <K extends AnyKind>(stored: Stored): ObjectOf<K> => stored.object as ObjectOf<K>

async function* watched<K extends AnyKind>(
  server: ApiServer,
  kind: K,
  since: string,
  where: Where & { signal: AbortSignal },
): AsyncGenerator<Watched<ObjectOf<K>>> {
  for await (const batch of server.watch(kind, { ...where, resourceVersion: since, allowWatchBookmarks: true }))
    for (const event of batch) {
      if (where.signal.aborted) return
      if (event.type === 'BOOKMARK') yield { type: event.type, resourceVersion: event.resourceVersion }
      else yield { type: event.type, object: objectOf<K>(event.stored) }
    }
}
