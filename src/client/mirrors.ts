// One live copy of each kind for all of a process who want one. k8s: shared informers.
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import type { Clock } from '../lib/clock.ts'
import type { Client } from './client.ts'
import { type Change, type Mirror, mirror, type MirrorOptions } from './mirror.ts'

export type Interest<T> = Pick<MirrorOptions<T>, 'where' | 'signal' | 'onChange'>

/**
 * As `mirror` does: resolves after the first list, `onChange` hears of everything in order, what is there already first.
 * Whoever comes later finds the same copy; nothing is told once `signal` aborts.
 */
export type Mirrors = <K extends AnyKind>(kind: K, interest: Interest<ObjectOf<K>>) => Promise<Mirror<ObjectOf<K>>>

export interface MirrorsOptions {
  client: Pick<Client, 'list' | 'watch'>
  clock: Clock
  /** Ends all of them. */
  signal: AbortSignal
  log?: ((line: string, cause?: unknown) => void) | undefined
}

type Tell = (change: Change<AnyObject>) => void

interface Shared {
  mirror: Promise<Mirror<AnyObject>>
  listeners: Set<Tell>
}

export function mirrorsOf({ client, clock, signal, log = () => {} }: MirrorsOptions): Mirrors {
  const open = new Map<string, Shared>()
  const openOne = (kind: AnyKind, where: Interest<AnyObject>['where']): Shared => {
    const listeners = new Set<Tell>()
    const onChange: Tell = (change) => {
      for (const tell of listeners) tell(change)
    }
    const onError = (error: unknown) => log(`cannot watch ${kind.plural}: ${String(error)}`, error)
    return { listeners, mirror: mirror(client, kind, { where, clock, signal, onChange, onError }) }
  }
  const shared = async (kind: AnyKind, { where, signal: until, onChange }: Interest<AnyObject>): Promise<Mirror<AnyObject>> => {
    const key = JSON.stringify([kind.apiVersion, kind.plural, where])
    let found = open.get(key)
    if (!found) open.set(key, (found = openOne(kind, where)))
    const copy = await found.mirror
    if (!onChange || until.aborted) return copy
    // between these lines nobody else gets a turn: nothing is missed, nothing told twice
    for (const object of copy.list()) onChange({ type: 'ADDED', object })
    const { listeners } = found
    listeners.add(onChange)
    until.addEventListener('abort', () => listeners.delete(onChange), { once: true })
    return copy
  }
  return shared as Mirrors
}
