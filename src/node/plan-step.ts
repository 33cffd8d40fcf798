// The steps a plan is made of, and what every part of the planning needs.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Crash } from './crash-loop.ts'
import type { ProbeResults } from './probe-worker.ts'

export type Step =
  | { do: 'mount' }
  | { do: 'start-sandbox'; attempt: number }
  | { do: 'pull'; container: string }
  | { do: 'start'; container: string; attempt: number }
  /** `why` is what the Killing event says. */
  | { do: 'stop'; id: string; container: string; graceSeconds: number; why: string }
  | { do: 'stop-sandbox'; id: string }
  | { do: 'remove-container'; id: string }
  | { do: 'remove-sandbox'; id: string }
  /** Volumes and cgroup: nothing of the Pod runs any more. */
  | { do: 'release' }

/** Steps of one key never run side by side. */
export function keyOfStep(step: Step): string {
  switch (step.do) {
    case 'pull':
    case 'start':
      return `${step.do}:${step.container}`
    case 'stop':
      return `stop:${step.id}:${step.graceSeconds}`
    case 'stop-sandbox':
    case 'remove-container':
    case 'remove-sandbox':
      return `${step.do}:${step.id}`
    default:
      return step.do
  }
}

export interface PlanFacts {
  /** Milliseconds since the epoch. */
  now: number
  /** Keys of the steps that were under way when `seen` was read: they may have changed it since. */
  busy: ReadonlySet<string>
  /** The Pod has to end, whatever its spec says: deleted, rejected, past its deadline, or finished before. */
  ending: boolean
  /** At most, when it ends: in place of the Pod's own. */
  graceSeconds?: number | undefined
  mounted: boolean
  /** The contents of volumes are out of date; containers need not wait for that. */
  stale: boolean
  /** Containers whose image is ready for their next start. */
  pulled: ReadonlySet<string>
  /** By key of a step that failed: not again before. */
  notBefore: ReadonlyMap<string, number>
  crashes: ReadonlyMap<string, Crash>
  probes(containerId: string): ProbeResults
  /** Sandboxes that were stopped in full, network included. */
  stoppedSandboxes: ReadonlySet<string>
  released: boolean
}

export interface Plan {
  /** Independent of each other: to be done side by side. */
  steps: Step[]
  /** Containers that ended and wait for their restart. */
  backingOff: { container: string; delayMs: number; until: number }[]
  /** When to plan again though nothing happens. */
  againAt: number | undefined
  /** `ending`: the Pod is over, or on its way. `ended`: nothing of it runs, all is released, and that will stay so. */
  phase: 'running' | 'ending' | 'ended'
}

export const isSidecar = (container: Pick<Container, 'restartPolicy'>): boolean => container.restartPolicy === 'Always'

/** Adds the step unless it is under way, or failed a moment ago. */
export function takeUp(plan: Plan, facts: PlanFacts, step: Step): void {
  const key = keyOfStep(step)
  if (facts.busy.has(key)) return
  const notBefore = facts.notBefore.get(key) ?? 0
  if (notBefore > facts.now) lookAgain(plan, notBefore)
  else plan.steps.push(step)
}

export function lookAgain(plan: Plan, at: number): void {
  plan.againAt = Math.min(plan.againAt ?? at, at)
}

/** k8s: at least a second, also for `--grace-period=0`. */
export const graceOf = (pod: Pod): number =>
  Math.max(1, pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30)

/** The least grace of the stops of this container that are under way. */
export function stopUnderWay(busy: ReadonlySet<string>, id: string): number | undefined {
  const prefix = `stop:${id}:`
  const graces = [...busy].filter((key) => key.startsWith(prefix)).map((key) => Number(key.slice(prefix.length)))
  return graces.length === 0 ? undefined : Math.min(...graces)
}
