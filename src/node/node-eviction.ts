// Eviction on one node: the signals of its machine (or of its simulated Pods), and the Pods its workers hold.
import { stat } from 'node:fs/promises'
import type { EventRecorder } from '../client/event-recorder.ts'
import { diskGarbage } from './disk-garbage.ts'
import { type Evictor, evictor } from './eviction.ts'
import type { EvictionPolicy } from './eviction-settings.ts'
import { imageFsAt, observe, type PressureCondition } from './eviction-signals.ts'
import { rankVictims } from './eviction-victims.ts'
import { machineUsage } from './machine-usage.ts'
import type { NodeMetrics } from './kubelet-metrics.ts'
import type { NodeObject } from './node-object.ts'
import { podDisks } from './pod-disk.ts'
import { uidOf } from './pod-labels.ts'
import type { NodeStats } from './pod-stats.ts'
import type { PodWorker } from './pod-worker.ts'
import type { PodWorld } from './pod-world.ts'
import { hasStorageLimits, storageExcess } from './storage-limits.ts'

export interface NodeEvictionOptions {
  policy: EvictionPolicy
  world: PodWorld
  events: EventRecorder
  node: NodeObject
  workers: ReadonlyMap<string, PodWorker>
  stats: () => Promise<NodeStats>
  metrics?: NodeMetrics | undefined
  onPressure(conditions: readonly PressureCondition[]): void
}

export function nodeEvictor(options: NodeEvictionOptions): Evictor {
  const { policy, world, events, node, workers, stats } = options
  const { runtime, clock, facts, log } = world
  const imageFs = imageFileSystem(options)
  const garbage = diskGarbage({
    ...{ runtime, clock, log },
    containers: () => [...workers.values()].map(({ memory }) => memory.seen.containers),
  })
  return evictor({
    ...{ policy, clock, events, log },
    node: () => node.current(),
    pods: () =>
      [...workers.values()]
        .filter(({ memory }) => memory.admitted)
        .map((worker) => ({
          pod: worker.memory.pod,
          fail: (failure) => worker.fail(failure),
          isReleased: () => worker.memory.released,
        })),
    async signals() {
      if (facts.simulated) return observe((await stats()).node)
      const pods = await world.cgroups?.memoryOfAll()
      return observe(await machineUsage(facts.dataDir), { pods, imageFs: await imageFsAt(await imageFs.mountpoint()) })
    },
    rank: (threshold, pods) =>
      rankVictims(threshold, pods, {
        stats,
        disks: (of) => podDisks(of, { ...facts, runtime }),
        hasOwnImageFs: () => imageFs.isOwn(),
      }),
    async overLimit(pods) {
      const limited = pods.filter(hasStorageLimits)
      const disks = await podDisks(limited, { ...facts, runtime })
      return limited.flatMap((pod) => {
        const disk = disks.get(uidOf(pod))
        const excess = disk && storageExcess(pod, disk)
        return excess ? [{ pod, ...excess }] : []
      })
    },
    collectGarbage: () => garbage.collect(),
    onEvicted: (signal) => options.metrics?.evicted(signal),
    onConditions: (conditions) => options.onPressure(conditions),
  })
}

/** Asked of the runtime once it answers. */
function imageFileSystem({ world: { runtime, facts } }: NodeEvictionOptions) {
  let mountpoint: string | undefined
  let isOwn = false
  return {
    async mountpoint(): Promise<string | undefined> {
      if (mountpoint !== undefined) return mountpoint
      mountpoint = await runtime.imageFsInfo().then(
        (info) => info?.mountpoint,
        () => undefined,
      )
      const device = (path: string) => stat(path).then(({ dev }) => dev)
      if (mountpoint !== undefined)
        isOwn = await Promise.all([device(mountpoint), device(facts.dataDir)]).then(
          ([images, own]) => images !== own,
          () => false,
        )
      return mountpoint
    },
    isOwn: () => isOwn,
  }
}
