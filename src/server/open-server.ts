// The API server without HTTP: caches over a store, and every verb on them.
import { randomInt, randomUUID } from 'node:crypto'
import type { Plugin } from '../admission/chain.ts'
import type { AnyKind } from '../api/kind.ts'
import { kinds as everyKind } from '../api/kinds.ts'
import { notFound } from '../api/status.ts'
import type { Clock } from '../lib/clock.ts'
import type { Store } from '../store/store.ts'
import type { ApiServer } from './api-server.ts'
import { bind } from './bind.ts'
import { create } from './create.ts'
import { deleteCollection } from './delete-collection.ts'
import { deleteOne } from './delete.ts'
import { keyOf } from './keys.ts'
import { evict } from './evict.ts'
import { list } from './list.ts'
import { localClient } from './local-client.ts'
import { patch } from './patch.ts'
import { update } from './update.ts'
import { watch } from './watch.ts'
import { openWatchCache } from './watch-cache.ts'
import { present, type Random, readerOf, type World } from './world.ts'

export interface ApiServerOptions {
  /** Stays open when the server closes. */
  store: Store
  /** In the order they are asked. */
  plugins: readonly Plugin[]
  clock: Clock
  /** Default: every kind there is. */
  kinds?: readonly AnyKind[] | undefined
  random?: Random | undefined
}

const cryptoRandom: Random = { uid: randomUUID, integer: randomInt }

/** Resolves when everything in the store can be served. */
export async function openApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, plugins, clock, kinds = everyKind, random = cryptoRandom } = options
  const closing = new AbortController()
  const { cache, done } = await openWatchCache({ store, kinds, clock, signal: closing.signal })
  const world: World = { store, cache, plugins, clock, random, read: readerOf(store, cache) }
  const server: ApiServer = {
    kinds,
    async get(kind, ref) {
      const stored = await present(world, kind, keyOf(kind, ref))
      if (!stored) throw notFound(kind, ref.name)
      return stored
    },
    list: (kind, query) => list(world, kind, query),
    watch: (kind, query) => watch(world, kind, query),
    create: (kind, ref, body, context) => create(world, { kind, ...ref }, body, context),
    bind: (ref, body, context) => bind(world, ref, body, context),
    evict: (ref, body, context) => evict(world, ref, body, context),
    update: (kind, ref, body, context) => update(world, { kind, ref }, body, context),
    patch: (kind, ref, body, context) => patch(world, { kind, ref }, body, context),
    delete: (kind, ref, how, context) => deleteOne(world, { kind, ref }, how, context),
    deleteCollection: (kind, where, how, context) => deleteCollection(world, { kind, where }, how, context),
    client: (user, groups = ['system:masters', 'system:authenticated']) => localClient(server, { name: user, groups }),
    async close() {
      closing.abort()
      await done
    },
  }
  return server
}
