// What Pods keep on the node's disk: volumes of their own, logs, and what containers wrote over their images.
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../api/core/pod.ts'
import type { ContainerUsage, Runtime } from './cri/runtime.ts'
import { containerNameLabel, logDirectoryName, podUidLabel, uidOf } from './pod-labels.ts'
import { podPaths } from './pod-paths.ts'

export interface DiskUse {
  bytes: number
  inodes: number
}

export interface PodDisk {
  /** emptyDir volumes on disk, by name. Those in memory are the Pod's memory. */
  volumes: Map<string, DiskUse>
  logs: Map<string, DiskUse>
  written: Map<string, DiskUse>
}

export interface DiskWorld {
  runtime: Pick<Runtime, 'usage'>
  dataDir: string
  logRoot: string
}

/** By Pod uid. cost: walks every file of the Pods asked for. */
export async function podDisks(pods: readonly Pod[], world: DiskWorld): Promise<Map<string, PodDisk>> {
  const found = new Map<string, PodDisk>()
  if (pods.length === 0) return found
  const usage = await world.runtime.usage()
  for (const pod of pods) found.set(uidOf(pod), await podDisk(pod, usage, world))
  return found
}

async function podDisk(pod: Pod, usage: readonly ContainerUsage[], { dataDir, logRoot }: DiskWorld): Promise<PodDisk> {
  const disk: PodDisk = { volumes: new Map(), logs: new Map(), written: new Map() }
  const paths = podPaths(dataDir, uidOf(pod))
  for (const { name, emptyDir } of pod.spec.volumes ?? [])
    if (emptyDir && emptyDir.medium !== 'Memory') disk.volumes.set(name, await diskUse(paths.volume('empty-dir', name)))
  const logs = join(logRoot, logDirectoryName(pod))
  for (const container of await readdir(logs).catch(() => [])) disk.logs.set(container, await diskUse(join(logs, container)))
  for (const { labels, written } of usage)
    if (written && labels[podUidLabel] === uidOf(pod)) disk.written.set(labels[containerNameLabel] ?? '', written)
  return disk
}

/** Of a folder with all below it, as `du` counts: blocks really taken, a file with several names once. Missing is nothing. */
export async function diskUse(path: string): Promise<DiskUse> {
  const use: DiskUse = { bytes: 0, inodes: 0 }
  const linked = new Set<number>()
  const visit = async (at: string): Promise<void> => {
    // files come and go while one looks
    const stat = await lstat(at).catch(() => undefined)
    if (!stat || (stat.nlink > 1 && !stat.isDirectory() && linked.has(stat.ino))) return
    if (!stat.isDirectory()) linked.add(stat.ino)
    use.bytes += stat.blocks * 512
    use.inodes += 1
    if (!stat.isDirectory()) return
    for (const name of await readdir(at).catch(() => [])) await visit(join(at, name))
  }
  await visit(path)
  return use
}

export const sumOf = (all: Iterable<DiskUse>): DiskUse => {
  const total: DiskUse = { bytes: 0, inodes: 0 }
  for (const { bytes, inodes } of all) {
    total.bytes += bytes
    total.inodes += inodes
  }
  return total
}

/** What counts against ephemeral-storage. */
export const totalOf = ({ volumes, logs, written }: PodDisk): DiskUse =>
  sumOf([...volumes.values(), ...logs.values(), ...written.values()])

export const containerTotal = ({ logs, written }: PodDisk, container: string): DiskUse =>
  sumOf([logs, written].flatMap((each) => each.get(container) ?? []))
