// Shares of the burstable level: what all its Pods together request, overhead included.
import type { Pod } from '../api/core/pod.ts'
import { qosClass } from '../api/core/qos.ts'
import { milliOf } from '../ledger/amounts.ts'
import { podLedger } from '../ledger/pod-ledger.ts'
import type { PodCgroups } from './cgroup-fs.ts'

const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

/** In milli-CPUs. Pods that have ended do not count. */
export function burstableMilliCpu(pods: readonly Pod[]): number {
  const counted = pods.filter((pod) => !hasEnded(pod) && (pod.status.qosClass ?? qosClass(pod)) === 'Burstable')
  return counted.reduce((sum, pod) => sum + milliOf(podLedger(pod, 'requests').total.get('cpu')), 0)
}

/** Writes the shares when they are others than last time. Never rejects. */
export function qosShares(cgroups: PodCgroups | undefined, log: (line: string) => void): (pods: readonly Pod[]) => Promise<void> {
  let written = -1
  return async (pods) => {
    const milliCpu = burstableMilliCpu(pods)
    if (!cgroups || milliCpu === written) return
    written = milliCpu
    await cgroups
      .setBurstable(milliCpu)
      .catch((error: unknown) => log(`cannot set the shares of burstable Pods: ${String(error)}`))
  }
}
