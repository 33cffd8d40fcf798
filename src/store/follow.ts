// A watch is a cursor into the history: a slow watcher holds no queue, and one that waits is woken after each commit.
import { setMaxListeners } from 'node:events'
import { woken } from '../lib/scope.ts'
import type { Change, Revision } from './store.ts'

/** Wakes whoever waits. */
export interface Bell {
  ring(): void
  /** How often it rang; read this before looking at what it announces. */
  rung(): number
  /** Resolves at once when it rang since `rung` was read, else at the next ring or when `signal` aborts. */
  wait(since: number, signal: AbortSignal): Promise<void>
}

export function bell(): Bell {
  const waiting = new Set<() => void>()
  let rung = 0
  return {
    ring() {
      rung++
      for (const wake of waiting) wake()
      waiting.clear()
    },
    rung: () => rung,
    async wait(since, signal) {
      if (rung !== since) return
      let mine: (() => void) | undefined
      await woken(signal, (wake) => waiting.add((mine = wake)))
      if (mine) waiting.delete(mine)
    },
  }
}

export interface History {
  /** A first part of the changes after `since`, empty when there is none yet; throws CompactedError. */
  after(since: Revision): Promise<readonly Change[]> | readonly Change[]
  bell: Bell
  closed(): boolean
}

/** Yields the changes under `prefix` after `since`, in order, until `signal` aborts or the history closes. */
export async function* follow(
  history: History,
  prefix: string,
  since: Revision,
  signal: AbortSignal,
): AsyncGenerator<Change[], void, undefined> {
  // many watches may live on one signal; Node would take more than ten for a leak
  setMaxListeners(0, signal)
  let cursor = since
  while (!signal.aborted && !history.closed()) {
    const heard = history.bell.rung()
    const changes = await history.after(cursor)
    const last = changes.at(-1)
    if (!last) {
      await history.bell.wait(heard, signal)
      continue
    }
    cursor = last.revision
    const matching = changes.filter((change) => change.key.startsWith(prefix))
    if (matching.length > 0 && !signal.aborted) yield matching
  }
}
