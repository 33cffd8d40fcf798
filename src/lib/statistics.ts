// Repeated measurements of one thing, summed up.

export interface Summary {
  count: number
  mean: number
  /** Half the width of the 95 % confidence interval of the mean; 0 of a single value, which says nothing of its error. */
  error: number
  min: number
  max: number
}

// two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond that the normal one is close enough
const t95 = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131],
  ...[2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
]

/** All zero of no values. */
export function summary(values: readonly number[]): Summary {
  const count = values.length
  if (count === 0) return { count, mean: 0, error: 0, min: 0, max: 0 }
  const mean = values.reduce((total, value) => total + value, 0) / count
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0)
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0
  const error = ((t95[count - 2] ?? 1.96) * deviation) / Math.sqrt(count)
  return { count, mean, error: count > 1 ? error : 0, min: Math.min(...values), max: Math.max(...values) }
}

/** Nearest rank: a value that was really measured. `share` from 0 to 1; 0 of no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)
