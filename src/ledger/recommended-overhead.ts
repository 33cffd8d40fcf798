// From what was measured of a handler to the podFixed its class should declare, with the reasons. Pure.
import type { ResourceList } from '../api/core/resources.ts'
import type { Summary } from '../lib/statistics.ts'

export interface MeasuredSandbox {
  /** Bytes: the Pod's cgroup without its containers, and the runtime's processes outside of it. */
  sandbox: Summary
  /** Bytes the node has less of for every Pod, by MemAvailable. */
  nodeAvailable: Summary
  /** CPU nanoseconds per second of an idle Pod, its containers left out. */
  idleCpu: Summary
}

export interface Recommendation {
  podFixed: ResourceList
  reasons: string[]
}

const mebi = 1024 * 1024
/** A sandbox that works needs more than one that idles: buffers, garbage that is not collected yet. */
const headroom = 0.1
/** Rounds that a node's number takes to have an error worth the name. */
const leastRounds = 3
const nanoPerMilli = 1e6

export const mebibytes = (bytes: number): string => `${(bytes / mebi).toFixed(1)}Mi`

export function recommendedOverhead({ sandbox, nodeAvailable, idleCpu }: MeasuredSandbox): Recommendation {
  const counted = sandbox.mean + sandbox.error
  const reasons = [`cgroup and processes: ${plusMinus(sandbox)} a Pod, at most ${mebibytes(counted)} with 95 % confidence`]
  // the node's number holds all that nobody else counts, and all that went on beside: only what is sure to be there is believed
  const sure = nodeAvailable.count < leastRounds ? 0 : nodeAvailable.mean - nodeAvailable.error
  const seen = `the node has ${plusMinus(nodeAvailable)} less for each`
  if (nodeAvailable.count < leastRounds) reasons.push(`${seen}: of fewer than ${leastRounds} rounds, so it is not believed`)
  else if (sure > counted)
    reasons.push(`${seen}, at least ${mebibytes(sure)}: kernel memory that no cgroup counts, so this is taken`)
  else reasons.push(`${seen}: not surely more, so it changes nothing`)
  const memory = Math.max(1, Math.ceil((Math.max(counted, sure) * (1 + headroom)) / mebi))
  reasons.push(`with ${headroom * 100} % headroom, rounded up: ${memory}Mi`)
  const milli = (idleCpu.mean + idleCpu.error) / nanoPerMilli
  const idle = `an idle Pod uses ${(idleCpu.mean / nanoPerMilli).toFixed(2)}m ± ${(idleCpu.error / nanoPerMilli).toFixed(2)}m of CPU`
  if (milli < 0.5) return { podFixed: { memory: `${memory}Mi` }, reasons: [...reasons, `${idle}: too little to declare`] }
  return { podFixed: { cpu: `${Math.ceil(milli)}m`, memory: `${memory}Mi` }, reasons: [...reasons, `${idle}, rounded up`] }
}

const plusMinus = ({ mean, error }: Summary): string => `${mebibytes(mean)} ± ${mebibytes(error)}`
