// Probes of running containers, each on its own period, and what they add up to.
import type { Clock } from '../lib/clock.ts'
import type { PodEvents } from './pod-events.ts'
import type { ProbeOnce, ProbeTarget, ProbeType } from './probe-action.ts'

/** What the probes of one run of a container say now. A container without a given probe counts as healthy there. */
export interface ProbeResults {
  /** The startup probe has succeeded, or there is none. */
  started: boolean
  ready: boolean
  /** A failing liveness or startup probe: the container is to be killed and restarted. */
  kill: { probe: 'liveness' | 'startup'; message: string; graceSeconds?: number | undefined } | undefined
}

export interface ProberOptions {
  clock: Clock
  events: PodEvents
  probe: ProbeOnce
  /** Only when something in `results` has changed. */
  onChange: (target: ProbeTarget, probe: ProbeType) => void
}

export interface Prober {
  /** Probes this run of the container from now on; again with the same containerId only refreshes pod and podIP. */
  watch(target: ProbeTarget): void
  /** Of a container that is not watched: not started, not ready, nothing to kill. */
  results(containerId: string): ProbeResults
  /** k8s: a terminating Pod keeps its readiness probes only. */
  terminating(podUid: string): void
  /** Ends the probes of one run. */
  drop(containerId: string): void
  dropPod(podUid: string): void
  close(): void
}

export function prober(options: ProberOptions): Prober {
  throw new Error(`not written yet: ${Object.keys(options).join()}`)
}
