// CRI messages that describe what is wanted, both ways: our nouns to the wire (grpc.ts) and back (sim-server.ts).
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type ContainerConfig as WireContainerConfig,
  ContainerConfigSchema,
  type LinuxContainerResources as WireResources,
  LinuxContainerResourcesSchema,
  LinuxContainerSecurityContextSchema,
  type Mount as WireMount,
  MountPropagation as WirePropagation,
  type MountSchema,
  type NamespaceOption as WireNamespaces,
  type NamespaceOptionSchema,
  NamespaceMode as WireMode,
  type PodSandboxConfig as WireSandboxConfig,
  PodSandboxConfigSchema,
  Protocol,
  type SecurityProfile as WireProfile,
  type SecurityProfileSchema,
  SecurityProfile_ProfileType as ProfileType,
} from '../../gen/cri_pb.js'
import type {
  ContainerConfig,
  LinuxResources,
  Mount,
  MountPropagation,
  NamespaceMode,
  NamespaceOptions,
  SandboxConfig,
  SecurityProfile,
} from './runtime.ts'

type ContainerSecurity = ContainerConfig['linux']['security']
type SandboxSecurity = SandboxConfig['linux']['security']
type PortMapping = SandboxConfig['portMappings'][number]

const protocols: PortMapping['protocol'][] = ['TCP', 'UDP', 'SCTP']
const propagations: MountPropagation[] = ['private', 'hostToContainer', 'bidirectional']
const modes: NamespaceMode[] = ['pod', 'container', 'node', 'target']
const profileTypes: SecurityProfile['type'][] = ['RuntimeDefault', 'Unconfined', 'Localhost']

const int64 = (value: number | undefined) => (value === undefined ? undefined : { value: BigInt(value) })
const given = (value: { value: bigint } | undefined) => (value === undefined ? undefined : Number(value.value))
/** Drops undefined values: our optional fields and protobuf-es' initialisers may not hold them. */
const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }

export function resourcesToWire(r: LinuxResources): MessageInitShape<typeof LinuxContainerResourcesSchema> {
  return {
    cpuPeriod: BigInt(r.cpuPeriod ?? 0),
    cpuQuota: BigInt(r.cpuQuota ?? 0),
    cpuShares: BigInt(r.cpuShares ?? 0),
    memoryLimitInBytes: BigInt(r.memoryLimitInBytes ?? 0),
    oomScoreAdj: BigInt(r.oomScoreAdj ?? 0),
    cpusetCpus: r.cpusetCpus ?? '',
    cpusetMems: r.cpusetMems ?? '',
    hugepageLimits: (r.hugepageLimits ?? []).map(({ pageSize, limit }) => ({ pageSize, limit: BigInt(limit) })),
    unified: r.unified ?? {},
    memorySwapLimitInBytes: BigInt(r.memorySwapLimitInBytes ?? 0),
  }
}

export function resourcesFromWire(wire: WireResources = create(LinuxContainerResourcesSchema)): LinuxResources {
  return {
    cpuPeriod: Number(wire.cpuPeriod),
    cpuQuota: Number(wire.cpuQuota),
    cpuShares: Number(wire.cpuShares),
    memoryLimitInBytes: Number(wire.memoryLimitInBytes),
    oomScoreAdj: Number(wire.oomScoreAdj),
    cpusetCpus: wire.cpusetCpus,
    cpusetMems: wire.cpusetMems,
    hugepageLimits: wire.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit: Number(limit) })),
    unified: wire.unified,
    memorySwapLimitInBytes: Number(wire.memorySwapLimitInBytes),
  }
}

function namespacesToWire(n: NamespaceOptions): MessageInitShape<typeof NamespaceOptionSchema> {
  const mode = (m: NamespaceMode) => modes.indexOf(m) as WireMode
  return { network: mode(n.network), pid: mode(n.pid), ipc: mode(n.ipc), targetId: n.targetId ?? '' }
}

function namespacesFromWire(wire: WireNamespaces | undefined): NamespaceOptions {
  const mode = (m: WireMode | undefined) => modes[m ?? WireMode.POD] ?? 'pod'
  const targetId = wire?.targetId || undefined
  return defined({ network: mode(wire?.network), pid: mode(wire?.pid), ipc: mode(wire?.ipc), targetId }) as NamespaceOptions
}

const profileToWire = (p: SecurityProfile | undefined): MessageInitShape<typeof SecurityProfileSchema> | undefined =>
  p && { profileType: profileTypes.indexOf(p.type) as ProfileType, localhostRef: p.localhostRef ?? '' }

const profileFromWire = (wire: WireProfile | undefined): SecurityProfile | undefined =>
  wire &&
  (defined({
    type: profileTypes[wire.profileType] ?? 'RuntimeDefault',
    localhostRef: wire.localhostRef || undefined,
  }) as SecurityProfile)

export const mountToWire = (m: Mount): MessageInitShape<typeof MountSchema> => ({
  containerPath: m.containerPath,
  hostPath: m.hostPath,
  readonly: m.readonly,
  propagation: propagations.indexOf(m.propagation) as WirePropagation,
  selinuxRelabel: m.selinuxRelabel ?? false,
  recursiveReadOnly: m.recursiveReadOnly ?? false,
})

export const mountFromWire = (wire: WireMount): Mount => ({
  containerPath: wire.containerPath,
  hostPath: wire.hostPath,
  readonly: wire.readonly,
  propagation: propagations[wire.propagation] ?? 'private',
  selinuxRelabel: wire.selinuxRelabel,
  recursiveReadOnly: wire.recursiveReadOnly,
})

export function sandboxConfigToWire(config: SandboxConfig): WireSandboxConfig {
  const { metadata, hostname, logDirectory, labels, annotations, linux } = config
  const security = linux.security
  return create(PodSandboxConfigSchema, {
    metadata,
    hostname,
    logDirectory,
    labels,
    annotations,
    ...(config.dns ? { dnsConfig: config.dns } : {}),
    portMappings: config.portMappings.map((p) => ({ ...p, protocol: protocols.indexOf(p.protocol) as Protocol })),
    linux: {
      cgroupParent: linux.cgroupParent,
      sysctls: linux.sysctls,
      overhead: resourcesToWire(linux.overhead),
      resources: resourcesToWire(linux.resources),
      securityContext: defined({
        namespaceOptions: namespacesToWire(security.namespaces),
        runAsUser: int64(security.runAsUser),
        runAsGroup: int64(security.runAsGroup),
        supplementalGroups: security.supplementalGroups.map(BigInt),
        readonlyRootfs: security.readonlyRootfs ?? false,
        privileged: security.privileged,
        seccomp: profileToWire(security.seccomp),
      }),
    },
  })
}

export function sandboxConfigFromWire(wire: WireSandboxConfig = create(PodSandboxConfigSchema)): SandboxConfig {
  const { hostname, logDirectory, labels, annotations, linux } = wire
  const { name, uid, namespace, attempt } = wire.metadata ?? { name: '', uid: '', namespace: '', attempt: 0 }
  const security = linux?.securityContext
  const { servers, searches, options } = wire.dnsConfig ?? { servers: [], searches: [], options: [] }
  return {
    metadata: { name, uid, namespace, attempt },
    hostname,
    logDirectory,
    labels,
    annotations,
    ...(wire.dnsConfig ? { dns: { servers, searches, options } } : {}),
    portMappings: wire.portMappings.map(({ protocol, containerPort, hostPort, hostIp }) => ({
      protocol: protocols[protocol] ?? 'TCP',
      containerPort,
      hostPort,
      hostIp,
    })),
    linux: {
      cgroupParent: linux?.cgroupParent ?? '',
      sysctls: linux?.sysctls ?? {},
      overhead: resourcesFromWire(linux?.overhead),
      resources: resourcesFromWire(linux?.resources),
      security: defined({
        namespaces: namespacesFromWire(security?.namespaceOptions),
        runAsUser: given(security?.runAsUser),
        runAsGroup: given(security?.runAsGroup),
        supplementalGroups: (security?.supplementalGroups ?? []).map(Number),
        readonlyRootfs: security?.readonlyRootfs ?? false,
        privileged: security?.privileged ?? false,
        seccomp: profileFromWire(security?.seccomp),
      }) as SandboxSecurity,
    },
  }
}

function securityToWire(s: ContainerSecurity): MessageInitShape<typeof LinuxContainerSecurityContextSchema> {
  const { privileged, readonlyRootfs, noNewPrivs, maskedPaths, readonlyPaths } = s
  return defined({
    privileged,
    readonlyRootfs,
    noNewPrivs,
    maskedPaths,
    readonlyPaths,
    capabilities: { addCapabilities: s.capabilities.add, dropCapabilities: s.capabilities.drop },
    namespaceOptions: namespacesToWire(s.namespaces),
    runAsUser: int64(s.runAsUser),
    runAsUsername: s.runAsUsername ?? '',
    runAsGroup: int64(s.runAsGroup),
    supplementalGroups: s.supplementalGroups.map(BigInt),
    seccomp: profileToWire(s.seccomp),
    apparmor: profileToWire(s.apparmor),
  })
}

function securityFromWire(wire = create(LinuxContainerSecurityContextSchema)): ContainerSecurity {
  const { privileged, readonlyRootfs, noNewPrivs, maskedPaths, readonlyPaths } = wire
  return defined({
    privileged,
    readonlyRootfs,
    noNewPrivs,
    maskedPaths,
    readonlyPaths,
    capabilities: { add: wire.capabilities?.addCapabilities ?? [], drop: wire.capabilities?.dropCapabilities ?? [] },
    namespaces: namespacesFromWire(wire.namespaceOptions),
    runAsUser: given(wire.runAsUser),
    runAsUsername: wire.runAsUsername || undefined,
    runAsGroup: given(wire.runAsGroup),
    supplementalGroups: wire.supplementalGroups.map(Number),
    seccomp: profileFromWire(wire.seccomp),
    apparmor: profileFromWire(wire.apparmor),
  }) as ContainerSecurity
}

export function containerConfigToWire(config: ContainerConfig): WireContainerConfig {
  const { metadata, command, args, workingDir, envs, devices, labels, annotations, logPath, stdin, stdinOnce, tty } = config
  return create(ContainerConfigSchema, {
    metadata,
    command,
    args,
    workingDir,
    envs,
    devices,
    labels,
    annotations,
    logPath,
    stdin,
    stdinOnce,
    tty,
    image: { image: config.image, userSpecifiedImage: config.userSpecifiedImage },
    mounts: config.mounts.map(mountToWire),
    linux: { resources: resourcesToWire(config.linux.resources), securityContext: securityToWire(config.linux.security) },
  })
}

export function containerConfigFromWire(wire: WireContainerConfig = create(ContainerConfigSchema)): ContainerConfig {
  const { command, args, workingDir, labels, annotations, logPath, stdin, stdinOnce, tty } = wire
  return {
    metadata: { name: wire.metadata?.name ?? '', attempt: wire.metadata?.attempt ?? 0 },
    image: wire.image?.image ?? '',
    userSpecifiedImage: wire.image?.userSpecifiedImage ?? '',
    command,
    args,
    workingDir,
    labels,
    annotations,
    logPath,
    stdin,
    stdinOnce,
    tty,
    envs: wire.envs.map(({ key, value }) => ({ key, value })),
    mounts: wire.mounts.map(mountFromWire),
    devices: wire.devices.map(({ containerPath, hostPath, permissions }) => ({ containerPath, hostPath, permissions })),
    linux: { resources: resourcesFromWire(wire.linux?.resources), security: securityFromWire(wire.linux?.securityContext) },
  }
}
