// status.phase: where a Pod is in its life, counted from its containers.
import type { Pod } from '../api/core/pod.ts'
import type { ContainerStatus } from '../api/core/pod-status.ts'
import type { ContainerStatuses } from './container-statuses.ts'
import { isSidecar } from './plan-step.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

/** `ended`: nothing of the Pod runs or will; then it has succeeded or failed, whatever its restart policy. */
export function podPhase(pod: Pod, { init, main }: ContainerStatuses, ended: boolean): PodPhase {
  const { restartPolicy = 'Always' } = pod.spec
  const progress = (pod.spec.initContainers ?? []).map((container, i) => initProgress(isSidecar(container), init[i]))
  if (progress.includes('failed') && (restartPolicy === 'Never' || ended)) return 'Failed'
  const waiting = main.filter((s) => s.state.waiting && !s.lastState.terminated).length
  const running = main.filter((s) => s.state.running).length
  const stopped = main.length - waiting - running
  if (ended) return stopped === main.length && main.every(succeeded) ? 'Succeeded' : 'Failed'
  if (progress.some((p) => p !== 'done') && running + stopped === 0) return 'Pending'
  if (waiting > 0) return 'Pending'
  if (running > 0) return 'Running'
  // k8s: a Pod that restarts its containers is Running even while none of them does
  if (restartPolicy === 'Always') return 'Running'
  const over = main.every((s) => s.state.terminated)
  if (over && main.every(succeeded)) return 'Succeeded'
  return restartPolicy === 'Never' && over ? 'Failed' : 'Running'
}

const succeeded = (status: ContainerStatus): boolean => status.state.terminated?.exitCode === 0

function initProgress(sidecar: boolean, status: ContainerStatus | undefined): 'pending' | 'failed' | 'done' {
  if (!status) return 'pending'
  const { state, lastState, started } = status
  if (sidecar) return started || state.terminated || lastState.terminated ? 'done' : 'pending'
  const end = state.terminated ?? (state.waiting && lastState.terminated)
  if (!end) return 'pending'
  return end.exitCode === 0 ? 'done' : 'failed'
}
