// Keys to look at again: each waits at most once, and none is worked on twice at the same time.
import { type BackoffOptions, backoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import { woken } from './scope.ts'

export interface KeyQueue {
  /** Wants `key` looked at. While it already waits nothing changes; while it is being worked on it comes again after `done`. */
  add(key: string): void
  /** `add` after a delay. Of several delays for one key the earliest counts; `add` does not cancel it. */
  after(ms: number, key: string): void
  /** `after` by the key's growing back-off; returns the delay. Call `forget` when the key goes well again. */
  retry(key: string): number
  /** Resets the back-off of `key`. */
  forget(key: string): void
  /** The next key in order of arrival, or undefined when `signal` aborts or the queue closes. Many takers may wait. */
  take(signal: AbortSignal): Promise<string | undefined>
  /** Must follow every `take`, also after a failure. */
  done(key: string): void
  /** Keys ready to be taken. */
  size(): number
  /** Drops what waits, cancels delays, ends every `take`. */
  close(): void
}

interface State {
  ready: string[]
  /** Wanted: in `ready`, or to be put there when its present turn is done. */
  wanted: Set<string>
  working: Set<string>
  delayed: Map<string, { at: number; cancel: () => void }>
  takers: Set<() => void>
  closed: boolean
}

/** `retries` defaults to 5 ms doubling up to 16 minutes, as controllers are used to. */
export function keyQueue(clock: Clock, retries: BackoffOptions = { baseMs: 5, maxMs: 1_000_000 }): KeyQueue {
  const failed = backoff(retries)
  const state: State = { ready: [], wanted: new Set(), working: new Set(), delayed: new Map(), takers: new Set(), closed: false }
  const after = (ms: number, key: string) => addLater(state, clock, ms, key)
  return {
    add: (key) => addNow(state, key),
    after,
    retry(key) {
      const ms = failed.next(key)
      after(ms, key)
      return ms
    },
    forget: (key) => failed.reset(key),
    take: (signal) => takeNext(state, signal),
    done(key) {
      state.working.delete(key)
      if (state.wanted.has(key)) offer(state, key)
    },
    size: () => state.ready.length,
    close: () => closeQueue(state),
  }
}

function addNow(state: State, key: string): void {
  if (state.closed || state.wanted.has(key)) return
  state.wanted.add(key)
  if (!state.working.has(key)) offer(state, key)
}

function offer(state: State, key: string): void {
  state.ready.push(key)
  for (const wake of state.takers) wake()
}

function addLater(state: State, clock: Clock, ms: number, key: string): void {
  if (ms <= 0) return addNow(state, key)
  if (state.closed) return
  const at = clock.now() + ms
  const waiting = state.delayed.get(key)
  if (waiting && waiting.at <= at) return
  waiting?.cancel()
  const cancel = clock.after(ms, () => {
    state.delayed.delete(key)
    addNow(state, key)
  })
  state.delayed.set(key, { at, cancel })
}

async function takeNext(state: State, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted && !state.closed) {
    const key = state.ready.shift()
    if (key !== undefined) {
      state.wanted.delete(key)
      state.working.add(key)
      return key
    }
    let wake = () => {}
    await woken(signal, (w) => {
      wake = w
      state.takers.add(w)
    })
    state.takers.delete(wake)
  }
  return undefined
}

function closeQueue(state: State): void {
  state.closed = true
  for (const { cancel } of state.delayed.values()) cancel()
  state.delayed.clear()
  state.ready.length = 0
  state.wanted.clear()
  for (const wake of state.takers) wake()
}
