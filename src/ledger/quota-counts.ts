// ResourceQuotas as the ledger's check compares them: what their status says of Pods, and the same counted anew.
import { Pod } from '../api/core/pod.ts'
import type { ResourceQuota } from '../api/core/resource-quota.ts'
import { sameValue } from '../api/equal.ts'
import { nameOfPod, type QuotaCounts } from './check.ts'
import { countedStatus, isMatched, ownsResource, quotaUsage } from './quota-usage.ts'

/** `now` in milliseconds. Quotas that have just been made or edited are left out: nobody has counted for them yet. */
export function quotaCounts(quotas: readonly ResourceQuota[], pods: readonly Pod[], now: number): QuotaCounts[] {
  return quotas.flatMap((quota) => {
    const { metadata, spec, status } = quota
    const { hard = {} } = spec
    if (!status.used || !sameValue(status.hard, spec.hard)) return []
    const here = pods.filter((pod) => pod.metadata.namespace === metadata.namespace && isMatched(Pod, pod, { spec, hard }))
    const computed = countedStatus(quota, [{ kind: Pod, objects: here }], now).used ?? {}
    const ofPods = Object.entries(status.used).filter(([resource]) => ownsResource(Pod, resource))
    return [
      {
        ...{ namespace: metadata.namespace ?? '', name: metadata.name, used: Object.fromEntries(ofPods), computed },
        // a Pod that is over is an object still, and costs nothing
        objects: here.filter((pod) => quotaUsage(Pod, pod, now).has('pods')).map(nameOfPod),
      },
    ]
  })
}
