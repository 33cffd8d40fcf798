// What to do next for the containers of a Pod that is to run: in order, with restarts. Pure; part of pod-plan.ts.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ContainerStatus } from './cri/runtime.ts'
import { containerHash } from './container-hash.ts'
import { restartAt } from './crash-loop.ts'
import { hashAnnotation } from './pod-labels.ts'
import { graceOf, isSidecar, lookAgain, type Plan, type PlanFacts, stopUnderWay, takeUp } from './plan-step.ts'
import { isAlive, latest, type Seen } from './seen.ts'

export interface ContainerPlan {
  pod: Pod
  seen: Seen
  facts: PlanFacts
  plan: Plan
  /** The ready sandbox; absent while there is none. */
  sandboxId: string | undefined
}

/** `waiting`: it has a step under way, which those after it have to wait for. `held`: it waits for a time, and holds up nobody. */
type Wish = 'waiting' | 'held'

/** `done`: the main containers may start. */
export function planInit(world: ContainerPlan): 'done' | 'waiting' | 'failed' {
  const { pod, seen, sandboxId } = world
  // k8s: once a main container is there, init containers are never looked at again, sidecars are
  const initialized = pod.spec.containers.some((c) => sandboxId !== undefined && latest(seen, c.name)?.sandboxId === sandboxId)
  for (const container of pod.spec.initContainers ?? []) {
    if (initialized && !isSidecar(container)) continue
    const outcome = isSidecar(container) ? planSidecar(world, container) : planInitContainer(world, container)
    if (outcome === 'failed') return 'failed'
    if (outcome === 'waiting' && !initialized) return 'waiting'
  }
  return 'done'
}

/** Of the present sandbox: runs in an earlier one do not count for init containers. */
const here = ({ seen, sandboxId }: ContainerPlan, name: string): ContainerStatus | undefined => {
  const status = latest(seen, name)
  return status && status.sandboxId === sandboxId ? status : undefined
}

function planInitContainer(world: ContainerPlan, container: Container): 'done' | 'waiting' | 'failed' {
  const status = here(world, container.name)
  if (status && isAlive(status)) return 'waiting'
  if (status?.state === 'exited') {
    if (status.exitCode === 0) return 'done'
    if (world.pod.spec.restartPolicy === 'Never') return 'failed'
  }
  planStart(world, container)
  return 'waiting'
}

function planSidecar(world: ContainerPlan, container: Container): 'done' | 'waiting' {
  const status = here(world, container.name)
  if (status?.state === 'running') {
    if (planKill(world, container, status)) return 'waiting'
    return world.facts.probes(status.id).started ? 'done' : 'waiting'
  }
  planStart(world, container)
  return 'waiting'
}

/** `finished`: every main container has ended for good. */
export function planMain(world: ContainerPlan): 'running' | 'finished' {
  const { pod, seen, facts, sandboxId } = world
  let finished = true
  let blocked = false
  for (const container of pod.spec.containers) {
    const status = latest(seen, container.name)
    if (status && isAlive(status) && status.sandboxId === sandboxId) {
      finished = false
      planKill(world, container, status)
      continue
    }
    if (facts.busy.has(`start:${container.name}`)) {
      finished = false
      blocked = true
    } else if (isToStart(pod, container, status)) {
      finished = false
      // k8s: containers of a Pod start one after the other
      if (!blocked && planStart(world, container) === 'waiting') blocked = true
    }
  }
  return finished ? 'finished' : 'running'
}

/** Whether a container that does not run shall be started, now or later. */
export function isToStart(pod: Pod, container: Container, status: ContainerStatus | undefined): boolean {
  const { restartPolicy } = pod.spec
  // lost with its runtime: only the Pod's status remembers that it ran
  if (!status) return !(restartPolicy === 'Never' && hasRun(pod, container.name))
  // k8s: a container that was created and never started is started whatever the policy
  if (status.state === 'created') return true
  if (restartPolicy === 'Never') return false
  return restartPolicy !== 'OnFailure' || status.exitCode !== 0
}

function hasRun({ status }: Pod, name: string): boolean {
  const state = status.containerStatuses?.find((s) => s.name === name)?.state
  return state?.running !== undefined || state?.terminated !== undefined
}

/** The restart count of the next run. */
function nextAttempt({ pod, seen }: ContainerPlan, { name }: Container): number {
  const status = latest(seen, name)
  if (status) return status.metadata.attempt + 1
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status
  const told = [...initContainerStatuses, ...containerStatuses].find((s) => s.name === name)
  return told?.containerID ? told.restartCount + 1 : 0
}

function planStart(world: ContainerPlan, container: Container): Wish {
  const { seen, facts, plan, sandboxId } = world
  const { name } = container
  const [startKey, pullKey] = [`start:${name}`, `pull:${name}`]
  if (facts.busy.has(startKey) || facts.busy.has(pullKey)) return 'waiting'
  const status = latest(seen, name)
  if (status && (isAlive(status) || stopUnderWay(facts.busy, status.id) !== undefined)) return 'waiting'
  if (status?.state === 'exited') {
    const crash = facts.crashes.get(name)
    const until = restartAt(crash, status.finishedAt)
    if (crash && until > facts.now) {
      plan.backingOff.push({ container: name, delayMs: crash.delayMs, until })
      lookAgain(plan, until)
      return 'held'
    }
  }
  const notBefore = Math.max(facts.notBefore.get(startKey) ?? 0, facts.notBefore.get(pullKey) ?? 0)
  if (notBefore > facts.now) {
    lookAgain(plan, notBefore)
    return 'held'
  }
  if (!facts.pulled.has(name)) takeUp(plan, facts, { do: 'pull', container: name })
  else if (facts.mounted && sandboxId !== undefined)
    takeUp(plan, facts, { do: 'start', container: name, attempt: nextAttempt(world, container) })
  return 'waiting'
}

/** True when the container is to be stopped, or is being stopped. */
function planKill({ pod, facts, plan }: ContainerPlan, container: Container, status: ContainerStatus): boolean {
  const { id } = status
  if (stopUnderWay(facts.busy, id) !== undefined) return true
  const { kill } = facts.probes(id)
  const { name } = container
  const changed = (status.annotations[hashAnnotation] ?? '') !== containerHash(container)
  const lost = status.state === 'unknown'
  if (!kill && !changed && !lost) return false
  const what = kill
    ? `Container ${name} failed ${kill.probe} probe`
    : changed
      ? `Container ${name} definition changed`
      : `Container ${name} is in unknown state, try killing it before restart`
  const restarts = pod.spec.restartPolicy !== 'Never' || isSidecar(container)
  takeUp(plan, facts, {
    ...{ do: 'stop', id, container: name, graceSeconds: kill?.graceSeconds ?? graceOf(pod) },
    why: restarts ? `${what}, will be restarted` : what,
  })
  return true
}
