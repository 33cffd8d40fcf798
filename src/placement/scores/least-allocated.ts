import type { PodNeed } from '../pod-need.ts'
import { maxScore, score } from '../score.ts'

const freeShare = (used: number, capacity: number): number =>
  used > capacity ? 0 : Math.floor(((capacity - used) * maxScore) / capacity)

/** Prefers nodes with the largest free share of cpu and memory, what is assumed of silent containers included. */
export const leastAllocated = score({
  name: 'NodeResourcesFit',
  prepare: (need) => need,
  score(need: PodNeed, { allocatable, assumedMilliCpu, assumedMemoryBytes }) {
    const { milliCpu, memoryBytes } = allocatable
    if (milliCpu === 0 && memoryBytes === 0) return 0
    const cpu = milliCpu === 0 ? undefined : freeShare(assumedMilliCpu + need.assumedMilliCpu, milliCpu)
    const memory = memoryBytes === 0 ? undefined : freeShare(assumedMemoryBytes + need.assumedMemoryBytes, memoryBytes)
    if (cpu === undefined || memory === undefined) return cpu ?? memory ?? 0
    return Math.floor((cpu + memory) / 2)
  },
})
