// Every kind's cache, fed by one listing and one watch of the store, so that all kinds advance through one history together.
import type { AnyKind } from '../api/kind.ts'
import type { Clock } from '../lib/clock.ts'
import { CompactedError, type Entry, type Store } from '../store/store.ts'
import { type KindCache, kindCache } from './kind-cache.ts'
import { kindPrefix, kindPrefixOfKey } from './keys.ts'

export interface WatchCache {
  of(kind: AnyKind): KindCache
  /** All caches show the store as it was at this revision. */
  revision(): number
  /** Resolves when the caches show `revision`, or the cache closes. */
  reached(revision: number): Promise<void>
  /** How often bookmarks fell due. */
  ticks(): number
  closed(): boolean
}

interface State {
  caches: Map<string, KindCache>
  revision: number
  ticks: number
  closed: boolean
  waiting: Set<{ revision: number; wake(): void }>
}

interface World {
  store: Store
  kinds: readonly AnyKind[]
  clock: Clock
  signal: AbortSignal
}

const registry = '/registry/'
const bookmarkIntervalMs = 60_000
const retryMs = 1000

/** Resolves after the first listing; `done` ends after `signal` aborts, when nothing is running any more. */
export async function openWatchCache(world: World): Promise<{ cache: WatchCache; done: Promise<unknown> }> {
  const caches = new Map(world.kinds.map((kind) => [kindPrefix(kind), kindCache(kind)]))
  const state: State = { caches, revision: 0, ticks: 0, closed: false, waiting: new Set() }
  await leaveZero(world.store)
  await load(state, world.store)
  const done = Promise.all([feed(state, world), tick(state, world)]).finally(() => close(state))
  const cache: WatchCache = {
    of: (kind) => caches.get(kindPrefix(kind)) ?? missing(kind),
    revision: () => state.revision,
    reached: (revision) => reached(state, revision),
    ticks: () => state.ticks,
    closed: () => state.closed,
  }
  return { cache, done }
}

function missing(kind: AnyKind): never {
  throw new Error(`${kind.apiVersion} ${kind.kind} is not served`)
}

/** k8s: 0 is no revision, a watch from it begins with what is there. So that an empty list has one, a first write comes before. */
async function leaveZero(store: Store): Promise<void> {
  if ((await store.revision()) === 0) await store.set('/polypod', 0, new TextEncoder().encode('{}'))
}

async function load(state: State, store: Store): Promise<void> {
  const { entries, revision } = await store.list(registry)
  const byKind = new Map<string, Entry[]>([...state.caches.keys()].map((prefix) => [prefix, []]))
  for (const entry of entries) byKind.get(kindPrefixOfKey(entry.key))?.push(entry)
  for (const [prefix, cache] of state.caches) cache.load(byKind.get(prefix) ?? [], revision)
  advance(state, revision, [])
  for (const cache of state.caches.values()) cache.ringAll()
}

async function feed(state: State, { store, clock, signal }: World): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const changes of store.watch(registry, state.revision, signal)) {
        const touched = new Set<KindCache>()
        for (const change of changes) {
          const cache = state.caches.get(kindPrefixOfKey(change.key))
          cache?.apply(change)
          if (cache) touched.add(cache)
        }
        advance(state, changes.at(-1)?.revision ?? state.revision, touched)
      }
      // a store that ends its watch is closed: nobody should wait for it
      return close(state)
    } catch (error) {
      if (signal.aborted) return
      // watchers find their place gone after the reload, and are told to list again
      if (error instanceof CompactedError) await load(state, store).catch(() => clock.sleep(retryMs, signal))
      else await clock.sleep(retryMs, signal)
    }
  }
}

function advance(state: State, revision: number, touched: Iterable<KindCache>): void {
  state.revision = Math.max(state.revision, revision)
  for (const waiter of state.waiting) {
    if (waiter.revision > state.revision) continue
    state.waiting.delete(waiter)
    waiter.wake()
  }
  for (const cache of touched) cache.ring()
}

function reached(state: State, revision: number): Promise<void> {
  if (revision <= state.revision || state.closed) return Promise.resolve()
  return new Promise((wake) => void state.waiting.add({ revision, wake }))
}

async function tick(state: State, { clock, signal }: World): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(bookmarkIntervalMs, signal)
    state.ticks++
    for (const cache of state.caches.values()) cache.ringAll()
  }
}

function close(state: State): void {
  state.closed = true
  for (const waiter of state.waiting) waiter.wake()
  state.waiting.clear()
  for (const cache of state.caches.values()) cache.ringAll()
}
