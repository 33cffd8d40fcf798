// What a node's conditions say of it, decided without touching it: silence becomes Unknown, conditions become taints.
import type { Node, NodeCondition } from '../api/core/node.ts'
import type { Taint, TaintEffect } from '../api/core/toleration.ts'
import { rfc3339 } from '../lib/clock.ts'

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

export const readyOf = ({ status }: Node): string | undefined => status.conditions?.find(({ type }) => type === 'Ready')?.status

/** The node as it is when nothing was heard of it for too long; the same object when that is known already. */
export function silenced(node: Node, nowMs: number): Node {
  const conditions = node.status.conditions ?? []
  const lastTransitionTime = rfc3339(nowMs)
  const known = conditions.map((condition): NodeCondition => {
    if (!watched.includes(condition.type) || condition.status === 'Unknown') return condition
    const why = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
    return { ...condition, status: 'Unknown', ...why, lastTransitionTime }
  })
  const never = watched
    .filter((type) => !conditions.some((condition) => condition.type === type))
    .map((type): NodeCondition => {
      const why = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' }
      return { type, status: 'Unknown', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime, ...why }
    })
  if (never.length === 0 && known.every((condition, i) => condition === conditions[i])) return node
  return { ...node, status: { ...node.status, conditions: [...known, ...never] } }
}

const prefix = 'node.kubernetes.io/'
const notReady = `${prefix}not-ready`
const unreachable = `${prefix}unreachable`
/** Type and status of a condition, and the taint that goes with it. */
const taintOf: Record<string, string | undefined> = {
  'Ready=False': notReady,
  'Ready=Unknown': unreachable,
  'MemoryPressure=True': `${prefix}memory-pressure`,
  'DiskPressure=True': `${prefix}disk-pressure`,
  'PIDPressure=True': `${prefix}pid-pressure`,
  'NetworkUnavailable=True': `${prefix}network-unavailable`,
}
const unschedulable = `${prefix}unschedulable`
const ours = new Set<string>([...Object.values(taintOf).flatMap((key) => key ?? []), unschedulable])

const isOurs = ({ key, effect }: Taint): boolean =>
  effect === 'NoSchedule' ? ours.has(key) : effect === 'NoExecute' && (key === notReady || key === unreachable)

/** The node with the taints its conditions call for; the same object when it has them. Others' taints stay. */
export function tainted(node: Node, nowMs: number): Node {
  const ready = readyOf(node)
  // a node that has said nothing yet keeps the taint it was registered with
  if (ready === undefined) return node
  const present = node.spec.taints ?? []
  const keys = (node.status.conditions ?? []).flatMap(({ type, status }) => taintOf[`${type}=${status}`] ?? [])
  if (node.spec.unschedulable) keys.push(unschedulable)
  const wanted: { key: string; effect: TaintEffect }[] = keys.map((key) => ({ key, effect: 'NoSchedule' }))
  if (ready !== 'True') wanted.push({ key: ready === 'False' ? notReady : unreachable, effect: 'NoExecute' })
  const same = (a: { key: string; effect: string }) => (b: { key: string; effect: string }) =>
    a.key === b.key && a.effect === b.effect
  const kept = present.filter((taint) => !isOurs(taint) || wanted.some(same(taint)))
  const added = wanted.filter((taint) => !present.some(same(taint))).map((taint) => ({ ...taint, timeAdded: rfc3339(nowMs) }))
  if (kept.length === present.length && added.length === 0) return node
  return { ...node, spec: { ...node.spec, taints: [...kept, ...added] } }
}
