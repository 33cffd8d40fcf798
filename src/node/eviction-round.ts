// One look at the signals: which thresholds are met, which conditions follow, and which resource is to be taken back. Pure.
import { boundUnits, type EvictionPolicy, type Threshold } from './eviction-settings.ts'
import { conditionOf, type Observations, type PressureCondition, resourceOf } from './eviction-signals.ts'

/** What is remembered from one look to the next. */
export interface EvictionState {
  /** Met, or met before and not yet better by the minimum reclaim. Since when. */
  met: ReadonlyMap<Threshold, number>
  /** When the condition's signal was last met. */
  lastSeen: ReadonlyMap<PressureCondition, number>
}

export const calm: EvictionState = { met: new Map(), lastSeen: new Map() }

export interface Round {
  state: EvictionState
  conditions: PressureCondition[]
  /** Past its grace period; memory before all others. Undefined: nothing is to be done. */
  act: Threshold | undefined
}

const order: PressureCondition[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure']

export function judge(before: EvictionState, seen: Observations, policy: EvictionPolicy, now: number): Round {
  const met = new Map<Threshold, number>()
  for (const threshold of policy.thresholds) {
    const since = before.met.get(threshold)
    if (isMet(threshold, seen, since !== undefined)) met.set(threshold, since ?? now)
  }
  const lastSeen = new Map(before.lastSeen)
  for (const { signal } of met.keys()) lastSeen.set(conditionOf[signal], now)
  for (const [condition, at] of lastSeen) if (now - at > policy.transitionMs) lastSeen.delete(condition)
  const due = [...met].filter(([{ graceMs }, since]) => now - since >= graceMs).map(([threshold]) => threshold)
  const act = due.find(({ signal }) => resourceOf[signal] === 'memory') ?? due[0]
  return { state: { met, lastSeen }, conditions: order.filter((c) => lastSeen.has(c)), act }
}

/** k8s: what is met already stays so until the minimum reclaim is there on top. */
export function isMet({ signal, bound, reclaim }: Threshold, seen: Observations, wasMet: boolean): boolean {
  const observed = seen[signal]
  if (!observed) return false
  const { available, capacity } = observed
  return available < boundUnits(bound, capacity) + (wasMet ? boundUnits(reclaim, capacity) : 0)
}
