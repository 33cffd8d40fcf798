// The seam between the kubelet and a container runtime: CRI v1, in its own words but only what a kubelet needs.
// Makers: grpc.ts (containerd, CRI-O, anything that serves CRI) and sim.ts. Both pass runtime.contract.ts.

/** An entry of CRI StatusResponse.runtime_handlers. Name "" is the default handler, listed beside its real name. */
export interface RuntimeHandler {
  name: string
  /** Absent: the runtime does not tell, as containerd 1.x. */
  features?: { recursiveReadOnlyMounts: boolean; userNamespaces: boolean } | undefined
  /** The rest is containerd's verbose configuration, where it tells. Its name of the shim. */
  runtimeType?: string | undefined
  /** Of the shim, in place of what its name leads to. */
  shimPath?: string | undefined
  /** What the shim is told to run: a path, or a name on PATH. */
  binary?: string | undefined
}

export interface RuntimeVersion {
  /** `containerd`, `cri-o`, `simulated`. */
  name: string
  version: string
}

export interface RuntimeStatus {
  runtimeReady: boolean
  networkReady: boolean
  /** Why not ready, in the runtime's own words; empty when both are. */
  message: string
  handlers: RuntimeHandler[]
  /** The handler that "" stands for, where the runtime tells. */
  defaultHandler?: string | undefined
  /** Who makes cgroups for the default handler, where the runtime tells. */
  cgroupDriver?: 'systemd' | 'cgroupfs' | undefined
}

/** CRI LinuxContainerResources. Zero means unset, as in CRI. */
export interface LinuxResources {
  cpuPeriod?: number
  cpuQuota?: number
  cpuShares?: number
  memoryLimitInBytes?: number
  oomScoreAdj?: number
  cpusetCpus?: string
  cpusetMems?: string
  hugepageLimits?: { pageSize: string; limit: number }[]
  /** cgroup v2 keys, such as memory.min. */
  unified?: Record<string, string>
  memorySwapLimitInBytes?: number
}

export type NamespaceMode = 'pod' | 'container' | 'node' | 'target'

export interface NamespaceOptions {
  network: NamespaceMode
  pid: NamespaceMode
  ipc: NamespaceMode
  targetId?: string
}

export interface SecurityProfile {
  type: 'RuntimeDefault' | 'Unconfined' | 'Localhost'
  localhostRef?: string
}

export interface SandboxConfig {
  metadata: { name: string; uid: string; namespace: string; attempt: number }
  hostname: string
  logDirectory: string
  dns?: { servers: string[]; searches: string[]; options: string[] }
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  linux: {
    cgroupParent: string
    sysctls: Record<string, string>
    security: {
      namespaces: NamespaceOptions
      runAsUser?: number | undefined
      runAsGroup?: number | undefined
      supplementalGroups: number[]
      readonlyRootfs?: boolean
      privileged: boolean
      seccomp?: SecurityProfile
    }
    /** Always sent, zero when the Pod has none. */
    overhead: LinuxResources
    /** Without overhead. */
    resources: LinuxResources
  }
}

export type MountPropagation = 'private' | 'hostToContainer' | 'bidirectional'

export interface Mount {
  containerPath: string
  hostPath: string
  readonly: boolean
  propagation: MountPropagation
  selinuxRelabel?: boolean
  recursiveReadOnly?: boolean
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number }
  /** The reference that pullImage or imageStatus returned. */
  image: string
  /** The image as the user wrote it. */
  userSpecifiedImage: string
  command: string[]
  args: string[]
  workingDir: string
  envs: { key: string; value: string }[]
  mounts: Mount[]
  devices: { containerPath: string; hostPath: string; permissions: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  /** Relative to the sandbox's logDirectory. */
  logPath: string
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  linux: {
    resources: LinuxResources
    security: {
      capabilities: { add: string[]; drop: string[] }
      privileged: boolean
      namespaces: NamespaceOptions
      runAsUser?: number | undefined
      runAsUsername?: string | undefined
      runAsGroup?: number | undefined
      supplementalGroups: number[]
      readonlyRootfs: boolean
      noNewPrivs: boolean
      maskedPaths: string[]
      readonlyPaths: string[]
      seccomp?: SecurityProfile
      apparmor?: SecurityProfile
    }
  }
}

export interface Sandbox {
  id: string
  metadata: SandboxConfig['metadata']
  state: 'ready' | 'notready'
  /** Milliseconds since the epoch. */
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
  /** As requested: "" stays "". */
  runtimeHandler: string
}

export interface SandboxStatus extends Sandbox {
  ip: string
  additionalIps: string[]
  /** What really serves it, when the runtime tells (containerd's verbose status); all optional. */
  evidence: { pid?: number; runtimeType?: string; runtimeOptions?: Record<string, unknown> }
}

export interface Container {
  id: string
  sandboxId: string
  metadata: ContainerConfig['metadata']
  image: string
  imageRef: string
  state: 'created' | 'running' | 'exited' | 'unknown'
  createdAt: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerStatus extends Container {
  /** 0 when it has not happened. */
  startedAt: number
  finishedAt: number
  exitCode: number
  /** `Completed`, `Error`, `OOMKilled`, ... as the runtime says. */
  reason: string
  message: string
  logPath: string
  mounts: Mount[]
  /** Of its first process, when asked verbosely while it runs, and the runtime tells. */
  pid?: number | undefined
}

export interface Image {
  id: string
  repoTags: string[]
  repoDigests: string[]
  sizeBytes: number
  /** The user the image asks for, for runAsNonRoot. */
  uid?: number | undefined
  username?: string | undefined
}

export interface ContainerUsage {
  id: string
  labels: Record<string, string>
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
  /** What it has written over its image, where the runtime tells. */
  written?: { bytes: number; inodes: number } | undefined
}

export interface ExecResult {
  stdout: Uint8Array
  stderr: Uint8Array
  exitCode: number
}

export interface StreamRequest {
  containerId: string
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export interface ContainerEvent {
  podUid: string
  containerId: string
  type: 'created' | 'started' | 'stopped' | 'deleted'
}

/** Every method rejects with RuntimeError. Removing or stopping what is not there is not an error (CRI: idempotent). */
export interface Runtime {
  /** Path of the unix socket it is asked at; absent when it lives in this process. */
  readonly socket?: string | undefined
  version(): Promise<RuntimeVersion>
  status(): Promise<RuntimeStatus>

  runSandbox(config: SandboxConfig, runtimeHandler: string): Promise<string>
  stopSandbox(id: string): Promise<void>
  removeSandbox(id: string): Promise<void>
  sandboxStatus(id: string): Promise<SandboxStatus>
  /** All, or those carrying every given label. */
  listSandboxes(labels?: Record<string, string>): Promise<Sandbox[]>

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>
  startContainer(id: string): Promise<void>
  /** SIGTERM (or the image's stop signal), then SIGKILL after `graceSeconds`; resolves when it has ended. */
  stopContainer(id: string, graceSeconds: number): Promise<void>
  removeContainer(id: string): Promise<void>
  containerStatus(id: string, options?: { verbose?: boolean }): Promise<ContainerStatus>
  listContainers(labels?: Record<string, string>): Promise<Container[]>
  /** Tells the runtime that the log file was renamed away. */
  reopenContainerLog(id: string): Promise<void>
  updateContainerResources(id: string, resources: LinuxResources): Promise<void>
  usage(): Promise<ContainerUsage[]>

  execSync(containerId: string, command: string[], timeoutSeconds: number): Promise<ExecResult>
  /** URLs of the runtime's streaming server (SPDY/3.1, or WebSocket v4.channel.k8s.io). */
  exec(request: StreamRequest & { command: string[] }): Promise<string>
  attach(request: StreamRequest): Promise<string>
  portForward(sandboxId: string, ports: number[]): Promise<string>

  listImages(): Promise<Image[]>
  imageStatus(image: string): Promise<Image | undefined>
  /** Resolves to the image's reference (id). */
  pullImage(image: string, auth?: { username: string; password: string; server?: string }): Promise<string>
  removeImage(image: string): Promise<void>
  imageFsInfo(): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number } | undefined>

  /**
   * Changes of containers, until `signal` aborts. Ends by itself when the runtime has no event stream or goes away:
   * the caller must list as well.
   */
  events(signal: AbortSignal): AsyncIterable<ContainerEvent>
  close(): Promise<void>
}

/** A refusal by the runtime, keeping its own words: users search for them. `code` is the gRPC status name. */
export class RuntimeError extends Error {
  override name = 'RuntimeError'
  readonly code: 'NotFound' | 'AlreadyExists' | 'DeadlineExceeded' | 'Unavailable' | 'Unimplemented' | 'Unknown'
  constructor(code: RuntimeError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
