import type { PodNeed } from '../pod-need.ts'
import { maxScore, score } from '../score.ts'

const share = (used: number, capacity: number): number => Math.min(1, used / capacity)

/** Prefers nodes whose cpu and memory would be used to a like degree. Pods that request nothing are left out. */
export const balancedAllocation = score({
  name: 'NodeResourcesBalancedAllocation',
  prepare: (need) => (need.milliCpu === 0 && need.memoryBytes === 0 ? undefined : need),
  score(need: PodNeed, { allocatable: { milliCpu, memoryBytes }, requested }) {
    if (milliCpu === 0 || memoryBytes === 0) return maxScore
    const cpu = share(requested.milliCpu + need.milliCpu, milliCpu)
    const memory = share(requested.memoryBytes + need.memoryBytes, memoryBytes)
    // the standard deviation of two numbers
    return Math.floor((1 - Math.abs(cpu - memory) / 2) * maxScore)
  },
})
