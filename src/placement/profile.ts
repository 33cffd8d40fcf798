// A way of placing Pods: which filters, which scores, how much each counts.
import type { Filter } from './filter.ts'
import type { Score } from './score.ts'

export interface Profile {
  name: string
  /** In this order; the first that refuses a node gives the reasons. */
  filters: readonly Filter[]
  scores: readonly { score: Score; weight: number }[]
}
