// A wish about nodes that a Pod may go to: 0 (worst) to 100 (best).
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'

export interface Score<T = unknown> {
  /** Upstream's plugin name. */
  name: string
  /** Once per Pod; undefined: all nodes are alike to this score. */
  prepare(need: PodNeed): T | undefined
  /** cost: once per Pod and feasible node. */
  score(state: T, node: NodeView): number
  /** How raw scores become 0 to 100: `most-is-best` and `most-is-worst` scale to the highest; absent: they are that already. */
  scale?: 'most-is-best' | 'most-is-worst' | undefined
}

export const maxScore = 100

/** Hides what `prepare` hands to `score`. */
export const score = <T>(declared: Score<T>): Score => declared as unknown as Score

/** Brings the first `count` raw scores to 0..100 in place. k8s: integer division, and all zeros are all best where most is worst. */
export function scaleScores(raw: Float64Array, count: number, scale: Score['scale']): void {
  if (scale === undefined) return
  let highest = 0
  for (let i = 0; i < count; i++) if ((raw[i] ?? 0) > highest) highest = raw[i] ?? 0
  for (let i = 0; i < count; i++) {
    const scaled = highest === 0 ? 0 : Math.floor((maxScore * (raw[i] ?? 0)) / highest)
    raw[i] = scale === 'most-is-worst' ? maxScore - scaled : scaled
  }
}
