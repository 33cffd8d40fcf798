// Keeps only the newest wish: whoever is busy reads the latest one when it is free again.
import { woken } from './scope.ts'

export interface Mailbox<T> {
  /** Replaces whatever waits. */
  put(wish: T): void
  /** The newest wish, boxed because undefined may itself be a wish; undefined when `signal` aborts first. One taker at a time. */
  take(signal: AbortSignal): Promise<{ wish: T } | undefined>
  /** Whether a wish waits: a worker asks this to cut its present work short. */
  waiting(): boolean
}

export function mailbox<T>(): Mailbox<T> {
  let newest: { wish: T } | undefined
  let wake: (() => void) | undefined
  return {
    put(wish) {
      newest = { wish }
      wake?.()
    },
    async take(signal) {
      while (!newest && !signal.aborted) await woken(signal, (w) => (wake = w))
      if (signal.aborted) return undefined
      const taken = newest
      newest = undefined
      return taken
    },
    waiting: () => newest !== undefined,
  }
}
