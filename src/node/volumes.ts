// Volumes of a Pod: made on the host before its containers, given to containers as mounts, gone without a trace after it.
import { readdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Volume } from '../api/core/volume.ts'
import type { Configs } from './config-source.ts'
import type { Mount, MountPropagation } from './cri/runtime.ts'
import type { DownwardFacts } from './downward.ts'
import { ConfigError, type EnvVar, expand } from './env.ts'
import { type PodPaths, podPaths, podsDirOf, type VolumePlugin } from './pod-paths.ts'
import { writeAtomically } from './volume/atomic-writer.ts'
import { makeEmptyDir } from './volume/empty-dir.ts'
import { hostPathOf } from './volume/host-path.ts'
import { mountsUnder, unmount } from './volume/mount-table.ts'
import { payloadOf } from './volume/payload.ts'
import { prepareSubPath } from './volume/sub-path.ts'

export interface VolumeWorld {
  /** The kubelet's directory: volumes lie in `<dataDir>/pods/<uid>/volumes/kubernetes.io~<plugin>/<name>`. */
  dataDir: string
  configs: Configs
  facts: DownwardFacts
  /** What could not be done as asked and why: a note for the log, not an error. */
  log: (line: string) => void
  /** No container will look: nothing is mounted, and the machine's own paths are neither looked at nor made. */
  simulated?: boolean | undefined
}

/** Why volumes could not be mounted: event FailedMount with this message; the Pod stays in ContainerCreating, try again. */
export class VolumeError extends Error {
  override name = 'VolumeError'
  readonly reason = 'FailedMount'
}

/** Volume name to its directory (or file, for some hostPaths) on the host. */
export type HostPaths = ReadonlyMap<string, string>

/**
 * Makes or updates every volume of `pod`; safe to call again at any time (contents of configMap, secret, downwardAPI and projected
 * volumes are brought up to date then). Throws VolumeError naming all that failed.
 */
export async function mountVolumes(pod: Pod, world: VolumeWorld): Promise<HostPaths> {
  const hostPaths = new Map<string, string>()
  const failures: string[] = []
  for (const volume of pod.spec.volumes ?? []) {
    try {
      hostPaths.set(volume.name, await mountVolume(pod, volume, world))
    } catch (error) {
      failures.push(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`)
    }
  }
  if (failures.length > 0) throw new VolumeError(failures.join('; '))
  return hostPaths
}

/** Whether volumes show something of the Pod that has changed between the two: its labels and annotations. */
export function showsChange(old: Pod, newer: Pod): boolean {
  const ofPod = newer.spec.volumes?.some(
    ({ downwardAPI, projected }) => downwardAPI ?? projected?.sources?.some((s) => s.downwardAPI),
  )
  if (!ofPod) return false
  const shown = ({ metadata: { labels, annotations } }: Pod) => ({ labels, annotations })
  return !isDeepStrictEqual(shown(old), shown(newer))
}

const writtenBy = { configMap: 'configmap', secret: 'secret', downwardAPI: 'downward-api', projected: 'projected' } as const

async function mountVolume(pod: Pod, volume: Volume, world: VolumeWorld): Promise<string> {
  const paths = podPaths(world.dataDir, pod.metadata.uid ?? '')
  const group = isRoot() ? pod.spec.securityContext?.fsGroup : undefined
  if (volume.hostPath) return world.simulated ? volume.hostPath.path : hostPathOf(volume.hostPath)
  if (volume.emptyDir) {
    const path = paths.volume('empty-dir', volume.name)
    const nodeMemory = world.facts.nodeAllocatable['memory']
    await makeEmptyDir(pod, volume.emptyDir, { path, group, nodeMemory, log: world.log, simulated: world.simulated })
    return path
  }
  const payload = await payloadOf(pod, volume, world)
  const plugin = pluginOf(volume)
  if (!payload || !plugin) throw new Error(unsupported(volume))
  const path = paths.volume(plugin, volume.name)
  await writeAtomically(path, payload, group)
  return path
}

const isRoot = (): boolean => process.geteuid?.() === 0

const pluginOf = (volume: Volume): VolumePlugin | undefined =>
  Object.entries(writtenBy).find(([source]) => volume[source as keyof typeof writtenBy])?.[1]

function unsupported(volume: Volume): string {
  const source = Object.keys(volume).find((key) => key !== 'name' && volume[key as keyof Volume] !== undefined)
  return `no volume plugin matched: ${source ?? 'a volume without a source'} is not supported by this node`
}

/** Unmounts and removes all of the Pod's directory, also what a crashed predecessor left. No containers may run any more. */
export async function unmountVolumes(podUid: string, dataDir: string): Promise<void> {
  // an empty uid would name the folder of all Pods
  if (podUid === '' || podUid.includes('/') || podUid === '..') throw new VolumeError(`bad Pod uid ${JSON.stringify(podUid)}`)
  // mount tables know no symlinks, and what is not unmounted would be emptied below
  const podsDir = await realpath(podsDirOf(dataDir)).catch(() => undefined)
  if (podsDir === undefined) return
  const dir = join(podsDir, podUid)
  for (const { path } of (await mountsUnder(dir)).reverse()) await unmount(path)
  // never reach through a mount that would not go: it may be the machine's own folder
  const left = await mountsUnder(dir)
  if (left.length > 0) throw new VolumeError(`still mounted: ${left.map(({ path }) => path).join(', ')}`)
  await rm(dir, { recursive: true, force: true })
}

/** Of every Pod: when a node is taken down. What will not go is logged, and left. */
export async function unmountAllVolumes(dataDir: string, log: (line: string) => void): Promise<void> {
  for (const uid of await podsOnDisk(dataDir))
    await unmountVolumes(uid, dataDir).catch((error: unknown) => log(`cannot remove volumes of Pod ${uid}: ${String(error)}`))
}

/** Uids that have a directory, for finding what no Pod owns any more. */
export const podsOnDisk = (dataDir: string): Promise<string[]> => readdir(podsDirOf(dataDir)).catch(() => [])

interface MountContext {
  dataDir: string
  env: readonly EnvVar[]
  /** As VolumeWorld's. */
  simulated?: boolean | undefined
}

/** Mounts of one container: volumeMounts with subPath and propagation. `env` feeds subPathExpr. Throws ConfigError. */
export async function containerMounts(
  pod: Pod,
  container: Container,
  hostPaths: HostPaths,
  { dataDir, env, simulated }: MountContext,
): Promise<Mount[]> {
  const paths = podPaths(dataDir, pod.metadata.uid ?? '')
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = hostPaths.get(mount.name)
    if (volume === undefined)
      throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`)
    const subPath = mount.subPathExpr ? expandedSubPath(mount.subPathExpr, env) : (mount.subPath ?? '')
    const target = paths.subPath(mount.name, container.name, index)
    const hostPath = subPath === '' ? volume : await prepared({ volume, subPath, target, simulated }, mount.name, container.name)
    const { mountPropagation = 'None', recursiveReadOnly = 'Disabled' } = mount
    // k8s: what the kubelet writes is read-only for containers, whatever they ask
    const readonly = mount.readOnly === true || isWritten(volume, paths)
    mounts.push({
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      hostPath,
      readonly,
      propagation: propagations[mountPropagation] ?? 'private',
      ...(recursiveReadOnly === 'Enabled' ? { recursiveReadOnly: true } : {}),
    })
  }
  return mounts
}

const propagations: Record<string, MountPropagation> = {
  None: 'private',
  HostToContainer: 'hostToContainer',
  Bidirectional: 'bidirectional',
}

const isWritten = (path: string, paths: PodPaths): boolean =>
  Object.values(writtenBy).some((plugin) => path.startsWith(paths.volume(plugin, '')))

async function prepared(subPath: Parameters<typeof prepareSubPath>[0], volume: string, container: string): Promise<string> {
  try {
    return await prepareSubPath(subPath)
  } catch (cause) {
    const why = (cause as Error).message
    throw new ConfigError(`failed to prepare subPath for volumeMount "${volume}" of container "${container}": ${why}`, { cause })
  }
}

function expandedSubPath(expression: string, env: readonly EnvVar[]): string {
  const missing = [...expression.replaceAll('$$', '').matchAll(/\$\((?<name>[^)]+)\)/g)].find(
    ({ groups }) => !env.some(({ name }) => name === groups?.['name']),
  )
  if (missing) throw new ConfigError(`missing value for "${missing.groups?.['name']}"`)
  return expand(expression, env)
}
