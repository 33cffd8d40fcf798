// What a scorecard says: the same Pods on every handler, side by side.
import type { MeasuredLatency, MeasuredMachine } from '../../api/polypod/handler-measurement.ts'

/** What was measured inside a Pod, by key; absent: it could not be. */
export const figures = [
  { key: 'sha256', title: 'CPU (SHA-256)', unit: 'MB/s', better: 'more' },
  { key: 'syscall', title: 'System call', unit: 'ns', better: 'less' },
  { key: 'process', title: 'fork and exec of a process', unit: 'µs', better: 'less' },
  { key: 'write', title: 'File write (emptyDir, fsync)', unit: 'MB/s', better: 'more' },
  { key: 'read', title: 'File read (cached)', unit: 'MB/s', better: 'more' },
  { key: 'files', title: 'Small files made', unit: '/s', better: 'more' },
  { key: 'network', title: 'TCP between two Pods', unit: 'MB/s', better: 'more' },
  { key: 'ping', title: 'Round trip between two Pods', unit: 'µs', better: 'less' },
] as const
export type FigureKey = (typeof figures)[number]['key']

export const featureNames = [
  ...(['exec', 'port-forward', 'hostNetwork', 'user namespace', 'probes', 'volumes', 'memory limit', 'CPU limit'] as const),
]
export type FeatureName = (typeof featureNames)[number]

export interface Feature {
  name: FeatureName
  works: boolean
  /** What was seen, or why it does not work in the words of whoever said so. */
  why: string
}

export interface HandlerScore {
  handler: string
  /** `runc 1.1.5`, `io.containerd.runsc.v1`: what is behind it, where that is known. */
  runtime: string
  /** As a container sees it. */
  kernel?: string | undefined
  /** From the create call to a container that runs, as a client of the API sees it. */
  start?: MeasuredLatency | undefined
  /** Bytes a sandbox uses beside its containers, on average. */
  sandboxBytes?: number | undefined
  figures: Partial<Record<FigureKey, number>>
  features: Feature[]
  /** Why it could not be measured, or a part of it. */
  problems: string[]
}

export interface Scorecard {
  measuredAt: string
  machine: MeasuredMachine
  /** Pods that were started one after the other, for `start`. */
  pods: number
  /** One-minute load when it began: above the number of CPUs, rates are those of a machine that is shared. */
  load: number
  handlers: HandlerScore[]
}
