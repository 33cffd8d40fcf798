// Starts the sandbox of a Pod: handler, cgroup, log directory, RunPodSandbox.
import { mkdir } from 'node:fs/promises'
import type { Pod } from '../api/core/pod.ts'
import { qosClass, type QosClass } from '../api/core/qos.ts'
import { podCgroup } from '../ledger/cgroup.ts'
import type { PodKey } from './cgroup-fs.ts'
import { type LinuxResources, RuntimeError, type SandboxConfig } from './cri/runtime.ts'
import { handlerOf } from './handlers.ts'
import { podDns, podHostname } from './pod-dns.ts'
import { uidOf } from './pod-labels.ts'
import { noteOn, type PodMemory, type PodWorld } from './pod-world.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { noted } from './trace/pod-notes.ts'
import { refuseUserNamespace } from './user-namespace.ts'

/** The Pod's network cannot be made at present; the event is recorded already. */
class NetworkNotReady extends Error {
  override name = 'NetworkNotReady'
}

export const podKey = (pod: Pod): PodKey => ({ uid: uidOf(pod), qos: (pod.status.qosClass as QosClass) ?? qosClass(pod) })

/** Rejects after recording why. The handler is resolved anew each time. */
export async function startSandbox(world: PodWorld, memory: PodMemory, attempt: number): Promise<void> {
  const { runtime, events, cgroups, classes } = world
  const { pod } = memory
  try {
    const problem = pod.spec.hostNetwork ? undefined : world.networkProblem()
    if (problem !== undefined) {
      events.event({ pod }, 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`)
      throw new NetworkNotReady(problem)
    }
    const { config, warnings } = sandboxConfigFor(world, pod, attempt)
    // a cluster without DNS of its own is how this one is made, and no news of every Pod
    for (const { reason, message } of warnings)
      if (reason !== 'MissingClusterDNS') events.event({ pod }, 'Warning', reason, message)
    const handler = handlerOf(pod, classes)
    await refuseUserNamespace(pod, handler, runtime)
    await mkdir(config.logDirectory, { recursive: true })
    await cgroups?.ensure(podKey(pod), cgroupValues(pod))
    const said = { what: 'RunPodSandbox', handler, runtimeClassName: pod.spec.runtimeClassName } as const
    await noted(noteOn(world, pod), said, () => runtime.runSandbox(config, handler))
  } catch (error) {
    if (!(error instanceof NetworkNotReady))
      events.event({ pod }, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${errorText(error)}`)
    throw error
  }
}

/** As upstream shows what came over gRPC. */
export const errorText = (error: unknown): string => {
  if (error instanceof RuntimeError) return `rpc error: code = ${error.code} desc = ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

export function sandboxConfigFor(
  { facts, cgroups }: PodWorld,
  pod: Pod,
  attempt: number,
): { config: SandboxConfig; warnings: { reason: string; message: string }[] } {
  const { dns, warnings } = podDns(pod, facts.dns)
  const { hostname } = podHostname(pod, facts.dns.clusterDomain)
  const { logRoot, owner, dataDir } = facts
  const cgroupParent = cgroups?.parentFor(podKey(pod)) ?? ''
  return { config: sandboxConfig(pod, { attempt, hostname, dns, logRoot, owner, dataDir, cgroupParent }), warnings }
}

/** What the Pod's own cgroup is made with, overhead included. */
export function cgroupValues(pod: Pod): LinuxResources {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimitBytes, hugepages } = podCgroup(pod)
  return {
    cpuShares,
    cpuPeriod,
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitInBytes: memoryLimitBytes }),
    ...(hugepages
      ? { hugepageLimits: Object.entries(hugepages).map(([pageSize, limit]) => ({ pageSize: `${pageSize}B`, limit })) }
      : {}),
  }
}
