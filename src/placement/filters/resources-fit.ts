import { filter } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import { overheadOf, type PodNeed } from '../pod-need.ts'
import type { Reason } from '../reason.ts'

/** What the node has too little of, overhead counted on both sides. */
export const resourcesFit = filter({
  name: 'NodeResourcesFit',
  prepare: (need) => need,
  check(need: PodNeed, node) {
    const { allocatable: has, requested: used } = node
    let reasons: Reason[] | undefined
    if (node.pods.size + 1 > node.maxPods) reasons = [tooManyPods(node)]
    if (need.isZero) return reasons
    if (need.milliCpu > 0 && need.milliCpu > has.milliCpu - used.milliCpu)
      (reasons ??= []).push(insufficient(need, 'cpu', [need.milliCpu, used.milliCpu, has.milliCpu]))
    if (need.memoryBytes > 0 && need.memoryBytes > has.memoryBytes - used.memoryBytes)
      (reasons ??= []).push(insufficient(need, 'memory', [need.memoryBytes, used.memoryBytes, has.memoryBytes]))
    if (need.ephemeralBytes > 0 && need.ephemeralBytes > has.ephemeralBytes - used.ephemeralBytes)
      (reasons ??= []).push(
        insufficient(need, 'ephemeral-storage', [need.ephemeralBytes, used.ephemeralBytes, has.ephemeralBytes]),
      )
    for (const [resource, amount] of need.others) {
      const [capacity, taken] = [has.others.get(resource) ?? 0, used.others.get(resource) ?? 0]
      if (amount > 0 && amount > capacity - taken) (reasons ??= []).push(insufficient(need, resource, [amount, taken, capacity]))
    }
    return reasons
  },
})

const tooManyPods = ({ pods, maxPods }: NodeView): Reason => ({
  text: 'Too many pods',
  shortage: { resource: 'pods', need: 1, used: pods.size, capacity: maxPods, ofWhichOverhead: 0 },
})

function insufficient(need: PodNeed, resource: string, [amount, used, capacity]: readonly [number, number, number]): Reason {
  const shortage = { resource, need: amount, used, capacity, ofWhichOverhead: overheadOf(need, resource) }
  return { text: `Insufficient ${resource}`, shortage, ...(amount > capacity ? { unresolvable: true } : {}) }
}
