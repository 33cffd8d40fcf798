// How willing the kernel should be to kill a container when memory runs out.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import { qosClass } from '../api/core/qos.ts'
import { amounts, unitsOf } from './amounts.ts'

const guaranteed = -997
const bestEffort = 1000

const memoryRequest = (container: Container): number => unitsOf(amounts(container.resources.requests).get('memory'))

/** oom_score_adj of `container`, one of `pod`'s, on a node with `memoryCapacityBytes`. Overhead plays no part. */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if (pod.spec.priorityClassName === 'system-node-critical') return guaranteed
  const qos = pod.status.qosClass ?? qosClass(pod)
  if (qos === 'Guaranteed') return guaranteed
  if (qos === 'BestEffort') return bestEffort
  const scored = (bytes: number) => 1000 - Math.floor((1000 * bytes) / memoryCapacityBytes)
  let score = scored(memoryRequest(container))
  const isSidecar = container.restartPolicy === 'Always' && (pod.spec.initContainers ?? []).includes(container)
  // k8s: a sidecar is not killed before the containers it serves
  if (isSidecar) score = Math.min(score, scored(Math.min(...pod.spec.containers.map(memoryRequest))))
  if (score < 1000 + guaranteed) return 1000 + guaranteed
  return score === bestEffort ? score - 1 : score
}
