// How long a container that keeps ending has to wait before it is started again.

/** Memory of one container: the present delay, and the end of the run that set it. */
export interface Crash {
  delayMs: number
  /** `finishedAt` of the run whose restart was counted last. */
  countedAt: number
}

const firstDelayMs = 10_000
const longestDelayMs = 300_000

/** When a container that ended at `finishedAt` may start again; 0: at once. */
export function restartAt(crash: Crash | undefined, finishedAt: number): number {
  if (!crash || isForgotten(crash, finishedAt)) return 0
  return finishedAt + crash.delayMs
}

/** The memory after a restart that follows an end at `finishedAt`: 10 s, doubling up to 5 min. */
export function countRestart(crash: Crash | undefined, finishedAt: number): Crash {
  if (!crash || isForgotten(crash, finishedAt)) return { delayMs: firstDelayMs, countedAt: finishedAt }
  return { delayMs: Math.min(crash.delayMs * 2, longestDelayMs), countedAt: finishedAt }
}

// k8s: ten minutes, twice the longest delay, between two ends and all is forgiven
const isForgotten = (crash: Crash, finishedAt: number): boolean => finishedAt - crash.countedAt > 2 * longestDelayMs
