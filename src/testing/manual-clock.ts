// A clock that moves only when a test says so.
import type { Clock } from '../lib/clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on, waking what falls due in order of time, and lets each woken task run until it waits again. */
  advance(ms: number): Promise<void>
  /** How many sleeps and timers are waiting. */
  pending(): number
}

interface Timer {
  at: number
  wake: () => void
}

/** `startMs` is the first reading, in milliseconds since the epoch. */
export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let now = startMs
  const timers = new Set<Timer>()
  const add = (ms: number, wake: () => void): Timer => {
    const timer = { at: now + Math.max(0, ms), wake }
    timers.add(timer)
    return timer
  }
  const nextDue = (until: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
    return first
  }
  return {
    now: () => now,
    after(ms, wake) {
      const timer = add(ms, wake)
      return () => void timers.delete(timer)
    },
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          timers.delete(timer)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const timer = add(ms, done)
        signal?.addEventListener('abort', done)
      })
    },
    async advance(ms) {
      const until = now + ms
      await settled()
      for (let due = nextDue(until); due; due = nextDue(until)) {
        timers.delete(due)
        now = due.at
        due.wake()
        await settled()
      }
      now = until
    },
    pending: () => timers.size,
  }
}

const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))
