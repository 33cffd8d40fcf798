// How a cluster's kubelets behave where flags of `up` say so, in the names of KubeletConfiguration.
import { parseQuantity } from '../api/quantity.ts'
import { amounts, listOf, sum } from '../ledger/amounts.ts'
import { type EvictionSettings, evictionPolicy } from '../node/eviction-settings.ts'
import type { NodeOptions } from '../node/run.ts'

export interface KubeletSettings extends EvictionSettings {
  /** Resource to quantity. */
  kubeReserved?: Record<string, string> | undefined
  systemReserved?: Record<string, string> | undefined
  maxPods?: number | undefined
}

const reservable = ['cpu', 'memory', 'ephemeral-storage', 'pid']

/** Throws an Error that names what is wrong. */
export function checkKubeletSettings(settings: KubeletSettings): KubeletSettings {
  evictionPolicy(settings)
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

/** What the kubelet takes. A simulated node evicts only where something is said of eviction. */
export function kubeletOptions(settings: KubeletSettings = {}): Pick<NodeOptions, 'eviction' | 'reserved' | 'maxPods'> {
  const { kubeReserved, systemReserved, maxPods, ...eviction } = settings
  const isSaid = evictionFields.some((field) => eviction[field] !== undefined)
  return {
    maxPods,
    reserved: listOf(sum([amounts(kubeReserved), amounts(systemReserved)])),
    ...(isSaid ? { eviction } : {}),
  }
}
