// Growing delays per key, for whatever failed and is to be tried again.

export interface BackoffOptions {
  /** The first delay. */
  baseMs: number
  /** No delay is longer. */
  maxMs: number
  /** Each further failure multiplies the delay by this; default 2. */
  factor?: number | undefined
}

export interface Backoff {
  /** Counts one more failure of `key` and says how long to wait now. */
  next(key: string): number
  /** Failures of `key` since the last reset. */
  failures(key: string): number
  /** Forgets `key`: it went well, or is gone. */
  reset(key: string): void
}

/** The delay after `failures` failures in a row (1 is the first). */
export function delayAfter(failures: number, { baseMs, maxMs, factor = 2 }: BackoffOptions): number {
  if (failures < 1) return 0
  return Math.min(maxMs, baseMs * factor ** (failures - 1))
}

export function backoff(options: BackoffOptions): Backoff {
  const failed = new Map<string, number>()
  return {
    next(key) {
      const failures = (failed.get(key) ?? 0) + 1
      failed.set(key, failures)
      return delayAfter(failures, options)
    },
    failures: (key) => failed.get(key) ?? 0,
    reset: (key) => void failed.delete(key),
  }
}
