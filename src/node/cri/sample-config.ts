// A small Pod in CRI's terms, for the contract suite and the benchmark of bare CRI calls.
import type { ContainerConfig, NamespaceOptions, SandboxConfig } from './runtime.ts'

const podNamespaces: NamespaceOptions = { network: 'pod', pid: 'container', ipc: 'pod' }

export interface SampleOptions {
  cgroupParent?: string | undefined
  logDirectory?: string | undefined
  annotations?: Record<string, string> | undefined
  hostNetwork?: boolean | undefined
}

/** `name` is also the uid. */
export function sampleSandbox(name: string, options: SampleOptions = {}): SandboxConfig {
  return {
    metadata: { name, uid: name, namespace: 'default', attempt: 0 },
    // runc will not set one without a UTS namespace, which a Pod on the host network does not get
    hostname: options.hostNetwork ? '' : name.slice(0, 63),
    logDirectory: options.logDirectory ?? '',
    portMappings: [],
    labels: { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': 'default', 'io.kubernetes.pod.uid': name },
    annotations: options.annotations ?? {},
    linux: {
      cgroupParent: options.cgroupParent ?? '',
      sysctls: {},
      security: {
        namespaces: options.hostNetwork ? { ...podNamespaces, network: 'node' } : podNamespaces,
        supplementalGroups: [],
        privileged: false,
      },
      overhead: {},
      resources: { cpuShares: 2 },
    },
  }
}

export function sampleContainer(sandbox: SandboxConfig, name: string, image: string, command: string[]): ContainerConfig {
  return {
    metadata: { name, attempt: 0 },
    image,
    userSpecifiedImage: image,
    command,
    args: [],
    workingDir: '',
    envs: [],
    mounts: [],
    devices: [],
    labels: { ...sandbox.labels, 'io.kubernetes.container.name': name },
    annotations: {},
    logPath: sandbox.logDirectory ? `${name}.log` : '',
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: { cpuShares: 2 },
      security: {
        capabilities: { add: [], drop: [] },
        privileged: false,
        namespaces: sandbox.linux.security.namespaces,
        supplementalGroups: [],
        readonlyRootfs: false,
        noNewPrivs: false,
        maskedPaths: [],
        readonlyPaths: [],
      },
    },
  }
}
