// The Pods of a node: a worker for each, fed from the API server, the runtime, probes and ConfigMaps.
import { isDeepStrictEqual } from 'node:util'
import { Pod } from '../api/core/pod.ts'
import { type Change, mirror } from '../client/mirror.ts'
import { eventRecorder } from '../client/event-recorder.ts'
import type { NodeCgroups, NodeCounts } from '../ledger/check.ts'
import { cgroupCounts } from './cgroup-counts.ts'
import type { EvictionPolicy } from './eviction-settings.ts'
import type { PressureCondition } from './eviction-signals.ts'
import { nodeEvictor } from './node-eviction.ts'
import type { ContainerEvent } from './cri/runtime.ts'
import type { ServedPod } from './kubelet-server.ts'
import { rotateLog } from './log-rotation.ts'
import { openWorld, type WorldOptions } from './node-world.ts'
import { removeOrphans } from './orphans.ts'
import { uidOf } from './pod-labels.ts'
import { type PodWorker, podWorker } from './pod-worker.ts'
import { type NodeStats, nodeStats, type StatsWorld } from './pod-stats.ts'
import type { PodWorld } from './pod-world.ts'
import { qosShares } from './qos-shares.ts'
import { seePod } from './seen.ts'
import { servedPod } from './served-pod.ts'
import { type NodeTrace, nodeTrace, type TraceOptions } from './trace/node-trace.ts'

export interface NodePods {
  find(namespace: string, name: string): Promise<ServedPod | undefined>
  /** What really runs a Pod, read now. Rejects with RuntimeError when the runtime cannot be asked. */
  trace(namespace: string, name: string, options: TraceOptions): Promise<NodeTrace | undefined>
  runtimeSaid(event: ContainerEvent): void
  /** It came back, offers other handlers, or may have said something that nobody heard. */
  runtimeChanged(): void
  /** Of the node and its Pods, measured now. Rejects with RuntimeError when the runtime cannot be asked. */
  stats(): Promise<NodeStats>
  /** What the kubelet counts, and what the files of its Pods' cgroups say; undefined where it makes none. */
  counts(): NodeCounts
  cgroups(): Promise<NodeCgroups | undefined>
  readonly ended: Promise<unknown>
}

const relistEveryMs = 60_000
const rotateEveryMs = 10_000

interface Pods {
  options: WorldOptions
  signal: AbortSignal
  world: PodWorld
  /** By uid. */
  workers: Map<string, PodWorker>
  /** Orphans are being removed. */
  cleaning: Promise<void> | undefined
  /** Called when the Pods of the node are others. */
  share: (pods: readonly Pod[]) => Promise<void>
}

export interface PodsOptions extends Omit<WorldOptions, 'events'> {
  /** Undefined: nothing is evicted here. */
  policy: EvictionPolicy | undefined
  onPressure(conditions: readonly PressureCondition[]): void
}

export async function openPods(given: PodsOptions, signal: AbortSignal): Promise<NodePods> {
  const { client, clock, name, log } = given
  const options = { ...given, events: eventRecorder(client, { component: 'kubelet', host: name, clock }) }
  const workers = new Map<string, PodWorker>()
  const opened = await openWorld(options, signal, workers)
  const stats = () => nodeStats(statsWorld(opened, workers))
  const evictor = given.policy && nodeEvictor({ ...options, policy: given.policy, world: opened, workers, stats })
  const admit: PodWorld['admit'] = async (pod) => {
    const refused = evictor?.refusal(pod) ?? (await opened.admit(pod))
    if (refused) options.metrics?.rejected(refused.reason)
    return refused
  }
  const world: PodWorld = { ...opened, admit }
  const share = qosShares(world.cgroups, log)
  const pods: Pods = { options, signal, world, workers, cleaning: undefined, share }
  const where = { fieldSelector: `spec.nodeName=${name}` }
  const onError = (error: unknown) => log(`node ${name} cannot follow its Pods: ${String(error)}`)
  const listed = await mirror(client, Pod, { where, clock, signal, onError, onChange: (change) => podChanged(pods, change) })
  clean(pods)
  const relist = every(pods, relistEveryMs, () => {
    wakeAll(pods)
    clean(pods)
    void pods.share(podsOf(pods))
  })
  const rotate = every(pods, rotateEveryMs, () => void rotateLogs(pods))
  const lookAt = async (namespace: string, podName: string) => {
    const pod = listed.get({ namespace, name: podName })
    const memory = pod && workers.get(uidOf(pod))?.memory
    const seen = memory && (await seePod(world.runtime, { uid: uidOf(pod), owner: world.facts.owner }, memory.sight))
    return seen && { memory, seen }
  }
  return {
    async find(namespace, podName) {
      const found = await lookAt(namespace, podName)
      return found && servedPod(found.memory, found.seen, world.runtime)
    },
    async trace(namespace, podName, options) {
      const found = await lookAt(namespace, podName)
      return found && nodeTrace(world, { pod: found.memory.pod, seen: found.seen }, options)
    },
    stats,
    counts: () => world.counts(),
    cgroups: async () => world.cgroups && cgroupCounts(name, world.cgroups),
    // what a worker does itself wakes it when it is done; an end may come from anywhere
    runtimeSaid: ({ type, podUid }) => void (type === 'stopped' && workers.get(podUid)?.wake()),
    runtimeChanged() {
      for (const worker of workers.values()) worker.hurry()
      clean(pods)
    },
    ended: Promise.all([relist, rotate, evictor?.run(signal)]).then(async () => {
      await Promise.all([...workers.values()].map((w) => w.ended))
      await pods.cleaning
      world.prober.close()
      world.configs.close()
    }),
  }
}

async function every({ options, signal }: Pods, ms: number, work: () => void): Promise<void> {
  while (!signal.aborted) {
    await options.clock.sleep(ms, signal)
    if (!signal.aborted) work()
  }
}

function wakeAll({ workers }: Pods): void {
  for (const worker of workers.values()) worker.wake()
}

function podChanged(pods: Pods, change: Change<Pod>): void {
  const { workers, world } = pods
  const { object } = change
  const uid = uidOf(object)
  const worker = workers.get(uid)
  // once its worker is there; Pods that go are left to the relist
  if (change.type === 'ADDED') queueMicrotask(() => void pods.share(podsOf(pods)))
  if (change.type === 'DELETED') {
    worker?.update(object, true)
    return worker?.gone()
  }
  if (worker) return worker.update(object, change.type === 'MODIFIED' && isEcho(change, world))
  const started = podWorker(object, world)
  workers.set(uid, started)
  void started.ended.then(() => workers.delete(uid))
}

const statsWorld = (world: PodWorld, workers: ReadonlyMap<string, PodWorker>): StatsWorld => ({
  ...world,
  ...world.facts,
  pods: () =>
    [...workers.values()].map(({ memory: { pod, seen } }) => ({
      pod,
      ids: [...seen.sandboxes, ...seen.containers].map(({ id }) => id),
    })),
})

const podsOf = ({ workers }: Pods): Pod[] => [...workers.values()].map(({ memory }) => memory.pod)

/** Only our own status write coming back. */
function isEcho({ object, old }: Change<Pod> & { type: 'MODIFIED' }, { statuses }: PodWorld): boolean {
  const plain = ({ metadata: { resourceVersion: _v, managedFields: _m, ...rest } }: Pod) => rest
  return (
    isDeepStrictEqual(object.spec, old.spec) &&
    isDeepStrictEqual(plain(object), plain(old)) &&
    isDeepStrictEqual(object.status, statuses.wanted(uidOf(object)))
  )
}

function clean(pods: Pods): void {
  const { world, workers, signal } = pods
  const { runtime, facts, cgroups, log } = world
  if (pods.cleaning || signal.aborted) return
  const { owner, dataDir, logRoot } = facts
  const isKnown = (uid: string) => workers.has(uid)
  pods.cleaning = removeOrphans({ runtime, owner, dataDir, logRoot, cgroups, isKnown, log })
    .catch((error: unknown) => {
      if (!signal.aborted) log(`cannot look for what Pods have left: ${String(error)}`)
    })
    .finally(() => (pods.cleaning = undefined))
}

async function rotateLogs({ workers, world }: Pods): Promise<void> {
  const running = [...workers.values()].flatMap(({ memory }) => memory.seen.containers.filter((c) => c.state === 'running'))
  for (const container of running)
    if (container.logPath !== '')
      await rotateLog(container, world).catch((error: unknown) =>
        world.log(`cannot rotate ${container.logPath}: ${String(error)}`),
      )
}
