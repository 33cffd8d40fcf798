// What is said of an evicted Pod, in upstream's words: people search for them. Pure.
import { allContainers } from './sandbox-config.ts'
import type { Pod } from '../api/core/pod.ts'
import { formatQuantity, nanoOf } from '../api/quantity.ts'
import type { Threshold } from './eviction-settings.ts'
import { type Observations, resourceOf } from './eviction-signals.ts'

export interface Used {
  name: string
  used: number
}

const unitsText = (units: number, resource: string): string =>
  formatQuantity({
    nano: BigInt(units) * 1_000_000_000n,
    format: resource === 'memory' || resource === 'ephemeral-storage' ? 'BinarySI' : 'DecimalSI',
  })

/** `containers`: what each used of the resource. Ends with a space, as upstream's does. */
export function evictionMessage(pod: Pod, { signal, bound }: Threshold, seen: Observations, containers: readonly Used[]): string {
  const resource = resourceOf[signal]
  const available = seen[signal]?.available
  const parts = [`The node was low on resource: ${resource}. `]
  // k8s: a threshold in percent is not told
  if ('units' in bound && available !== undefined)
    parts.push(`Threshold quantity: ${bound.text}, available: ${unitsText(available, resource)}. `)
  for (const { name, used } of containers) {
    const container = allContainers(pod).find((c) => c.name === name)
    if (!container) continue
    const request = container.resources.requests?.[resource] ?? '0'
    if (BigInt(used) * 1_000_000_000n <= nanoOf(request)) continue
    parts.push(
      `Container ${name} was using ${unitsText(used, resource)}, request is ${request}, has larger consumption of ${resource}. `,
    )
  }
  return parts.join('')
}

export const emptyDirMessage = (volume: string, limit: string): string =>
  `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `
export const containerStorageMessage = (container: string, limit: string): string =>
  `Container ${container} exceeded its local ephemeral storage limit "${limit}". `
export const podStorageMessage = (limit: string): string =>
  `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `

/** Why a node under pressure does not let a Pod in. */
export const nodeConditionMessage = (conditions: readonly string[]): string =>
  `The node had condition: [${conditions.join(' ')}]. `
