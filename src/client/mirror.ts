// A live copy of a kind: list once, then watch. It outlives server restarts, with no gap and no change told twice.
import type { AnyKind, ObjectOf } from '../api/kind.ts'
import type { ObjectMeta } from '../api/meta.ts'
import { isExpired } from '../api/status.ts'
import { type Backoff, backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Client, Ref, Where } from './client.ts'

export interface Mirror<T> {
  get(ref: Ref): T | undefined
  /** The same array until something changes. */
  list(): readonly T[]
}

/** `old` is what the mirror held before, for MODIFIED and DELETED. */
export type Change<T> =
  | { type: 'ADDED'; object: T; old?: undefined }
  | { type: 'MODIFIED'; object: T; old: T }
  | { type: 'DELETED'; object: T; old: T }

export interface MirrorOptions<T> {
  where?: Where | undefined
  clock: Clock
  signal: AbortSignal
  /** Called in order, after the mirror shows the change, the first list included. Must not throw. */
  onChange?: ((change: Change<T>) => void) | undefined
  /** Hears of failures, which are tried again with growing delays. */
  onError?: ((error: unknown) => void) | undefined
}

type Held<T> = T & { metadata: ObjectMeta }

interface State<T> {
  held: Map<string, Held<T>>
  snapshot: readonly T[] | undefined
  tell: (change: Change<T>) => void
}

/** A watch that ends sooner than this, having said nothing, counts as a failure. */
const shortWatchMs = 1000

/** Namespace and name in one word; no namespace: `name`. */
export const keyOf = ({ namespace, name }: Ref): string => (namespace === undefined ? name : `${namespace}/${name}`)

/**
 * Resolves after the first list, which is tried until it works; never rejects. Ends when `signal` aborts, and resolves then
 * too. After a 410 it lists again and tells only the differences: an object replaced under its name is DELETED, then ADDED.
 */
export async function mirror<K extends AnyKind>(
  client: Pick<Client, 'list' | 'watch'>,
  kind: K,
  options: MirrorOptions<ObjectOf<K>>,
): Promise<Mirror<ObjectOf<K>>> {
  const tell = options.onChange ?? (() => {})
  const state: State<ObjectOf<K>> = { held: new Map(), snapshot: undefined, tell }
  const wait = waiter(options)
  const since = await relist(client, kind, options, { state, wait })
  if (since !== undefined) void follow(client, kind, options, { state, wait, since })
  return {
    get: (ref) => state.held.get(keyOf(ref)),
    list: () => (state.snapshot ??= [...state.held.values()]),
  }
}

interface Waiter {
  failed(error: unknown): Promise<void>
  reset(): void
}

function waiter({ clock, signal, onError }: MirrorOptions<never>): Waiter {
  const delays: Backoff = backoff({ baseMs: 100, maxMs: 30_000 })
  return {
    async failed(error) {
      if (signal.aborted) return
      onError?.(error)
      await clock.sleep(delays.next('server'), signal)
    },
    reset: () => delays.reset('server'),
  }
}

/** The resourceVersion of the list; undefined when the signal aborted first. */
async function relist<K extends AnyKind>(
  client: Pick<Client, 'list'>,
  kind: K,
  { where, signal }: MirrorOptions<ObjectOf<K>>,
  { state, wait }: { state: State<ObjectOf<K>>; wait: Waiter },
): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await client.list(kind, where)
      if (signal.aborted) return undefined
      replaceAll(state, items as Held<ObjectOf<K>>[])
      return resourceVersion
    } catch (error) {
      await wait.failed(error)
    }
  }
  return undefined
}

async function follow<K extends AnyKind>(
  client: Pick<Client, 'list' | 'watch'>,
  kind: K,
  options: MirrorOptions<ObjectOf<K>>,
  world: { state: State<ObjectOf<K>>; wait: Waiter; since: string },
): Promise<void> {
  const { where, clock, signal } = options
  const { state, wait } = world
  let since: string | undefined = world.since
  let listedInVain = false
  while (since !== undefined && !signal.aborted) {
    const startedAt = clock.now()
    let heard = false
    try {
      for await (const event of client.watch(kind, since, { ...where, signal })) {
        if (signal.aborted) return
        heard = true
        listedInVain = false
        wait.reset()
        if (event.type === 'BOOKMARK') since = event.resourceVersion
        else {
          const object = event.object as Held<ObjectOf<K>>
          since = object.metadata.resourceVersion ?? since
          if (event.type === 'DELETED') drop(state, object)
          else put(state, object)
        }
      }
      if (!heard && clock.now() - startedAt < shortWatchMs) await wait.failed(new Error(`watch of ${kind.plural} ended at once`))
    } catch (error) {
      // a list that was too old for a watch at once is not asked for again at once
      if (!isExpired(error) || listedInVain) await wait.failed(error)
      if (!isExpired(error)) continue
      since = await relist(client, kind, options, world)
      listedInVain = true
    }
  }
}

function put<T>(state: State<T>, object: Held<T>): void {
  const key = keyOf(object.metadata)
  const old = state.held.get(key)
  if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return
  if (old && old.metadata.uid !== object.metadata.uid) drop(state, old)
  state.held.set(key, object)
  state.snapshot = undefined
  state.tell(old && old.metadata.uid === object.metadata.uid ? { type: 'MODIFIED', object, old } : { type: 'ADDED', object })
}

/** `object` is the last known state, which may be newer than what is held. */
function drop<T>(state: State<T>, object: Held<T>): void {
  const key = keyOf(object.metadata)
  const old = state.held.get(key)
  if (!old) return
  state.held.delete(key)
  state.snapshot = undefined
  state.tell({ type: 'DELETED', object, old })
}

function replaceAll<T>(state: State<T>, items: readonly Held<T>[]): void {
  const present = new Set(items.map((item) => keyOf(item.metadata)))
  for (const [key, old] of [...state.held]) if (!present.has(key)) drop(state, old)
  for (const item of items) put(state, item)
}
