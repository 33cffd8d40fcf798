// Cgroups of Pods: kubepods, its QoS levels, and one per Pod that carries the Pod's limits, overhead included.
import type { QosClass } from '../api/core/qos.ts'
import type { LinuxResources } from './cri/runtime.ts'

export type CgroupDriver = 'cgroupfs' | 'systemd'

export interface PodCgroupsOptions {
  /** Default /sys/fs/cgroup. */
  mount?: string | undefined
  /** Path of the node's own cgroup within each hierarchy, such as `polypod-1a2b`; empty: kubepods lies at the root. */
  root: string
  driver: CgroupDriver
  /** What could not be done and why, each thing once. */
  log: (line: string) => void
}

export interface PodKey {
  uid: string
  qos: QosClass
}

export interface PodCgroups {
  readonly version: 'v1' | 'v2' | 'hybrid'
  /** CRI LinuxPodSandboxConfig.cgroup_parent. */
  parentFor(pod: PodKey): string
  /** Makes the Pod's cgroup (and those above it) and writes its values; again with other values resizes it. */
  ensure(pod: PodKey, values: LinuxResources): Promise<void>
  /** Shares of the burstable level, in milli-CPUs requested by all its Pods. */
  setBurstable(requestedMilliCpu: number): Promise<void>
  /** What the files say; undefined when there is no such cgroup. */
  read(pod: PodKey): Promise<LinuxResources | undefined>
  /** Removes the Pod's cgroup with all below it; processes still in it are killed. */
  remove(pod: PodKey): Promise<void>
  /** Uids with a cgroup under kubepods. */
  list(): Promise<PodKey[]>
  /** Removes kubepods with all below it. */
  removeAll(): Promise<void>
}

export async function podCgroups(options: PodCgroupsOptions): Promise<PodCgroups> {
  throw new Error(`not written yet: ${Object.keys(options).join()}`)
}
