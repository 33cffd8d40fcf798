// The scheduler: one Pod after the other gets a node, or a reason why not.
import { eventRecorder } from '../client/event-recorder.ts'
import type { Client } from '../client/client.ts'
import { type Mirrors, mirrorsOf } from '../client/mirrors.ts'
import type { NodeCounts } from '../ledger/check.ts'
import type { Clock } from '../lib/clock.ts'
import { woken } from '../lib/scope.ts'
import { decide, type DecideOptions, enoughNodes, isPlaced } from '../placement/decide.ts'
import { defaultProfile } from '../placement/default-profile.ts'
import { memory } from '../placement/memory.ts'
import { nodeCounts } from '../placement/node-counts.ts'
import type { PodNeed } from '../placement/pod-need.ts'
import { upstreamProfile } from '../placement/upstream-profile.ts'
import { bindPod } from './bind.ts'
import { follow } from './follow.ts'
import { giveUpOrPreempt } from './preempt.ts'
import { podQueue, type PodQueue } from './queue.ts'
import { roomFinder } from './room.ts'
import { knownWorld, snapshot } from './snapshot.ts'
import type { SchedulerWorld } from './world.ts'

export interface SchedulerOptions {
  client: Client
  clock: Clock
  /** Default: its own. */
  mirrors?: Mirrors | undefined
  /** `upstream` does not look at runtime handlers. Default `default`. */
  profile?: 'default' | 'upstream' | undefined
  /** spec.schedulerName of the Pods that are ours; default `default-scheduler`. */
  name?: string | undefined
  log?: ((line: string, cause?: unknown) => void) | undefined
  /** Gets a look at what is counted, once everything that exists is known. */
  observe?: ((seen: SchedulerSeen) => void) | undefined
  /** Breaks ties: 0 to 1. */
  random?: (() => number) | undefined
}

/** The live scheduler, for the ledger's check and for metrics. */
export interface SchedulerSeen {
  nodeCounts: () => NodeCounts[]
  pending: () => ReturnType<PodQueue['counts']>
}

/** So many bindings and status writes are under way at most. */
const maxWrites = 64
/** After looking at so many nodes the rest of the process gets a turn: a few milliseconds. */
const nodesPerTurn = 20_000

/** Places Pods until `signal` aborts, then finishes the writes that are under way. Server failures are survived. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, name = 'default-scheduler', log = () => {}, random = Math.random } = options
  const writes = boundedWrites(log)
  const profile = options.profile === 'upstream' ? upstreamProfile : defaultProfile
  const [queue, seen] = [podQueue(clock), snapshot()]
  const world: SchedulerWorld = {
    ...{ client, clock, name, log, spawn: writes.spawn, queue, snapshot: seen, profile },
    room: roomFinder(queue, seen, profile),
    events: eventRecorder(client, { component: name, clock }),
  }
  await follow(world, options.mirrors ?? mirrorsOf({ client, clock, signal, log }), signal)
  options.observe?.({ nodeCounts: () => seen.nodes.map(nodeCounts), pending: () => queue.counts() })
  const remembered = memory(profile, seen.journal)
  let examined = 0
  let start = 0
  for (;;) {
    const need = await queue.take(signal)
    if (!need) break
    const looked = place(world, need, { random, start, memory: remembered })
    start += looked
    examined += looked
    if (examined >= nodesPerTurn) {
      examined = 0
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    await writes.free(signal)
  }
  await writes.finished()
}

type Turn = Pick<DecideOptions, 'random' | 'start' | 'memory'>

/** One decision and what follows from it. Returns how many nodes were looked at. */
function place(world: SchedulerWorld, need: PodNeed, { random, start, memory }: Turn): number {
  const { snapshot: seen, queue, profile, log } = world
  const { nodes } = seen
  // k8s: a Pod that is being deleted is not placed any more
  if (need.pod.metadata.deletionTimestamp) {
    queue.remove(need.uid)
    return 0
  }
  try {
    const options = { ...knownWorld(seen), random, start, enough: enoughNodes(nodes.length) }
    const promised = seen.nominatedNode(need.uid)
    const first = promised && decide(need, [promised], profile, options)
    const decision = first && isPlaced(first) ? first : decide(need, nodes, profile, { ...options, memory })
    if (isPlaced(decision)) {
      const { name } = decision.node
      seen.setPod(need, name)
      if (decision.node.nominated.size > 0) world.room.onNode(decision.node)
      if (promised && promised !== decision.node) world.room.onNode(promised)
      world.spawn(() => bindPod(world, need, { ...decision, nodes: nodes.length }))
    } else {
      queue.failed(need.uid, 'unschedulable')
      giveUpOrPreempt(world, need, decision, start ?? 0)
    }
    return decision.examined
  } catch (error) {
    log(`scheduler: cannot place ${need.pod.metadata.namespace}/${need.pod.metadata.name}: ${String(error)}`, error)
    queue.failed(need.uid, 'error')
    return nodes.length
  }
}

function boundedWrites(log: (line: string, cause?: unknown) => void) {
  const running = new Set<Promise<void>>()
  let wake = () => {}
  return {
    spawn: (task: () => Promise<void>): void => {
      const one = task()
        .catch((error: unknown) => log(`scheduler: ${String(error)}`, error))
        .finally(() => {
          running.delete(one)
          wake()
        })
      running.add(one)
    },
    /** Waits until another write may start. */
    async free(signal: AbortSignal): Promise<void> {
      while (running.size >= maxWrites && !signal.aborted) await woken(signal, (w) => (wake = w))
    },
    finished: async (): Promise<void> => void (await Promise.all(running)),
  }
}
