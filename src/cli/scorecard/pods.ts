// Pods of one handler, made through the API as a user makes them, and waited for.
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import type { HttpClient } from '../../client/http.ts'
import type { HttpTarget } from '../../client/http-connection.ts'
import { type Mirror, mirror } from '../../client/mirror.ts'
import type { Clock } from '../../lib/clock.ts'

export const scorecardNamespace = 'polypod-scorecard'

export interface ScoreWorld {
  client: HttpClient
  target: HttpTarget
  clock: Clock
  signal: AbortSignal
  image: string
  pods: Mirror<Pod>
  /** Called at every change of a Pod. */
  waiters: Set<() => void>
}

export async function openScoreWorld(options: Omit<ScoreWorld, 'pods' | 'waiters'>): Promise<ScoreWorld> {
  const waiters = new Set<() => void>()
  const { client, clock, signal } = options
  const onChange = () => waiters.forEach((wake) => wake())
  const pods = await mirror(client, Pod, { where: { namespace: scorecardNamespace }, clock, signal, onChange })
  return { ...options, pods, waiters }
}

/** `spec` without containers gets one that runs `command` with /bin/sh. */
export interface Wanted {
  name: string
  className: string
  script: string
  spec?: Record<string, unknown>
  container?: Record<string, unknown>
}

export const startPod = ({ client, image }: ScoreWorld, { name, className, script, spec, container }: Wanted): Promise<Pod> => {
  const main = { name: 'main', image, command: ['/bin/sh', '-c', script], ...container }
  const fields = {
    metadata: { name, namespace: scorecardNamespace },
    spec: {
      ...{ runtimeClassName: className, restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [main] },
      ...spec,
    },
  }
  return client.create(Pod, Pod.decode(fields, { unknown: [] }))
}

/** Until `done` says so; rejects with what is known of the Pod when it takes too long. */
export async function whenPod(world: ScoreWorld, name: string, done: (pod: Pod) => boolean, withinMs = 40_000): Promise<Pod> {
  const { pods, waiters, clock, signal } = world
  const late = clock.now() + withinMs
  for (;;) {
    const pod = pods.get({ namespace: scorecardNamespace, name })
    if (pod && done(pod)) return pod
    if (signal.aborted) throw new Error('interrupted')
    if (clock.now() >= late) throw new Error(await whyNot(world, name, pod))
    await changed(waiters, clock, late - clock.now())
  }
}

function changed(waiters: ScoreWorld['waiters'], clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(Math.min(ms, 1000), () => wake())
    const wake = () => {
      cancel()
      waiters.delete(wake)
      resolve()
    }
    waiters.add(wake)
  })
}

/** The last complaint about it. */
async function whyNot({ client }: ScoreWorld, name: string, pod: Pod | undefined): Promise<string> {
  const { items } = await client.list(Event, { namespace: scorecardNamespace, fieldSelector: `involvedObject.name=${name}` })
  const complaint = items.filter(({ type }) => type === 'Warning').at(-1)
  if (complaint) return `${complaint.reason}: ${complaint.message}`
  return `it is ${pod?.status.phase ?? 'gone'} and nobody says why`
}

export const isOver = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'
export const isRunning = ({ status }: Pod): boolean => status.containerStatuses?.every(({ state }) => state?.running) ?? false
export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false

/** How its first container ended. */
export const endOf = ({ status }: Pod) => status.containerStatuses?.[0]?.state?.terminated

/** Runs a Pod to its end and returns its termination message. Rejects when it fails. */
export async function messageOf(world: ScoreWorld, wanted: Wanted, withinMs?: number): Promise<string> {
  await startPod(world, wanted)
  try {
    const pod = await whenPod(world, wanted.name, isOver, withinMs)
    const end = endOf(pod)
    if (pod.status.phase === 'Failed' && (end?.exitCode ?? 1) !== 0)
      throw new Error(`exit code ${end?.exitCode ?? 'unknown'}: ${end?.message ?? pod.status.message ?? end?.reason ?? ''}`)
    return end?.message ?? ''
  } finally {
    await removePod(world, wanted.name)
  }
}

export async function removePod(world: ScoreWorld, name: string): Promise<void> {
  const ref = { namespace: scorecardNamespace, name }
  await world.client.delete(Pod, ref).catch(() => undefined)
  const { pods, waiters, clock } = world
  for (let tries = 0; tries < 30 && pods.get(ref); tries++) await changed(waiters, clock, 1000)
}
