// A Pod that is there to be measured: made through CRI alone, so that nothing but the runtime is timed, in a Pod cgroup as a kubelet makes it.
import type { Clock } from '../../lib/clock.ts'
import type { PodCgroups, PodKey } from '../cgroup-fs.ts'
import type { ContainerConfig, Mount, Runtime, SandboxConfig } from '../cri/runtime.ts'
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from '../pod-labels.ts'

/** On sandboxes that are measured, and on nothing else: kubelets leave them alone. Its value is the cluster's own name, as runtimes are shared. */
export const measuredLabel = 'polypod.dev/measured-by'

export interface BenchWorld {
  runtime: Runtime
  /** The cluster's own name on this machine. */
  owner: string
  clock: Clock
  /** Undefined: the runtime puts them where it likes, and their cgroups tell nothing. */
  cgroups: PodCgroups | undefined
  /** As the runtime knows it. */
  image: string
  /** Absolute; logs of all of them. */
  logDirectory: string
  log: (line: string) => void
}

/** Milliseconds. */
export interface StartTimes {
  runPodSandbox: number
  createContainer: number
  startContainer: number
}

export interface BenchPod {
  name: string
  handler: string
  sandboxId: string
  containerId: string
  took: StartTimes
}

export interface BenchPodOptions {
  handler: string
  /** Also its uid: no other one at the time may have it, nor one that begins with it. */
  name: string
  command?: readonly string[]
  change?: (sandbox: SandboxConfig, container: ContainerConfig) => void
  mounts?: readonly Mount[]
}

export const podKeyOf = (name: string): PodKey => ({ uid: name, qos: 'BestEffort' })

/** Rejects with RuntimeError; then nothing of it is left. */
export async function startBenchPod(world: BenchWorld, options: BenchPodOptions): Promise<BenchPod> {
  const { runtime, clock, cgroups } = world
  const sandbox = sandboxOf(world, options.name)
  const container = containerOf(world, sandbox, options)
  options.change?.(sandbox, container)
  await cgroups?.ensure(podKeyOf(options.name), { cpuShares: 2 })
  const begun = clock.now()
  let sandboxId: string | undefined
  try {
    sandboxId = await runtime.runSandbox(sandbox, options.handler)
    const created = clock.now()
    const containerId = await runtime.createContainer(sandboxId, container, sandbox)
    const starting = clock.now()
    await runtime.startContainer(containerId)
    const took = {
      runPodSandbox: created - begun,
      createContainer: starting - created,
      startContainer: clock.now() - starting,
    }
    return { name: options.name, handler: options.handler, sandboxId, containerId, took }
  } catch (error) {
    await stopBenchPod(world, { name: options.name, sandboxId })
    throw error
  }
}

/** With its cgroup. What cannot be removed is logged: the next measurement clears it away. */
export async function stopBenchPod(
  { runtime, cgroups, log }: BenchWorld,
  { name, sandboxId }: { name: string; sandboxId: string | undefined },
): Promise<void> {
  try {
    if (sandboxId !== undefined) {
      await runtime.stopSandbox(sandboxId)
      await runtime.removeSandbox(sandboxId)
    }
    await cgroups?.remove(podKeyOf(name))
  } catch (error) {
    log(`cannot remove ${name}: ${String(error)}`)
  }
}

/** What an earlier measurement that was killed has left. */
export async function removeBenchPods(world: BenchWorld): Promise<void> {
  const left = await world.runtime.listSandboxes({ [measuredLabel]: world.owner })
  for (const { id, metadata } of left) await stopBenchPod(world, { name: metadata.uid, sandboxId: id })
  await world.cgroups?.removeAll()
}

const namespaces = { network: 'pod', pid: 'container', ipc: 'pod' } as const

function sandboxOf({ owner, cgroups, logDirectory }: BenchWorld, name: string): SandboxConfig {
  return {
    metadata: { name, uid: name, namespace: 'polypod-measure', attempt: 0 },
    hostname: name.slice(0, 63),
    logDirectory,
    portMappings: [],
    labels: { [podNameLabel]: name, [podNamespaceLabel]: 'polypod-measure', [podUidLabel]: name, [measuredLabel]: owner },
    annotations: {},
    linux: {
      cgroupParent: cgroups?.parentFor(podKeyOf(name)) ?? '',
      sysctls: {},
      security: { namespaces, supplementalGroups: [], privileged: false, seccomp: { type: 'RuntimeDefault' } },
      overhead: {},
      resources: { cpuShares: 2 },
    },
  }
}

function containerOf({ image }: BenchWorld, sandbox: SandboxConfig, { command, mounts, name }: BenchPodOptions): ContainerConfig {
  return {
    metadata: { name: 'main', attempt: 0 },
    ...{ image, userSpecifiedImage: image, command: [...(command ?? ['sleep', 'infinity'])], args: [], workingDir: '' },
    ...{ envs: [], mounts: [...(mounts ?? [])], devices: [], annotations: {} },
    labels: { ...sandbox.labels, [containerNameLabel]: 'main' },
    logPath: `${name}.log`,
    ...{ stdin: false, stdinOnce: false, tty: false },
    linux: {
      resources: { cpuShares: 2 },
      security: {
        ...{ capabilities: { add: [], drop: [] }, privileged: false, namespaces, supplementalGroups: [] },
        ...{ readonlyRootfs: false, noNewPrivs: false, maskedPaths: [], readonlyPaths: [] },
      },
    },
  }
}
