// A controller: what it watches, and a function from a key to a better world.
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import type { Client, Ref, Where } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Change, Mirror } from '../client/mirror.ts'
import type { Clock } from '../lib/clock.ts'

/** The live copy of a kind that the controller watches; empty before its first list. */
export type Mirrored = <K extends AnyKind>(kind: K) => Mirror<ObjectOf<K>>

export interface World {
  client: Client
  clock: Clock
  events: EventRecorder
  mirrored: Mirrored
}

export interface Watch {
  kind: AnyKind
  where?: Where | undefined
  /** Which keys to look at after a change. */
  wakes: (change: Change<AnyObject>, mirrored: Mirrored) => readonly Ref[]
}

export interface Controller {
  name: string
  /** Who speaks in its Events; default `name`. */
  component?: string
  /** At most one for each kind. */
  watches: readonly Watch[]
  /** Keys to look at when it starts, beside what the watches wake. */
  starts?: readonly Ref[]
  /**
   * May run twice, late, or after the object is gone; never twice at the same time for one key. Returns when to look again.
   * A 404 ends the turn, a 409 repeats it, anything else is logged and tried again later.
   */
  reconcile(ref: Ref, world: World): Promise<Again | undefined>
}

export interface Again {
  againMs: number
}

/** Typed by its kind. By default a change wakes the object's own key. */
export function watching<K extends AnyKind>(
  kind: K,
  wakes: (change: Change<ObjectOf<K>>, mirrored: Mirrored) => readonly Ref[] = ({ object }) => [refOf(object)],
  where?: Where,
): Watch {
  return { kind, where, wakes: wakes as unknown as Watch['wakes'] }
}

export const refOf = ({ metadata: { namespace, name } }: Pick<AnyObject, 'metadata'>): Ref => ({ namespace, name })
