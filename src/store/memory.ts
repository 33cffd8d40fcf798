// The store without a disk: for tests, embedded clusters and simulations.
import { type ChangeLog, changeLog } from './change-log.ts'
import { bell, follow, type History } from './follow.ts'
import { compareKeys } from './key-order.ts'
import { type SortedKeys, sortedKeys } from './sorted-keys.ts'
import { CompactedError, type Entry, type Listing, type Outcome, type Page, type Revision, type Store } from './store.ts'

export interface MemoryStoreOptions {
  /** Changes kept for watches and old revisions; default 100,000. */
  historyLimit?: number | undefined
  /** Bytes of values kept in that history; default 32 MiB. */
  historyBytes?: number | undefined
}

interface State {
  entries: Map<string, Entry>
  keys: SortedKeys
  log: ChangeLog
  revision: Revision
  closed: boolean
}

/** Values are kept and handed out as they are, never copied: nobody may write into one. */
export function memoryStore({ historyLimit = 100_000, historyBytes = 32 * 1024 ** 2 }: MemoryStoreOptions = {}): Store {
  const log = changeLog({ changes: historyLimit, bytes: historyBytes }, 0)
  const state: State = { entries: new Map(), keys: sortedKeys(), log, revision: 0, closed: false }
  const announce = bell()
  const history: History = { after: (since) => changesAfter(state, since), bell: announce, closed: () => state.closed }
  return {
    get: async (key) => open(state).entries.get(key),
    list: async (prefix, page = {}) => list(open(state), prefix, page),
    async set(key, expected, value) {
      const outcome = set(open(state), key, expected, value)
      if (outcome.done) announce.ring()
      return outcome
    },
    watch: (prefix, since, signal) => follow(history, prefix, since, signal),
    revision: async () => open(state).revision,
    compact: async (before) => open(state).log.dropBefore(Math.min(before, state.revision)),
    async close() {
      state.closed = true
      announce.ring()
    },
  }
}

function open(state: State): State {
  if (state.closed) throw new Error('the store is closed')
  return state
}

function set(state: State, key: string, expected: Revision, value: Uint8Array | null): Outcome {
  const current = state.entries.get(key)
  if ((current?.revision ?? 0) !== expected) return { done: false, current }
  if (!current && value === null) return { done: true, revision: state.revision }
  const revision = ++state.revision
  if (!current) state.keys.add(key)
  if (value === null) {
    state.entries.delete(key)
    state.keys.remove(key)
  } else state.entries.set(key, { key, value, revision })
  const previous = current && { previous: current.value }
  state.log.append({ change: { key, value, revision, ...previous }, previousRevision: expected })
  return { done: true, revision }
}

const batchSize = 1000

function changesAfter({ log }: State, since: Revision) {
  if (!log.reaches(since)) throw new CompactedError(log.oldest())
  return log.after(since, batchSize).map((recorded) => recorded.change)
}

function list(state: State, prefix: string, { after = '', limit = Infinity, at }: Page): Listing {
  const entries = at === undefined ? present(state, prefix, after, limit + 1) : past(state, prefix, after, at)
  const revision = at ?? state.revision
  return { entries: entries.slice(0, limit), revision, more: entries.length > limit }
}

function present({ keys, entries }: State, prefix: string, after: string, limit: number): Entry[] {
  const found: Entry[] = []
  const start = compareKeys(after, prefix) >= 0 ? after : prefix
  for (const key of keys.from(start)) {
    if (found.length >= limit || !key.startsWith(prefix)) break
    if (key !== after) found.push(entries.get(key)!)
  }
  return found
}

/** The present, with every change since `at` taken back. */
function past(state: State, prefix: string, after: string, at: Revision): Entry[] {
  if (at > state.revision) throw new RangeError(`revision ${at} is in the future; the newest is ${state.revision}`)
  if (at < state.log.oldest()) throw new CompactedError(state.log.oldest())
  const found = new Map(present(state, prefix, after, Infinity).map((entry) => [entry.key, entry]))
  for (const { change, previousRevision } of state.log.after(at, Infinity).toReversed()) {
    const { key, previous } = change
    if (!key.startsWith(prefix) || compareKeys(key, after) <= 0) continue
    if (previous === undefined) found.delete(key)
    else found.set(key, { key, value: previous, revision: previousRevision })
  }
  return [...found.values()].sort((a, b) => compareKeys(a.key, b.key))
}
