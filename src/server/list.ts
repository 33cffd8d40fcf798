// LIST: from the cache, in key order, in bytes that were made before.
import type { AnyKind } from '../api/kind.ts'
import type { ListQuery, StoredList } from './api-server.ts'
import { selectionOf } from './selection.ts'
import type { World } from './world.ts'

export async function list({ cache }: World, kind: AnyKind, query: ListQuery): Promise<StoredList> {
  const { prefix, matches } = selectionOf(kind, query)
  const items = Array.from(cache.of(kind).from(prefix, prefix), ([, stored]) => stored)
  const kept = matches ? items.filter((stored) => matches(stored.object)) : items
  return { items: kept, resourceVersion: String(cache.revision()) }
}
