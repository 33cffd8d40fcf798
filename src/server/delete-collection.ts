// DELETE of a collection: each object on its own, as if deleted by name.
import type { AnyKind } from '../api/kind.ts'
import { isNotFound } from '../api/status.ts'
import type { DeleteOptions, Where } from '../client/client.ts'
import type { Stored, StoredList, WriteContext } from './api-server.ts'
import { deleted } from './delete.ts'
import { list } from './list.ts'
import type { World } from './world.ts'

/** Resolves to the objects that were there. k8s: not atomic; objects that go meanwhile are no error. */
export async function deleteCollection(
  world: World,
  { kind, where }: { kind: AnyKind; where: Where },
  options: DeleteOptions,
  context: WriteContext,
): Promise<StoredList> {
  const { items } = await list(world, kind, where)
  const results = await Promise.all(
    items.map(async ({ object }): Promise<Stored[]> => {
      try {
        return [(await deleted(world, { kind, ref: object.metadata }, options, context)).stored]
      } catch (error) {
        if (isNotFound(error)) return []
        throw error
      }
    }),
  )
  return { items: results.flat(), resourceVersion: String(world.cache.revision()) }
}
