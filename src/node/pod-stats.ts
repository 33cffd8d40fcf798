// What the node and its Pods use, containers apart from what their sandboxes cost.
import type { Pod } from '../api/core/pod.ts'
import { type QosClass, qosClass } from '../api/core/qos.ts'
import type { Clock } from '../lib/clock.ts'
import { groupBy } from '../lib/group-by.ts'
import type { PodCgroups } from './cgroup-fs.ts'
import type { CgroupUsage } from './cgroup-usage.ts'
import type { ContainerUsage, Runtime } from './cri/runtime.ts'
import { sandboxUsageWishes } from './cri/sim-wishes.ts'
import { type MachineUsage, machineUsage } from './machine-usage.ts'
import { containerNameLabel, podUidLabel, uidOf } from './pod-labels.ts'
import { type ProcessUsage, runtimeProcesses } from './runtime-processes.ts'

export interface Usage {
  /** Since the thing started. */
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
}

/** Usage of the Pod's cgroup: its containers and what else is in it. Where Pods have no cgroups, of its containers. */
export interface PodStats extends Usage {
  namespace: string
  name: string
  uid: string
  /** In no container: the rest of the Pod's cgroup, and the runtime's own processes outside of it (the shim). */
  sandbox: Usage
  /** Those that run. */
  containers: (Usage & { name: string })[]
  /** Tasks in the Pod's cgroup; 0 when nobody counts. */
  processes: number
}

export interface NodeStats {
  node: MachineUsage
  pods: PodStats[]
  /** Milliseconds since the epoch: when it was asked for. */
  at: number
}

export interface StatsWorld {
  clock: Clock
  runtime: Pick<Runtime, 'usage'>
  cgroups: Pick<PodCgroups, 'usage'> | undefined
  /** Its file system is the node's. */
  dataDir: string
  /** Nothing is asked of the machine: Pods use what their annotations say, and the node what its Pods use. */
  simulated: boolean
  memoryCapacityBytes: number
  /** Pods of the node, and the ids the runtime gave their sandboxes and containers. */
  pods(): readonly { pod: Pod; ids: readonly string[] }[]
}

/** Measured now. Rejects with RuntimeError when the runtime cannot be asked. Pods that run nothing are left out. */
export async function nodeStats(world: StatsWorld): Promise<NodeStats> {
  const at = world.clock.now()
  const present = world.pods()
  const [usage, processes, cgroups] = await Promise.all([
    world.runtime.usage(),
    world.simulated ? new Map<string, ProcessUsage>() : runtimeProcesses(podOfIds(present)),
    Promise.all(present.map(async ({ pod }) => world.cgroups?.usage({ uid: uidOf(pod), qos: qosOf(pod) }))),
  ])
  const byPod = groupBy(usage, ({ labels }) => labels[podUidLabel] ?? '')
  const pods = present.flatMap(({ pod }, i) => {
    const containers = containersOf(byPod.get(uidOf(pod)) ?? [])
    const cgroup = cgroups[i]
    if (containers.length === 0 && !cgroup) return []
    const outside = world.simulated ? simulatedSandbox(pod, at) : processes.get(uidOf(pod))
    return [podStats(pod, { containers, cgroup, outside })]
  })
  return { at, pods, node: world.simulated ? simulatedNode(world, pods) : await machineUsage(world.dataDir) }
}

const qosOf = (pod: Pod): QosClass => (pod.status.qosClass as QosClass | undefined) ?? qosClass(pod)

const podOfIds = (pods: readonly { pod: Pod; ids: readonly string[] }[]): Map<string, string> =>
  new Map(pods.flatMap(({ pod, ids }) => ids.map((id): [string, string] => [id, uidOf(pod)])))

/** One per name: of a container that was started anew, the one that uses memory. */
function containersOf(all: readonly ContainerUsage[]): PodStats['containers'] {
  const found = new Map<string, PodStats['containers'][number]>()
  for (const { labels, cpuNanoseconds, memoryWorkingSetBytes } of all) {
    const name = labels[containerNameLabel] ?? ''
    const other = found.get(name)
    if (!other || other.memoryWorkingSetBytes < memoryWorkingSetBytes)
      found.set(name, { name, cpuNanoseconds, memoryWorkingSetBytes })
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

interface Measured {
  containers: PodStats['containers']
  cgroup: CgroupUsage | undefined
  outside: Usage | undefined
}

const sum = (all: readonly Usage[]): Usage => ({
  cpuNanoseconds: all.reduce((total, one) => total + one.cpuNanoseconds, 0),
  memoryWorkingSetBytes: all.reduce((total, one) => total + one.memoryWorkingSetBytes, 0),
})

/** The two files are read a moment apart: a container may seem to use more than its Pod. */
const less = (a: Usage, b: Usage): Usage => ({
  cpuNanoseconds: Math.max(0, a.cpuNanoseconds - b.cpuNanoseconds),
  memoryWorkingSetBytes: Math.max(0, a.memoryWorkingSetBytes - b.memoryWorkingSetBytes),
})

const nothing: Usage = { cpuNanoseconds: 0, memoryWorkingSetBytes: 0 }

function podStats(pod: Pod, { containers, cgroup, outside = nothing }: Measured): PodStats {
  const inContainers = sum(containers)
  const { cpuNanoseconds, memoryWorkingSetBytes } = cgroup ?? inContainers
  const { namespace = '', name } = pod.metadata
  return {
    ...{ namespace, name, uid: uidOf(pod), cpuNanoseconds, memoryWorkingSetBytes, containers },
    sandbox: sum([less({ cpuNanoseconds, memoryWorkingSetBytes }, inContainers), outside]),
    processes: cgroup?.processes ?? 0,
  }
}

function simulatedSandbox(pod: Pod, now: number): Usage {
  const { cpuMillicores, memoryBytes } = sandboxUsageWishes(pod.metadata.annotations ?? {})
  const { startTime } = pod.status
  const ranMs = startTime === undefined ? 0 : Math.max(0, now - Date.parse(startTime))
  return { cpuNanoseconds: Math.round(ranMs * cpuMillicores * 1000), memoryWorkingSetBytes: memoryBytes }
}

function simulatedNode({ memoryCapacityBytes }: StatsWorld, pods: readonly PodStats[]): MachineUsage {
  const { cpuNanoseconds, memoryWorkingSetBytes } = sum(pods.flatMap(({ containers, sandbox }) => [...containers, sandbox]))
  return {
    ...{ cpuNanoseconds, memoryWorkingSetBytes, memoryCapacityBytes },
    memoryAvailableBytes: Math.max(0, memoryCapacityBytes - memoryWorkingSetBytes),
    fs: { capacityBytes: 0, availableBytes: 0, inodes: 0, inodesFree: 0 },
    pids: { max: 0, current: 0 },
  }
}
