// Volumes of a Pod: made on the host before its containers, given to containers as mounts, gone without a trace after it.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Mount } from './cri/runtime.ts'
import type { Configs } from './config-source.ts'
import type { DownwardFacts, EnvVar } from './env.ts'

export interface VolumeWorld {
  /** The kubelet's directory: volumes lie in `<dataDir>/pods/<uid>/volumes/kubernetes.io~<plugin>/<name>`. */
  dataDir: string
  configs: Configs
  facts: DownwardFacts
  /** What could not be done as asked and why, once per volume: a note for the log, not an error. */
  log(line: string): void
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
  throw new Error(`not written yet: ${pod.metadata.name} ${world.dataDir}`)
}

/** Unmounts and removes all of the Pod's directory, also what a crashed predecessor left. No containers may run any more. */
export async function unmountVolumes(podUid: string, dataDir: string): Promise<void> {
  throw new Error(`not written yet: ${podUid} ${dataDir}`)
}

/** Uids that have a directory, for finding what no Pod owns any more. */
export async function podsOnDisk(dataDir: string): Promise<string[]> {
  throw new Error(`not written yet: ${dataDir}`)
}

/** Mounts of one container: volumeMounts with subPath and propagation. `env` feeds subPathExpr. Throws ConfigError. */
export async function containerMounts(
  pod: Pod,
  container: Container,
  paths: HostPaths,
  { dataDir, env }: { dataDir: string; env: readonly EnvVar[] },
): Promise<Mount[]> {
  throw new Error(`not written yet: ${pod.metadata.name} ${container.name} ${paths.size} ${dataDir} ${env.length}`)
}
