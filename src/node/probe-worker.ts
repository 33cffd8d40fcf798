// Probes of running containers, each on its own period, and what they add up to.
import type { Probe } from '../api/core/probe.ts'
import type { Clock } from '../lib/clock.ts'
import { type Deferred, deferred } from '../lib/deferred.ts'
import { woken } from '../lib/scope.ts'
import type { PodEvents } from './pod-events.ts'
import type { ProbeOnce, ProbeOutcome, ProbeTarget, ProbeType } from './probe-action.ts'

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

interface Worker {
  type: ProbeType
  spec: Probe
  stop: AbortController
  /** Success, failure, or startup not decided yet. */
  result: 'success' | 'failure' | 'unknown'
  message: string
  /** How often in a row the last outcome came. */
  run: { outcome: ProbeOutcome['result']; times: number }
}

interface Watched {
  target: ProbeTarget
  /** Resolves when the startup probe has succeeded, or at once when there is none. */
  startup: Deferred<void>
  workers: Map<ProbeType, Worker>
  told: string
}

// k8s: liveness is taken as given until it fails, readiness has to be earned
const initially = { liveness: 'success', readiness: 'failure', startup: 'unknown' } as const
const types = ['startup', 'liveness', 'readiness'] as const

export function prober(options: ProberOptions): Prober {
  const all = new Map<string, Watched>()
  const drop = (containerId: string) => {
    for (const { stop } of all.get(containerId)?.workers.values() ?? []) stop.abort()
    all.delete(containerId)
  }
  const ofPod = (podUid: string) => [...all.values()].filter(({ target }) => target.pod.metadata.uid === podUid)
  return {
    watch(target) {
      const known = all.get(target.containerId)
      if (known) known.target = target
      else all.set(target.containerId, watchNew(target, options))
    },
    results(containerId) {
      const watched = all.get(containerId)
      return watched ? resultsOf(watched) : { started: false, ready: false, kill: undefined }
    },
    terminating(podUid) {
      for (const { workers } of ofPod(podUid))
        for (const worker of workers.values()) if (worker.type !== 'readiness') settle(worker)
    },
    drop,
    dropPod(podUid) {
      for (const { target } of ofPod(podUid)) drop(target.containerId)
    },
    close() {
      for (const containerId of [...all.keys()]) drop(containerId)
    },
  }
}

/** A container that is to end anyway must not be killed for its probes. */
function settle(worker: Worker): void {
  worker.stop.abort()
  worker.result = 'success'
}

function watchNew(target: ProbeTarget, options: ProberOptions): Watched {
  const { startupProbe: startup, livenessProbe: liveness, readinessProbe: readiness } = target.container
  const specs = { startup, liveness, readiness }
  const watched: Watched = { target, startup: deferred(), workers: new Map(), told: '' }
  if (!startup) watched.startup.resolve()
  for (const type of types) {
    const spec = specs[type]
    if (!spec) continue
    const stop = new AbortController()
    const worker: Worker = { type, spec, stop, result: initially[type], message: '', run: { outcome: 'unknown', times: 0 } }
    watched.workers.set(type, worker)
  }
  watched.told = JSON.stringify(resultsOf(watched))
  for (const worker of watched.workers.values()) void work(watched, worker, options)
  return watched
}

function resultsOf({ workers }: Watched): ProbeResults {
  const has = (type: ProbeType, result: Worker['result']) => (workers.get(type)?.result ?? result) === result
  const started = has('startup', 'success')
  const failed = (['startup', 'liveness'] as const).find((type) => workers.get(type)?.result === 'failure')
  const worker = failed && workers.get(failed)
  const graceSeconds = worker?.spec.terminationGracePeriodSeconds
  const kill = failed && {
    probe: failed,
    message: worker?.message ?? '',
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
  }
  return { started, ready: started && has('readiness', 'success'), kill }
}

/** Probes every period until stopped. k8s: a failed liveness or startup probe rests: the container is killed for it. */
async function work(watched: Watched, worker: Worker, options: ProberOptions): Promise<void> {
  const { clock } = options
  const { spec, stop } = worker
  const periodMs = Math.max(1, spec.periodSeconds ?? 10) * 1000
  if (worker.type !== 'startup') await woken(stop.signal, (wake) => void watched.startup.promise.then(wake))
  const firstAt = watched.target.startedAt + (spec.initialDelaySeconds ?? 0) * 1000
  await clock.sleep(Math.max(0, firstAt - clock.now()), stop.signal)
  while (!stop.signal.aborted) {
    const startedAt = clock.now()
    await attempt(watched, worker, options)
    if (worker.type !== 'readiness' && worker.result === 'failure') return
    // k8s: startup is over once it has succeeded
    if (worker.type === 'startup' && worker.result === 'success') return watched.startup.resolve()
    await clock.sleep(Math.max(0, periodMs - (clock.now() - startedAt)), stop.signal)
  }
}

// k8s: one refused try may be an accident of the moment
const maxTries = 3

async function attempt(watched: Watched, worker: Worker, options: ProberOptions): Promise<void> {
  const { events, probe, onChange } = options
  const { spec, stop, type } = worker
  let outcome: ProbeOutcome = { result: 'unknown', message: '' }
  for (let tries = 0; tries < maxTries && outcome.result === 'unknown' && !stop.signal.aborted; tries++)
    outcome = await probe(watched.target, spec)
  if (stop.signal.aborted) return
  const { pod, container } = watched.target
  if (outcome.result !== 'success') {
    const title = `${type.charAt(0).toUpperCase()}${type.slice(1)} probe`
    const how = outcome.result === 'unknown' ? 'errored and resulted in unknown state' : 'failed'
    events.event({ pod, container: container.name }, 'Warning', 'Unhealthy', `${title} ${how}: ${outcome.message}`)
  }
  // k8s: what could not be tried changes nothing
  if (outcome.result === 'unknown') return
  if (!count(worker, outcome)) return
  worker.result = outcome.result
  worker.message = outcome.message
  const now = JSON.stringify(resultsOf(watched))
  if (now === watched.told) return
  watched.told = now
  onChange(watched.target, type)
}

/** Whether the outcome has come often enough in a row to count. */
function count(worker: Worker, { result }: ProbeOutcome): boolean {
  const { spec, run } = worker
  worker.run = { outcome: result, times: run.outcome === result ? run.times + 1 : 1 }
  const threshold = result === 'success' ? spec.successThreshold : spec.failureThreshold
  return worker.run.times >= Math.max(1, threshold ?? (result === 'success' ? 1 : 3))
}
