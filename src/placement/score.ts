// A wish about nodes that a Pod may go to: 0 (worst) to 100 (best).
import type { World } from './filter.ts'
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'

export interface Score<T = unknown> {
  /** Upstream's plugin name. */
  name: string
  /** True: looks at more than the Pod and one node. */
  asksOthers?: boolean | undefined
  /** Once per Pod; undefined: all nodes are alike to this score. */
  prepare(need: PodNeed, world: World, fitting: readonly NodeView[]): T | undefined
  /** cost: once per Pod and feasible node. */
  score(state: T, node: NodeView): number
  /**
   * How raw scores become 0 to 100: `most-is-best` and `most-is-worst` scale to the highest, `from-least-to-most` between lowest
   * and highest, `fewest-is-best` turns around and passes over `ignored`; absent: they are that already.
   */
  scale?: 'most-is-best' | 'most-is-worst' | 'from-least-to-most' | 'fewest-is-best' | undefined
}

export const maxScore = 100
/** Raw score of a node that a `fewest-is-best` score says nothing about: 0 in the end. */
export const ignored = -1

/** Hides what `prepare` hands to `score`. */
export const score = <T>(declared: Score<T>): Score => declared as unknown as Score

/** Brings the first `count` raw scores to 0..100 in place. k8s: integer division, and all zeros are all best where most is worst. */
export function scaleScores(raw: Float64Array, count: number, scale: Score['scale']): void {
  if (scale === undefined) return
  if (scale === 'from-least-to-most' || scale === 'fewest-is-best') return scaleBetween(raw, count, scale)
  let highest = 0
  for (let i = 0; i < count; i++) if ((raw[i] ?? 0) > highest) highest = raw[i] ?? 0
  if (highest === 0) return void raw.fill(scale === 'most-is-worst' ? maxScore : 0, 0, count)
  for (let i = 0; i < count; i++) {
    const scaled = Math.floor((maxScore * (raw[i] ?? 0)) / highest)
    raw[i] = scale === 'most-is-worst' ? maxScore - scaled : scaled
  }
}

/** k8s: where all are equal, company counts for nothing, and fewest is best for all. */
function scaleBetween(raw: Float64Array, count: number, scale: 'from-least-to-most' | 'fewest-is-best'): void {
  const isWish = scale === 'from-least-to-most'
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < count; i++) {
    const value = raw[i] ?? 0
    if (!isWish && value === ignored) continue
    lowest = Math.min(lowest, value)
    highest = Math.max(highest, value)
  }
  for (let i = 0; i < count; i++) {
    const value = raw[i] ?? 0
    if (isWish) raw[i] = highest === lowest ? 0 : Math.floor((maxScore * (value - lowest)) / (highest - lowest))
    else if (value === ignored) raw[i] = 0
    else raw[i] = highest === 0 ? maxScore : Math.floor((maxScore * (highest + lowest - value)) / highest)
  }
}
