// Pods that wait for a node: those to be tried now, those that failed a moment ago, and those that wait for a change.
import { delayAfter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { woken } from '../lib/scope.ts'
import type { PodNeed } from '../placement/pod-need.ts'
import { type Heap, heap } from './heap.ts'

export interface PodQueue {
  /** Wants the Pod scheduled, or takes over its newer state; `changed` says that a Pod which waits may have better chances now. */
  put(need: PodNeed, changed: boolean): void
  /** The Pod is gone, bound, or none of our business any more. */
  remove(uid: string): void
  has(uid: string): boolean
  /** When the Pod came first, and how often it was tried in vain since. */
  historyOf(uid: string): { sinceMs: number; failures: number } | undefined
  /** The next Pod by priority, then by the time it has waited; undefined when `signal` aborts. Followed by `remove` or `failed`. */
  take(signal: AbortSignal): Promise<PodNeed | undefined>
  /** No node fits (`unschedulable`: waits until `retryWhere` tells) or something broke (`error`: tried again after its back-off). */
  failed(uid: string, why: 'unschedulable' | 'error'): void
  /** cost: once per waiting Pod. Tries those again that `helps` names, once their back-off is over. */
  retryWhere(helps: (need: PodNeed) => boolean): void
  counts(): { active: number; backingOff: number; unschedulable: number; taken: number }
}

type Place = 'active' | 'backing-off' | 'unschedulable' | 'taken'

interface Entry {
  need: PodNeed
  place: Place
  attempts: number
  sinceMs: number
  /** Order among equals. */
  turn: number
  /** No attempt is made before. */
  retryAt: number
  cancel: (() => void) | undefined
}

/** What lies in the heap. An entry that has moved on since is not of this turn any more. */
interface Turn {
  entry: Entry
  turn: number
  priority: number
}

const comesBefore = (a: Turn, b: Turn): boolean => (a.priority === b.priority ? a.turn < b.turn : a.priority > b.priority)

interface State {
  clock: Clock
  entries: Map<string, Entry>
  unschedulable: Set<Entry>
  active: Heap<Turn>
  turns: number
  wake: () => void
}

// k8s: podInitialBackoffSeconds, podMaxBackoffSeconds, and how long a Pod waits at most for a change that is never told
const retries = { baseMs: 1000, maxMs: 10_000 }
const longestWaitMs = 5 * 60_000

export function podQueue(clock: Clock): PodQueue {
  const state: State = {
    ...{ clock, entries: new Map<string, Entry>(), unschedulable: new Set<Entry>() },
    ...{ active: heap(comesBefore), turns: 0, wake: () => {} },
  }
  return {
    put: (need, changed) => put(state, need, changed),
    remove(uid) {
      const entry = state.entries.get(uid)
      if (!entry) return
      leave(state, entry)
      // what still lies in the heap is recognised by its place
      entry.place = 'taken'
      state.entries.delete(uid)
    },
    has: (uid) => state.entries.has(uid),
    historyOf(uid) {
      const entry = state.entries.get(uid)
      return entry && { sinceMs: entry.sinceMs, failures: entry.attempts }
    },
    take: (signal) => take(state, signal),
    failed: (uid, why) => failed(state, uid, why),
    retryWhere(helps) {
      for (const entry of [...state.unschedulable]) if (helps(entry.need)) retry(state, entry)
    },
    counts: () => counts(state),
  }
}

function put(state: State, need: PodNeed, changed: boolean): void {
  const entry = state.entries.get(need.uid)
  if (!entry) {
    const fresh: Entry = {
      need,
      place: 'active',
      attempts: 0,
      sinceMs: state.clock.now(),
      turn: 0,
      retryAt: 0,
      cancel: undefined,
    }
    state.entries.set(need.uid, fresh)
    activate(state, fresh)
    return
  }
  entry.need = need
  if (changed && entry.place === 'unschedulable') retry(state, entry)
}

/** Cancels whatever timer the entry has, and takes it out of the waiting ones. */
function leave(state: State, entry: Entry): void {
  entry.cancel?.()
  entry.cancel = undefined
  state.unschedulable.delete(entry)
}

function activate(state: State, entry: Entry): void {
  leave(state, entry)
  entry.place = 'active'
  if (entry.turn === 0) entry.turn = ++state.turns
  state.active.push({ entry, turn: entry.turn, priority: entry.need.priority })
  state.wake()
}

/** Now, or when the back-off is over. */
function retry(state: State, entry: Entry): void {
  const waitMs = entry.retryAt - state.clock.now()
  if (waitMs <= 0) return activate(state, entry)
  leave(state, entry)
  entry.place = 'backing-off'
  entry.cancel = state.clock.after(waitMs, () => activate(state, entry))
}

async function take(state: State, signal: AbortSignal): Promise<PodNeed | undefined> {
  while (!signal.aborted) {
    for (let next = state.active.pop(); next; next = state.active.pop()) {
      const { entry, turn } = next
      if (entry.place !== 'active' || entry.turn !== turn) continue
      entry.place = 'taken'
      return entry.need
    }
    await woken(signal, (wake) => (state.wake = wake))
    state.wake = () => {}
  }
  return undefined
}

function failed(state: State, uid: string, why: 'unschedulable' | 'error'): void {
  const entry = state.entries.get(uid)
  if (!entry) return
  entry.attempts += 1
  entry.turn = ++state.turns
  entry.retryAt = state.clock.now() + delayAfter(entry.attempts, retries)
  if (why === 'error') return retry(state, entry)
  entry.place = 'unschedulable'
  state.unschedulable.add(entry)
  entry.cancel = state.clock.after(longestWaitMs, () => activate(state, entry))
}

function counts({ entries }: State) {
  const found = { active: 0, backingOff: 0, unschedulable: 0, taken: 0 }
  for (const { place } of entries.values()) found[place === 'backing-off' ? 'backingOff' : place] += 1
  return found
}
