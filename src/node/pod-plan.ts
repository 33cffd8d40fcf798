// What to do next for a Pod: its spec against what the runtime has. Pure; pod-worker.ts does what it says.
import type { Pod } from '../api/core/pod.ts'
import { type ContainerPlan, planInit, planMain } from './container-plan.ts'
import { graceOf, isSidecar, type Plan, type PlanFacts, stopUnderWay, takeUp } from './plan-step.ts'
import { isAlive, type Seen } from './seen.ts'

export function planPod(pod: Pod, seen: Seen, facts: PlanFacts): Plan {
  if (facts.ending || isOver(pod, seen)) return planEnd(pod, seen, facts)
  const plan: Plan = { steps: [], backingOff: [], againAt: undefined, phase: 'running' }
  const [current] = seen.sandboxes
  const ready = current?.state === 'ready' && !facts.busy.has(`stop-sandbox:${current.id}`)
  const sandboxId = ready ? current.id : undefined
  const containers: ContainerPlan = { pod, seen, facts, plan, sandboxId }
  const init = planInit(containers)
  if (init === 'failed' || (init === 'done' && planMain(containers) === 'finished')) return planEnd(pod, seen, facts)
  planSandbox(seen, facts, plan)
  if (!facts.mounted || facts.stale) takeUp(plan, facts, { do: 'mount' })
  planGarbage(seen, facts, plan)
  return plan
}

/** k8s: a Pod that never restarts anything does not get a second sandbox once a container has been in the first. */
function isOver(pod: Pod, { sandboxes: [current], containers }: Seen): boolean {
  return pod.spec.restartPolicy === 'Never' && current?.state === 'notready' && containers.length > 0
}

function planSandbox({ sandboxes, containers }: Seen, facts: PlanFacts, plan: Plan): void {
  const [current, ...older] = sandboxes
  for (const { id, state } of older) if (state === 'ready') takeUp(plan, facts, { do: 'stop-sandbox', id })
  if (current?.state === 'ready') return
  if (current && !facts.stoppedSandboxes.has(current.id)) return takeUp(plan, facts, { do: 'stop-sandbox', id: current.id })
  if (containers.some((c) => isAlive(c) && c.sandboxId === current?.id)) return
  takeUp(plan, facts, { do: 'start-sandbox', attempt: current ? current.metadata.attempt + 1 : 0 })
}

/** Keeps the last two runs of each container (state and lastState), and of dead sandboxes those that still hold some. */
function planGarbage({ sandboxes: [, ...older], containers }: Seen, facts: PlanFacts, plan: Plan): void {
  const kept = new Map<string, number>()
  for (const c of containers) {
    const newer = kept.get(c.metadata.name) ?? 0
    kept.set(c.metadata.name, newer + 1)
    if (newer >= 2 && !isAlive(c)) takeUp(plan, facts, { do: 'remove-container', id: c.id })
  }
  for (const { id, state } of older)
    if (state === 'notready' && !containers.some((c) => c.sandboxId === id)) takeUp(plan, facts, { do: 'remove-sandbox', id })
}

/** Containers first, sidecars after them and last one first; then sandboxes; then volumes and cgroup. */
function planEnd(pod: Pod, seen: Seen, facts: PlanFacts): Plan {
  const plan: Plan = { steps: [], backingOff: [], againAt: undefined, phase: 'ending' }
  const starting = [...facts.busy].some((key) => key === 'start-sandbox' || key.startsWith('start:'))
  const alive = seen.containers.filter(isAlive)
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name)
  const others = alive.filter((c) => !sidecars.includes(c.metadata.name))
  const lastSidecar = sidecars.findLast((name) => alive.some((c) => c.metadata.name === name))
  const next = others.length > 0 ? others : alive.filter((c) => c.metadata.name === lastSidecar)
  const graceSeconds = Math.max(1, Math.min(graceOf(pod), facts.graceSeconds ?? Infinity))
  for (const { id, metadata } of next) {
    const underWay = stopUnderWay(facts.busy, id)
    if (underWay !== undefined && underWay <= graceSeconds) continue
    const why = `Stopping container ${metadata.name}`
    takeUp(plan, facts, { do: 'stop', id, container: metadata.name, graceSeconds, why })
  }
  if (starting || alive.length > 0) return plan
  const left = seen.sandboxes.filter((s) => s.state === 'ready' || !facts.stoppedSandboxes.has(s.id))
  for (const { id } of left) takeUp(plan, facts, { do: 'stop-sandbox', id })
  if (left.length > 0 || facts.busy.has('mount')) return plan
  if (facts.released) plan.phase = 'ended'
  else takeUp(plan, facts, { do: 'release' })
  return plan
}
