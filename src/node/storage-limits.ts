// Which Pods keep more on disk than they may: emptyDir sizeLimit and limits of ephemeral-storage. Pure.
import { allContainers } from './sandbox-config.ts'
import type { Pod } from '../api/core/pod.ts'
import { formatQuantity, valueOf } from '../api/quantity.ts'
import { unitsOf } from '../ledger/amounts.ts'
import { podLedger } from '../ledger/pod-ledger.ts'
import { formatOfSum } from '../ledger/written-as.ts'
import { containerStorageMessage, emptyDirMessage, podStorageMessage } from './eviction-message.ts'
import { containerTotal, type PodDisk, totalOf } from './pod-disk.ts'

const storage = 'ephemeral-storage'

/** Whether there is anything to measure for. */
export const hasStorageLimits = (pod: Pod): boolean =>
  (pod.spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) ||
  allContainers(pod).some(({ resources }) => resources.limits?.[storage] !== undefined)

/** `signal` is the name under which upstream counts such evictions. */
export interface Excess {
  signal: 'emptydirfs.limit' | 'ephemeralpodfs.limit' | 'ephemeralcontainerfs.limit'
  message: string
}

/** The first limit that is exceeded, as the eviction says it; undefined: none. */
export function storageExcess(pod: Pod, disk: PodDisk): Excess | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    // k8s: a limit of zero is none
    if (limit === undefined || valueOf(limit) === 0n) continue
    if (BigInt(disk.volumes.get(name)?.bytes ?? 0) > valueOf(limit))
      return { signal: 'emptydirfs.limit', message: emptyDirMessage(name, limit) }
  }
  const limit = podLedger(pod, 'limits').total.get(storage)
  if (limit !== undefined && totalOf(disk).bytes > unitsOf(limit))
    return {
      signal: 'ephemeralpodfs.limit',
      message: podStorageMessage(formatQuantity({ nano: limit, format: formatOfSum(pod, 'limits', storage) ?? 'DecimalSI' })),
    }
  for (const { name, resources } of pod.spec.containers) {
    const own = resources.limits?.[storage]
    if (own !== undefined && BigInt(containerTotal(disk, name).bytes) > valueOf(own))
      return { signal: 'ephemeralcontainerfs.limit', message: containerStorageMessage(name, own) }
  }
  return undefined
}
