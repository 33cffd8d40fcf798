// Whether a Pod's limits really hold: its cgroup carries them, and its processes are in it. Some runtimes drop them silently.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import { containerResources } from '../ledger/cgroup.ts'
import type { PodCgroups } from './cgroup-fs.ts'
import type { LinuxResources } from './cri/runtime.ts'
import type { PodMemory, PodWorld } from './pod-world.ts'
import { allContainers } from './sandbox-config.ts'
import { cgroupValues, podKey } from './sandbox-start.ts'

/** Where a process is, and what the cgroup of its container says. Paths are from the root of a hierarchy; absent where nobody counts. */
export interface ProcessCgroup {
  paths: { cpu?: string | undefined; memory?: string | undefined }
  values: LinuxResources
}

export interface LimitFacts {
  wanted: LinuxResources
  /** Of the Pod's cgroup; undefined when there is none. */
  found: LinuxResources | undefined
  /** From the root of each hierarchy. */
  podPath: string
  containers: readonly { container: Pick<Container, 'name' | 'resources'>; pid: number; at: ProcessCgroup }[]
}

// a memory limit is held in whole pages
const pageBytes = 4096

/** One line for each limit that does not hold; empty: all do. Pure. */
export function limitFindings({ wanted, found, podPath, containers }: LimitFacts): string[] {
  const limits = wantedLimits(wanted)
  if (limits.length > 0 && !found) return ['the Pod has no cgroup, and so none of its limits']
  const ofPod = limits.flatMap((limit) => missed(limit, found ?? {}, "the Pod's cgroup has"))
  return [...ofPod, ...containers.flatMap((one) => ofContainer(one, limits, podPath))]
}

interface Limit {
  controller: 'cpu' | 'memory'
  value: number
}

const wantedLimits = ({ cpuQuota = 0, memoryLimitInBytes = 0 }: LinuxResources): Limit[] => [
  ...(cpuQuota > 0 ? [{ controller: 'cpu', value: cpuQuota } as const] : []),
  ...(memoryLimitInBytes > 0 ? [{ controller: 'memory', value: memoryLimitInBytes } as const] : []),
]

function missed({ controller, value }: Limit, values: LinuxResources, who: string): string[] {
  const there = controller === 'cpu' ? values.cpuQuota : values.memoryLimitInBytes
  if (there !== undefined && there > 0 && there <= value && value - there < (controller === 'cpu' ? 1 : pageBytes)) return []
  return [`${who} ${controller} limit ${text(controller, there)} in place of ${text(controller, value)}`]
}

const text = (controller: Limit['controller'], value = -1): string =>
  value <= 0 ? 'none' : controller === 'cpu' ? `${value} us` : `${value} bytes`

function ofContainer({ container, pid, at }: LimitFacts['containers'][number], ofPod: Limit[], podPath: string): string[] {
  const own = wantedLimits(containerResources(container))
  const placed = [...new Set([...ofPod, ...own].map(({ controller }) => controller))]
  const strays = placed.filter((controller) => !isWithin(at.paths[controller], podPath))
  const stray = strays.map(
    (controller) =>
      `process ${pid} of container ${container.name} is in ${controller} cgroup ${at.paths[controller] ?? 'none'}, outside of the Pod's`,
  )
  // a sandbox that is one process (gVisor, VMs) lies in the Pod's own cgroup, which holds it as a whole
  const held = own.filter(({ controller }) => !strays.includes(controller) && at.paths[controller] !== podPath)
  return [...stray, ...held.flatMap((limit) => missed(limit, at.values, `the cgroup of container ${container.name} has`))]
}

const isWithin = (path: string | undefined, parent: string): boolean => path === parent || (path ?? '').startsWith(`${parent}/`)

const againAfterMs = 5 * 60_000

/** True once for each container that runs, and every five minutes: somebody may write over the files. */
export function limitsAreDue({ seen, limits }: PodMemory, now: number): boolean {
  const running = seen.containers.filter(({ state }) => state === 'running').map(({ id }) => id)
  if (running.length === 0 || (now < limits.againAt && running.every((id) => limits.checked.has(id)))) return false
  limits.checked = new Set(running)
  limits.againAt = now + againAfterMs
  return true
}

/** Looks at what runs now and records an event `LimitsNotEnforced` about what is wrong. Never rejects. */
export async function checkLimits(world: PodWorld, memory: PodMemory): Promise<void> {
  const { cgroups, facts, events, log } = world
  const { pod } = memory
  if (!cgroups || facts.simulated) return
  try {
    const findings = limitFindings(await limitFacts(world, cgroups, memory))
    if (findings.length > 0) events.event({ pod }, 'Warning', 'LimitsNotEnforced', findings.join('; '))
  } catch (error) {
    log(`cannot check the limits of Pod ${pod.metadata.namespace}/${pod.metadata.name}: ${String(error)}`)
  }
}

async function limitFacts({ runtime }: PodWorld, cgroups: PodCgroups, { pod, seen }: PodMemory): Promise<LimitFacts> {
  const key = podKey(pod)
  const running = seen.containers.filter((c) => c.state === 'running')
  const found = await Promise.all(
    running.map(async ({ id, metadata }) => {
      const container = allContainers(pod).find(({ name }) => name === metadata.name)
      // gone meanwhile: nothing to check
      const pid = (await runtime.containerStatus(id, { verbose: true }).catch(() => undefined))?.pid
      const at = pid === undefined ? undefined : await cgroups.ofProcess(pid, key)
      return container && pid !== undefined && at ? [{ container, pid, at }] : []
    }),
  )
  return {
    wanted: cgroupValues(pod as Pod),
    found: await cgroups.read(key),
    podPath: cgroups.pathOf(key),
    containers: found.flat(),
  }
}
