// The newest changes, in memory: what watchers follow, and what tells how things were before.
import type { Change, Revision } from './store.ts'

/** A change with the revision it replaced; 0 when it created the key. */
export interface Recorded {
  change: Change
  previousRevision: Revision
}

export interface ChangeLog {
  append(recorded: Recorded): void
  /** At most `limit` changes after `since`, oldest first. Ask `reaches(since)` before. */
  after(since: Revision, limit: number): Recorded[]
  /** Whether every change after `since` is still here. */
  reaches(since: Revision): boolean
  /** Forgets changes before `revision`. */
  dropBefore(revision: Revision): void
  /** The first revision whose state, and every change after it, is still known. */
  oldest(): Revision
}

export interface ChangeLogLimits {
  /** Changes kept. */
  changes: number
  /** Bytes of values kept, new and previous together. */
  bytes: number
}

interface State {
  kept: Recorded[]
  bytes: number
  oldest: Revision
}

/** Starts empty; `oldest` is the first revision it can answer for. Beyond its limits (by a tenth, so that trimming is rare) the oldest changes fall out. */
export function changeLog(limits: ChangeLogLimits, oldest: Revision): ChangeLog {
  const state: State = { kept: [], bytes: 0, oldest }
  return {
    append(recorded) {
      state.kept.push(recorded)
      state.bytes += sizeOf(recorded)
      if (state.kept.length > limits.changes * 1.1 || state.bytes > limits.bytes * 1.1) trim(state, limits)
    },
    after(since, limit) {
      const from = firstFrom(state.kept, since + 1)
      return state.kept.slice(from, from + limit)
    },
    reaches: (since) => since >= state.oldest - 1,
    dropBefore(revision) {
      drop(state, firstFrom(state.kept, revision))
      state.oldest = Math.max(state.oldest, revision)
    },
    oldest: () => state.oldest,
  }
}

const sizeOf = ({ change }: Recorded) => (change.value?.length ?? 0) + (change.previous?.length ?? 0)

function trim(state: State, limits: ChangeLogLimits): void {
  let count = Math.max(0, state.kept.length - limits.changes)
  let bytes = state.bytes
  for (const recorded of state.kept.slice(0, count)) bytes -= sizeOf(recorded)
  for (; bytes > limits.bytes && count < state.kept.length - 1; count++) bytes -= sizeOf(state.kept[count]!)
  drop(state, count)
  state.oldest = Math.max(state.oldest, state.kept[0]?.change.revision ?? 0)
}

function drop(state: State, count: number): void {
  for (const recorded of state.kept.splice(0, count)) state.bytes -= sizeOf(recorded)
}

function firstFrom(kept: readonly Recorded[], revision: Revision): number {
  let low = 0
  let high = kept.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (kept[middle]!.change.revision < revision) low = middle + 1
    else high = middle
  }
  return low
}
