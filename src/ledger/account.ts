// What Pods cost together: containers + overhead = total, for a node, a namespace or one Pod.
import type { Pod } from '../api/core/pod.ts'
import { addTo, type Amounts, amountText } from './amounts.ts'
import { podLedger, type Side } from './pod-ledger.ts'

/** Each side as containers (all but overhead), overhead and both together; exact. */
export interface Account {
  pods: number
  requests: SideAccount
  limits: SideAccount
}

export interface SideAccount {
  containers: Amounts
  overhead: Amounts
  total: Amounts
}

/** k8s: a Pod that is over costs nothing, although it is still stored. */
export const isCounted = ({ status }: Pod): boolean => status.phase !== 'Succeeded' && status.phase !== 'Failed'

/** Of the given Pods that are not over, whichever they are. */
export function accountOf(pods: readonly Pod[]): Account {
  const counted = pods.filter(isCounted)
  return { pods: counted.length, requests: sideAccount(counted, 'requests'), limits: sideAccount(counted, 'limits') }
}

function sideAccount(pods: readonly Pod[], side: Side): SideAccount {
  const containers = new Map<string, bigint>()
  const overhead = new Map<string, bigint>()
  const total = new Map<string, bigint>()
  for (const pod of pods) {
    const one = podLedger(pod, side)
    addTo(containers, one.base)
    addTo(overhead, one.overhead)
    addTo(total, one.total)
  }
  return { containers, overhead, total }
}

/** One resource of a side in canonical quantities. */
export interface AccountLine {
  containers: string
  overhead: string
  total: string
}

/** By resource name, sorted: cpu and memory first. Resources nobody names are absent. */
export function accountLines({ containers, overhead, total }: SideAccount): Record<string, AccountLine> {
  const text = (name: string, from: Amounts) => amountText(name, from.get(name) ?? 0n)
  return Object.fromEntries(
    resourceOrder([...total.keys()]).map((name) => [
      name,
      { containers: text(name, containers), overhead: text(name, overhead), total: text(name, total) },
    ]),
  )
}

const first = ['cpu', 'memory', 'ephemeral-storage']

/** As kubectl shows them: cpu, memory, ephemeral-storage, then the others by name. */
export function resourceOrder(names: readonly string[]): string[] {
  const place = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length)
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
}
