// RunPodSandbox's config, from a Pod.
import { join } from 'node:path'
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { SecurityProfile as ApiProfile } from '../api/core/security-context.ts'
import { sandboxResources } from '../ledger/cgroup.ts'
import type { NamespaceOptions, SandboxConfig, SecurityProfile } from './cri/runtime.ts'
import type { DnsConfig } from './pod-dns.ts'
import { logDirectoryName, podLabels, uidOf } from './pod-labels.ts'
import { ownerLabel } from './remove-pods.ts'

export interface SandboxFacts {
  attempt: number
  hostname: string
  dns: DnsConfig
  /** Absolute: logs of all Pods of the node. */
  logRoot: string
  /** Empty without Pod cgroups. */
  cgroupParent: string
  owner: string
  /** Absolute: Localhost profiles lie in `<dataDir>/seccomp`. */
  dataDir: string
}

export function sandboxConfig(pod: Pod, facts: SandboxFacts): SandboxConfig {
  const { spec, metadata } = pod
  const sc = spec.securityContext ?? {}
  const { resources, overhead } = sandboxResources(pod)
  return {
    metadata: { name: metadata.name, uid: uidOf(pod), namespace: metadata.namespace ?? '', attempt: facts.attempt },
    // no UTS namespace of its own on the host's network: runtimes refuse a hostname then
    hostname: spec.hostNetwork ? '' : facts.hostname,
    logDirectory: join(facts.logRoot, logDirectoryName(pod)),
    dns: facts.dns,
    portMappings: spec.hostNetwork ? [] : portMappings(pod),
    labels: { ...metadata.labels, ...podLabels(pod), [ownerLabel]: facts.owner },
    annotations: metadata.annotations ?? {},
    linux: {
      cgroupParent: facts.cgroupParent,
      sysctls: Object.fromEntries((sc.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value])),
      security: {
        namespaces: namespacesOf(pod),
        runAsUser: sc.runAsUser,
        runAsGroup: sc.runAsGroup,
        supplementalGroups: groupsOf(pod),
        privileged: allContainers(pod).some((c) => c.securityContext?.privileged === true),
        // k8s: the sandbox's own process is always confined
        seccomp: { type: 'RuntimeDefault' },
      },
      overhead,
      resources,
    },
  }
}

export const allContainers = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers]

export const namespacesOf = ({ spec }: Pod): NamespaceOptions => ({
  network: spec.hostNetwork ? 'node' : 'pod',
  pid: spec.hostPID ? 'node' : spec.shareProcessNamespace ? 'pod' : 'container',
  ipc: spec.hostIPC ? 'node' : 'pod',
})

export function groupsOf({ spec: { securityContext } }: Pod): number[] {
  const { fsGroup, supplementalGroups = [] } = securityContext ?? {}
  return fsGroup === undefined ? supplementalGroups : [fsGroup, ...supplementalGroups]
}

/** Every container port, mapped to the host or not; runtimes ignore host port 0. */
function portMappings(pod: Pod): SandboxConfig['portMappings'] {
  return allContainers(pod)
    .flatMap((c) => c.ports ?? [])
    .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
      ...{ protocol: protocol as 'TCP' | 'UDP' | 'SCTP', containerPort, hostPort, hostIp: hostIP },
    }))
}

/** A seccomp or AppArmor profile in CRI's terms; undefined stays undefined. `folder` holds Localhost profiles that are files. */
export function profileOf(profile: ApiProfile | undefined, folder?: string): SecurityProfile | undefined {
  if (!profile) return undefined
  const type = profile.type as SecurityProfile['type']
  if (type !== 'Localhost') return { type }
  const name = profile.localhostProfile ?? ''
  return { type, localhostRef: folder === undefined ? name : join(folder, name) }
}
