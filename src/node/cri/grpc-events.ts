// Container events over gRPC: CRI's own stream (containerd 1.7 and later, CRI-O), else containerd's event service.
import { fromBinary } from '@bufbuild/protobuf'
import { ContainerTopicSchema, type Envelope, type Events, TaskExitSchema } from '../../gen/containerd/events_pb.js'
import { ContainerState, PodSandboxState, type RuntimeService } from '../../gen/cri_pb.js'
import { systemClock } from '../../lib/clock.ts'
import { woken } from '../../lib/scope.ts'
import type { Rpc } from './grpc-client.ts'
import { type ContainerEvent, RuntimeError } from './runtime.ts'

export interface EventServices {
  runtime: Rpc<typeof RuntimeService>
  events: Rpc<typeof Events>
}

const types: ContainerEvent['type'][] = ['created', 'started', 'stopped', 'deleted']
const topics: Record<string, ContainerEvent['type']> = {
  '/containers/create': 'created',
  '/tasks/start': 'started',
  '/tasks/exit': 'stopped',
  '/containers/delete': 'deleted',
}
const uidLabel = 'io.kubernetes.pod.uid'

/** Ends when `signal` aborts, when the runtime goes away, or at once when it has no events of either kind. */
export async function* containerEvents(services: EventServices, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  try {
    yield* criEvents(services, signal)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    if (error.code === 'Unimplemented') yield* containerdEvents(services, signal)
  }
}

async function* criEvents({ runtime }: EventServices, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  for await (const { containerId, containerEventType, podSandboxStatus } of runtime.getContainerEvents({}, { signal })) {
    const podUid = podSandboxStatus?.metadata?.uid ?? ''
    yield { podUid, containerId, type: types[containerEventType] ?? 'created' }
  }
}

/**
 * containerd tells of an exit before its CRI plugin has noted it; an event is handed on once CRI agrees, so that
 * whoever asks next sees the new state. Events of one container stay in order; other containers do not wait for it.
 */
async function* containerdEvents(services: EventServices, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  const filters = Object.keys(topics).map((topic) => `namespace==k8s.io,topic=="${topic}"`)
  const over = new AbortController()
  const options = { signal: AbortSignal.any([signal, over.signal]), metadata: { 'containerd-namespace': 'k8s.io' } }
  const ready: ContainerEvent[] = []
  const owners = new Map<string, string>()
  let wake = () => {}
  let ended = false
  const hand = (event: ContainerEvent | undefined) => {
    if (event) ready.push(event)
    wake()
  }
  const read = async () => {
    const last = new Map<string, Promise<void>>()
    for await (const envelope of services.events.subscribe({ filters }, options)) {
      const event = eventOf(envelope)
      if (!event) continue
      const settled = (last.get(event.containerId) ?? Promise.resolve())
        .then(() => settle(event, { runtime: services.runtime, owners, signal }))
        .then(hand, () => hand(undefined))
      last.set(event.containerId, settled)
      if (event.type === 'deleted') void settled.then(() => last.delete(event.containerId))
    }
  }
  const reading = read()
    .catch((error: unknown) => {
      // the runtime went away, or is no containerd at all
      if (!(error instanceof RuntimeError)) throw error
    })
    .finally(() => {
      ended = true
      wake()
    })
  try {
    while (!signal.aborted) {
      yield* ready.splice(0)
      if (ended) break
      if (ready.length === 0) await woken(signal, (w) => (wake = w))
    }
    await reading
  } finally {
    over.abort()
  }
}

function eventOf({ topic, event }: Envelope): Omit<ContainerEvent, 'podUid'> | undefined {
  const type = topics[topic]
  if (!type || !event) return undefined
  if (type !== 'stopped') return { containerId: fromBinary(ContainerTopicSchema, event.value).containerId, type }
  const { containerId, id } = fromBinary(TaskExitSchema, event.value)
  // the end of an exec is an exit too, of another process
  return id === containerId ? { containerId, type } : undefined
}

interface Settling {
  runtime: Rpc<typeof RuntimeService>
  owners: Map<string, string>
  signal: AbortSignal
}

/** containerd puts off what it fails to note of an exit. */
const patienceMs = 30_000

/** Undefined for what CRI never knew, or forgot before its Pod was asked for. */
async function settle(
  event: Omit<ContainerEvent, 'podUid'>,
  { runtime, owners, signal }: Settling,
): Promise<ContainerEvent | undefined> {
  const owner = owners.get(event.containerId)
  if (event.type === 'deleted') {
    owners.delete(event.containerId)
    return owner === undefined ? undefined : { podUid: owner, ...event }
  }
  const until = systemClock.now() + patienceMs
  for (let delayMs = 5; systemClock.now() < until && !signal.aborted; delayMs = Math.min(delayMs * 1.2, 250)) {
    const found = await present(event.containerId, runtime)
    if (found) owners.set(event.containerId, found.podUid)
    if (found && (event.type !== 'stopped' || found.ended)) return { podUid: found.podUid, ...event }
    await systemClock.sleep(delayMs, signal)
  }
  const podUid = owners.get(event.containerId)
  return podUid === undefined ? undefined : { podUid, ...event }
}

/** A sandbox is a container to containerd; here it may be either. */
async function present(id: string, rpc: Rpc<typeof RuntimeService>): Promise<{ podUid: string; ended: boolean } | undefined> {
  const filter = { filter: { id } }
  const options = { timeoutMs: 10_000 }
  const [container] = (await rpc.listContainers(filter, options)).containers
  if (container) {
    // a process may end before CRI has noted that it started: then it is still to say RUNNING, and EXITED only after that
    const ended = ![ContainerState.CONTAINER_CREATED, ContainerState.CONTAINER_RUNNING].includes(container.state)
    return { podUid: container.labels[uidLabel] ?? '', ended }
  }
  const [sandbox] = (await rpc.listPodSandbox(filter, options)).items
  return sandbox && { podUid: sandbox.metadata?.uid ?? '', ended: sandbox.state !== PodSandboxState.SANDBOX_READY }
}
