// status.containerStatuses and initContainerStatuses, from what the runtime has and what the Pod's status said before.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ContainerState, ContainerStatus } from '../api/core/pod-status.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { ContainerStatus as Present } from './cri/runtime.ts'
import { isSidecar } from './plan-step.ts'
import type { ProbeResults } from './probe-worker.ts'
import { isAlive, latest, previous, type Seen } from './seen.ts'

export interface Waiting {
  reason: string
  message?: string | undefined
}

export interface StatusFacts {
  /** `containerd`, as in containerd://<id>. */
  runtimeName: string
  /** By container: why it does not start now. */
  waiting: ReadonlyMap<string, Waiting>
  probes(containerId: string): ProbeResults
  /** Nothing of the Pod runs, and nothing will. */
  ended: boolean
}

export interface ContainerStatuses {
  init: ContainerStatus[]
  main: ContainerStatus[]
}

export function containerStatuses(pod: Pod, seen: Seen, facts: StatusFacts): ContainerStatuses {
  const init = pod.spec.initContainers ?? []
  const told = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  const status = (container: Container, isInit: boolean): ContainerStatus => {
    const old = told.find((s) => s.name === container.name)
    const bare = init.length > 0 && !isInit ? 'PodInitializing' : 'ContainerCreating'
    const one = statusOf(container, { seen, facts, old, bare })
    return {
      ...one,
      ...readiness(container, { one, isInit, present: latest(seen, container.name), facts }),
      ...mounts(container),
    }
  }
  return { init: init.map((c) => status(c, true)), main: pod.spec.containers.map((c) => status(c, false)) }
}

interface Known {
  seen: Seen
  facts: StatusFacts
  old: ContainerStatus | undefined
  /** What a container waits for that nothing more is known of. */
  bare: string
}

function statusOf(container: Container, { seen, facts, old, bare }: Known): ContainerStatus {
  const now = latest(seen, container.name)
  const waiting = facts.waiting.get(container.name)
  if (!now) return unseen(container, { facts, old, bare, waiting })
  const before = previous(seen, container.name)
  const state = stateOf(now, facts.runtimeName, bare)
  const isWaiting = waiting !== undefined && !isAlive(now)
  // k8s: what waits to be restarted shows its last end as lastState
  const last = isWaiting || now.state === 'created' ? (now.state === 'exited' ? now : before) : before
  return {
    name: container.name,
    state: isWaiting ? { waiting: { ...waiting } } : state,
    lastState: last?.state === 'exited' ? { terminated: terminatedOf(last, facts.runtimeName) } : (old?.lastState ?? {}),
    ready: false,
    restartCount: now.metadata.attempt,
    image: isImageId(now.image) ? (container.image ?? '') : now.image,
    imageID: now.imageRef,
    containerID: `${facts.runtimeName}://${now.id}`,
  }
}

/** Some runtimes know an image by its id only. */
const isImageId = (image: string): boolean => image === '' || /^(sha256:)?[0-9a-f]{64}$/.test(image)

/** No container of that name: it never was, or it went away together with its runtime. */
function unseen(
  container: Container,
  { facts, old, bare, waiting }: Omit<Known, 'seen'> & { waiting: Waiting | undefined },
): ContainerStatus {
  const none: ContainerStatus = {
    ...{ name: container.name, state: { waiting: waiting ? { ...waiting } : { reason: bare } }, lastState: {} },
    ...{ ready: false, restartCount: 0, image: container.image ?? '', imageID: '' },
  }
  if (!old?.containerID) return none
  if (old.state.terminated && (facts.ended || !waiting)) return { ...old, ready: false }
  const terminated = old.state.terminated ?? (old.state.running && lost(old))
  if (facts.ended && terminated) return { ...old, state: { terminated }, ready: false }
  return { ...old, state: none.state, lastState: terminated ? { terminated } : old.lastState, ready: false }
}

// k8s: exit code and words for a container that its runtime has forgotten
const lost = ({ containerID }: ContainerStatus): NonNullable<ContainerState['terminated']> => ({
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated.  The container used to be Running',
  ...(containerID === undefined ? {} : { containerID }),
})

function stateOf(present: Present, runtimeName: string, bare: string): ContainerState {
  switch (present.state) {
    case 'running':
    case 'unknown':
      return { running: { startedAt: rfc3339(present.startedAt) } }
    case 'exited':
      return { terminated: terminatedOf(present, runtimeName) }
    default:
      return { waiting: { reason: bare } }
  }
}

function terminatedOf(present: Present, runtimeName: string): NonNullable<ContainerState['terminated']> {
  const { exitCode, reason, message, startedAt, finishedAt, id, createdAt } = present
  return {
    exitCode,
    reason: reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message === '' ? {} : { message }),
    startedAt: rfc3339(startedAt || createdAt),
    finishedAt: rfc3339(finishedAt),
    containerID: `${runtimeName}://${id}`,
  }
}

interface Judged {
  one: ContainerStatus
  isInit: boolean
  present: Present | undefined
  facts: StatusFacts
}

function readiness(container: Container, { one, isInit, present, facts }: Judged): { ready: boolean; started: boolean } {
  // k8s: an init container is ready once it has done its work
  if (isInit && !isSidecar(container))
    return { ready: one.state.terminated?.exitCode === 0, started: one.state.running !== undefined }
  if (!one.state.running || present?.state !== 'running') return { ready: false, started: false }
  const { started, ready } = facts.probes(present.id)
  return { ready: started && ready, started }
}

function mounts({ volumeMounts = [] }: Container): Pick<ContainerStatus, 'volumeMounts'> {
  if (volumeMounts.length === 0) return {}
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly }) => ({
      ...{ name, mountPath },
      ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  }
}
