// Measures Pods by the resource a threshold is about, and puts them in the order in which they go.
import type { Pod } from '../api/core/pod.ts'
import { type Consumer, rankByProcesses, rankByUsage } from '../ledger/eviction-rank.ts'
import type { Used } from './eviction-message.ts'
import type { Threshold } from './eviction-settings.ts'
import { resourceOf } from './eviction-signals.ts'
import { containerTotal, type DiskUse, type PodDisk, sumOf, totalOf } from './pod-disk.ts'
import { uidOf } from './pod-labels.ts'
import type { NodeStats } from './pod-stats.ts'
import { allContainers } from './sandbox-config.ts'

export interface Measured {
  pod: Pod
  containers: Used[]
}

export interface Measures {
  stats(): Promise<NodeStats>
  disks(pods: readonly Pod[]): Promise<Map<string, PodDisk>>
  /** Images and what containers write lie on another file system than the rest of Pods. */
  hasOwnImageFs(): boolean
}

interface Use {
  used: number | undefined
  containers: Used[]
}

/** First to go first. Rejects when nothing can be measured. */
export async function rankVictims(threshold: Threshold, pods: readonly Pod[], measures: Measures): Promise<Measured[]> {
  const uses = await usesOf(threshold, pods, measures)
  const consumers = pods.map((pod): Consumer => ({ pod, used: uses.get(uidOf(pod))?.used }))
  const resource = resourceOf[threshold.signal]
  const ranked = resource === 'pids' ? rankByProcesses(consumers) : rankByUsage(consumers, resource)
  return ranked.map((pod) => ({ pod, containers: uses.get(uidOf(pod))?.containers ?? [] }))
}

async function usesOf({ signal }: Threshold, pods: readonly Pod[], measures: Measures): Promise<Map<string, Use>> {
  const resource = resourceOf[signal]
  if (resource === 'memory' || resource === 'pids') {
    const { pods: stats } = await measures.stats()
    return new Map(
      stats.map(({ uid, memoryWorkingSetBytes, processes, containers }): [string, Use] => {
        if (resource === 'pids') return [uid, { used: processes, containers: [] }]
        const used = containers.map((c) => ({ name: c.name, used: c.memoryWorkingSetBytes }))
        return [uid, { used: memoryWorkingSetBytes, containers: used }]
      }),
    )
  }
  const disks = await measures.disks(pods)
  const unit = (use: DiskUse) => (resource === 'inodes' ? use.inodes : use.bytes)
  // k8s: on a file system of its own, images' is eased by what containers wrote, the node's by all the rest
  const part = (disk: PodDisk): PodDisk =>
    !measures.hasOwnImageFs()
      ? disk
      : signal.startsWith('imagefs')
        ? { ...disk, volumes: new Map(), logs: new Map() }
        : { ...disk, written: new Map() }
  return new Map(
    pods.flatMap((pod): [string, Use][] => {
      const found = disks.get(uidOf(pod))
      if (!found) return []
      const disk = part(found)
      const containers = allContainers(pod).map(({ name }) => ({ name, used: unit(containerTotal(disk, name)) }))
      return [[uidOf(pod), { used: unit(sumOf([totalOf(disk)])), containers }]]
    }),
  )
}
