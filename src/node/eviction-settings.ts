// When a node evicts: KubeletConfiguration's fields, read into thresholds. Pure.
import type { ResourceList } from '../api/core/resources.ts'
import { parseQuantity, valueOf } from '../api/quantity.ts'
import { type Signal, signals } from './eviction-signals.ts'

/** As in KubeletConfiguration: signal to a quantity or a percentage of the capacity; signal to a duration such as 1m30s. */
export interface EvictionSettings {
  evictionHard?: Record<string, string> | undefined
  evictionSoft?: Record<string, string> | undefined
  evictionSoftGracePeriod?: Record<string, string> | undefined
  evictionMinimumReclaim?: Record<string, string> | undefined
  evictionPressureTransitionPeriod?: string | undefined
  evictionMaxPodGracePeriod?: number | undefined
}

export type Bound = { units: number; text: string } | { fraction: number }

export interface Threshold {
  signal: Signal
  bound: Bound
  /** 0: hard. */
  graceMs: number
  hard: boolean
  reclaim: Bound | undefined
}

export interface EvictionPolicy {
  thresholds: Threshold[]
  /** How long a condition stays after its signal has recovered. */
  transitionMs: number
  /** Seconds a Pod gets at most when a soft threshold ends it. */
  maxPodGraceSeconds: number
}

// upstream keeps 10% and 15% of the disks free, which would end Pods on a laptop with 100 GB to spare; memory is as there
const defaultEvictionHard: Record<string, string> = {
  'memory.available': '100Mi',
  'nodefs.available': '1Gi',
  'nodefs.inodesFree': '1%',
  'imagefs.available': '1Gi',
  'imagefs.inodesFree': '1%',
}
const defaultTransition = '5m'

/** Throws an Error that names the entry that is wrong. k8s: hard thresholds that are given replace all default ones. */
export function evictionPolicy(settings: EvictionSettings): EvictionPolicy {
  const { evictionHard = defaultEvictionHard, evictionSoft = {}, evictionSoftGracePeriod = {} } = settings
  const { evictionMinimumReclaim = {}, evictionPressureTransitionPeriod: transition = defaultTransition } = settings
  const reclaim = (signal: Signal): Bound | undefined => {
    const text = evictionMinimumReclaim[signal]
    return text === undefined ? undefined : boundOf(signal, text)
  }
  for (const name of [...Object.keys(evictionSoftGracePeriod), ...Object.keys(evictionMinimumReclaim)]) signalOf(name)
  const soft = Object.entries(evictionSoft).map(([name, text]): Threshold => {
    const signal = signalOf(name)
    const grace = evictionSoftGracePeriod[signal]
    if (grace === undefined) throw new Error(`grace period must be specified for the soft eviction threshold ${signal}`)
    return { signal, bound: boundOf(signal, text), graceMs: durationMs(grace), hard: false, reclaim: reclaim(signal) }
  })
  const hard = Object.entries(evictionHard).map(([name, text]): Threshold => {
    const signal = signalOf(name)
    return { signal, bound: boundOf(signal, text), graceMs: 0, hard: true, reclaim: reclaim(signal) }
  })
  const isSet = ({ bound }: Threshold) => ('units' in bound ? bound.units > 0 : bound.fraction > 0)
  return {
    // k8s: zero turns a threshold off
    thresholds: [...hard.flatMap(withAllocatable), ...soft].filter(isSet),
    transitionMs: durationMs(transition),
    maxPodGraceSeconds: settings.evictionMaxPodGracePeriod ?? 0,
  }
}

/** k8s: Pods are evicted as well before they reach the limit of the cgroup that holds them all. */
const withAllocatable = (threshold: Threshold): Threshold[] =>
  threshold.signal === 'memory.available' ? [threshold, { ...threshold, signal: 'allocatableMemory.available' }] : [threshold]

function signalOf(name: string): Signal {
  const signal = signals.find((s) => s === name)
  if (!signal) throw new Error(`unknown eviction signal ${name}: it must be one of ${signals.join(', ')}`)
  return signal
}

function boundOf(signal: Signal, text: string): Bound {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent !== undefined) {
    if (Number(percent) > 100) throw new Error(`eviction threshold of ${signal}: ${text} is more than 100%`)
    return { fraction: Number(percent) / 100 }
  }
  const quantity = parseQuantity(text)
  if (!quantity || quantity.nano < 0n) throw new Error(`eviction threshold of ${signal}: ${text} is no quantity or percentage`)
  return { units: Number(valueOf(text)), text }
}

const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** A duration as Go writes it: 90s, 1m30s. Throws an Error. */
export function durationMs(text: string): number {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) throw new Error(`${text} is no duration such as 90s or 1m30s`)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)]
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0)
}

export const boundUnits = (bound: Bound | undefined, capacity: number): number =>
  bound === undefined ? 0 : 'units' in bound ? bound.units : Math.floor(bound.fraction * capacity)

/** What hard thresholds keep from Pods: memory and ephemeral-storage that is never allocatable. */
export function heldByThresholds({ thresholds }: EvictionPolicy, capacity: ResourceList): ResourceList {
  const held: ResourceList = {}
  for (const [signal, resource] of [
    ['memory.available', 'memory'],
    ['nodefs.available', 'ephemeral-storage'],
  ] as const) {
    const threshold = thresholds.find((t) => t.hard && t.signal === signal)
    const total = Number(valueOf(capacity[resource] ?? '0'))
    if (threshold && total > 0) held[resource] = String(boundUnits(threshold.bound, total))
  }
  return held
}
