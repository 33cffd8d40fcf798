// What every verb of the API server works with.
import type { AdmissionVerb, AdmissionRequest, Plugin, Reader } from '../admission/chain.ts'
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import { internal } from '../api/status.ts'
import type { Clock } from '../lib/clock.ts'
import { type Entry, type Outcome, type Store, StoreFullError } from '../store/store.ts'
import type { Stored, WriteContext } from './api-server.ts'
import type { Ref } from '../client/client.ts'
import { keyOf, listPrefix } from './keys.ts'
import { encode, storedFrom } from './stored.ts'
import type { WatchCache } from './watch-cache.ts'

/** One object, which may or may not be there. */
export interface Target {
  kind: AnyKind
  ref: Ref
}

export interface World {
  readonly store: Store
  readonly cache: WatchCache
  readonly plugins: readonly Plugin[]
  readonly clock: Clock
  readonly read: Reader
  readonly random: Random
}

/** Where uids and the endings of generated names come from. */
export interface Random {
  uid(): string
  /** A whole number from 0 to `below` - 1. */
  integer(below: number): number
}

/** What plugins read: the caches, or the store itself. */
export function readerOf(store: Store, cache: WatchCache): Reader {
  const as = <K extends AnyKind>(stored: Stored | undefined) => stored?.object as ObjectOf<K> | undefined
  return {
    cached: <K extends AnyKind>(kind: K, ref: { namespace?: string | undefined; name: string }) =>
      as<K>(cache.of(kind).get(keyOf(kind, ref))),
    cachedList<K extends AnyKind>(kind: K, namespace?: string) {
      const prefix = listPrefix(kind, namespace)
      return Array.from(cache.of(kind).from(prefix, prefix), ([, stored]) => stored.object) as ObjectOf<K>[]
    },
    async live<K extends AnyKind>(kind: K, ref: { namespace?: string | undefined; name: string }) {
      const entry = await store.get(keyOf(kind, ref))
      return as<K>(entry && storedEntry({ cache }, kind, entry))
    },
  }
}

/** An entry read from the store; the cache's own copy when that is as new, so that nothing is parsed twice. */
export function storedEntry({ cache }: Pick<World, 'cache'>, kind: AnyKind, entry: Entry): Stored {
  const cached = cache.of(kind).get(entry.key)
  return cached?.revision === entry.revision ? cached : storedFrom(kind, entry.value, entry.revision)
}

/** What is there now. A miss is asked of the store itself, where another server may have written. */
export async function present(world: World, kind: AnyKind, key: string): Promise<Stored | undefined> {
  const cached = world.cache.of(kind).get(key)
  if (cached) return cached
  const entry = await world.store.get(key)
  if (!entry) return undefined
  // or a list after this answer might not show it yet
  await world.cache.reached(entry.revision)
  return storedEntry(world, kind, entry)
}

export type Committed = { done: true; stored: Stored } | { done: false; current: Stored | undefined }

/** Writes an encoded object whose key is at `expected` now, and waits until every reader of this server can see it. */
export async function commit(
  world: World,
  kind: AnyKind,
  { key, expected }: { key: string; expected: number },
  value: Uint8Array,
): Promise<Committed> {
  const outcome = await written(world, key, expected, value)
  if (!outcome.done) return { done: false, current: outcome.current && storedEntry(world, kind, outcome.current) }
  await world.cache.reached(outcome.revision)
  const seen = world.cache.of(kind).at(outcome.revision)?.now
  return { done: true, stored: seen ?? storedFrom(kind, value, outcome.revision) }
}

export type Removed = { done: true; revision: number } | { done: false; current: Stored | undefined }

/** Removes an object that is at `expected` now, and waits until every reader of this server has lost it. */
export async function remove(world: World, kind: AnyKind, key: string, expected: number): Promise<Removed> {
  const outcome = await written(world, key, expected, null)
  if (!outcome.done) return { done: false, current: outcome.current && storedEntry(world, kind, outcome.current) }
  await world.cache.reached(outcome.revision)
  return outcome
}

async function written({ store }: World, key: string, expected: number, value: Uint8Array | null): Promise<Outcome> {
  try {
    return await store.set(key, expected, value)
  } catch (error) {
    // k8s: has no word for this; reads go on, and writes do when there is room again
    if (error instanceof StoreFullError) throw internal('the store has no space left on device, so nothing was written')
    throw error
  }
}

/** What plugins want to do once a write is through or given up. */
export interface Settling {
  onSettled: AdmissionRequest['onSettled']
  settle(stored: boolean): Promise<void>
}

export function settling(): Settling {
  const hooks: ((stored: boolean) => Promise<void> | void)[] = []
  return {
    onSettled: (then) => void hooks.push(then),
    async settle(stored) {
      for (const hook of hooks) await hook(stored)
    },
  }
}

/** The request as admission plugins see it. Without `settling` (deletes, bindings) nothing may wait for its end. */
export function admissionRequest(
  world: World,
  { user, dryRun = false, warn }: WriteContext,
  about: {
    verb: AdmissionVerb
    kind: AnyKind
    subresource?: string | undefined
    object: AnyObject
    old?: AnyObject | undefined
    settling?: Settling | undefined
  },
): AdmissionRequest {
  const { settling: end, ...rest } = about
  const { namespace, name } = (about.old ?? about.object).metadata
  return {
    ...{ ...rest, namespace, name, user, dryRun, read: world.read, nowMs: world.clock.now() },
    replace: (kind, old, next) => replaceFor(world, kind, old as AnyObject, next as AnyObject),
    onSettled(then) {
      if (!end) throw new Error(`nothing settles a ${about.verb} of ${about.kind.plural}`)
      end.onSettled(then)
    },
    warn: (text) => warn?.(text),
  }
}

async function replaceFor(world: World, kind: AnyKind, old: AnyObject, next: AnyObject): Promise<boolean> {
  const expected = Number(old.metadata.resourceVersion)
  return (await commit(world, kind, { key: keyOf(kind, old.metadata), expected }, encode(kind, next))).done
}
