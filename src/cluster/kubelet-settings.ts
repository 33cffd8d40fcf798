// How a cluster's kubelets behave where flags of `up` say so, in the names of KubeletConfiguration.
import { parseQuantity } from '../api/quantity.ts'
import { amounts, listOf, sum } from '../ledger/amounts.ts'
import { durationMs, type EvictionSettings, evictionPolicy } from '../node/eviction-settings.ts'
import type { NodeOptions } from '../node/run.ts'

export interface KubeletSettings extends EvictionSettings {
  /** Resource to quantity. */
  kubeReserved?: Record<string, string> | undefined
  systemReserved?: Record<string, string> | undefined
  maxPods?: number | undefined
  /** How often a handler that works is proved again, such as 5m; 0: only with a reason. Ours, beyond upstream. */
  handlerCanaryPeriod?: string | undefined
}

const reservable = ['cpu', 'memory', 'ephemeral-storage', 'pid']

/** Throws an Error that names what is wrong. */
export function checkKubeletSettings(settings: KubeletSettings): KubeletSettings {
  evictionPolicy(settings)
  if (settings.handlerCanaryPeriod !== undefined) durationMs(settings.handlerCanaryPeriod)
  for (const [resource, text] of Object.entries({ ...settings.kubeReserved, ...settings.systemReserved })) {
    if (!reservable.includes(resource)) throw new Error(`${resource} cannot be reserved, only ${reservable.join(', ')}`)
    const quantity = parseQuantity(text)
    if (!quantity || quantity.nano < 0n) throw new Error(`reserved ${resource}: ${text} is no quantity`)
  }
  return settings
}

const evictionFields = [
  ...(['evictionHard', 'evictionSoft', 'evictionSoftGracePeriod', 'evictionMinimumReclaim'] as const),
  ...(['evictionPressureTransitionPeriod', 'evictionMaxPodGracePeriod'] as const),
]

type KubeletOptions = Pick<NodeOptions, 'eviction' | 'reserved' | 'maxPods'> & { canaryEveryMs?: number | undefined }

/** What the kubelet takes. A simulated node evicts only where something is said of eviction. */
export function kubeletOptions(settings: KubeletSettings = {}): KubeletOptions {
  const { kubeReserved, systemReserved, maxPods, handlerCanaryPeriod, ...eviction } = settings
  const isSaid = evictionFields.some((field) => eviction[field] !== undefined)
  return {
    maxPods,
    ...(handlerCanaryPeriod === undefined ? {} : { canaryEveryMs: durationMs(handlerCanaryPeriod) }),
    reserved: listOf(sum([amounts(kubeReserved), amounts(systemReserved)])),
    ...(isSaid ? { eviction } : {}),
  }
}
