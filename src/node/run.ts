// The kubelet: makes one machine (real or simulated) a node of the cluster, and its Pods run.
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'
import type { ResourceList } from '../api/core/resources.ts'
import type { CgroupDriver } from './cgroup-fs.ts'
import type { Runtime } from './cri/runtime.ts'
import type { KubeletServerOptions, ServedPod } from './kubelet-server.ts'

export interface NodeOptions {
  name: string
  client: Client
  clock: Clock
  /** Closed by its owner, not by the node. */
  runtime: Runtime
  /** Absolute. The node keeps `pods/<uid>` and `logs` in it. */
  dataDir: string
  /** Marks what is ours in a runtime that others use too (the label `polypod.dev/owner`); must outlive restarts. Default: the name. */
  owner?: string | undefined
  /** Serve exec and logs on a server of the node's own. Absent: whoever serves several nodes asks `find` and gives `kubeletPort`. */
  serve?: Pick<KubeletServerOptions, 'tls' | 'listen' | 'mayCall'> | undefined
  /** What daemonEndpoints shows when `serve` is absent. */
  kubeletPort?: number | undefined
  /** The first InternalIP is also the hostIP of Pods. */
  addresses: readonly { type: 'InternalIP' | 'ExternalIP' | 'Hostname'; address: string }[]
  /** Absent: no Pod cgroups (simulated, or not root). `root`: the node's own path within each hierarchy. */
  cgroup?: { root: string; driver: CgroupDriver; mount?: string | undefined } | undefined
  /** Containers have no network or processes: network probes and hooks count as answered. */
  simulated: boolean
  /** Added to kubernetes.io/hostname, os and arch. */
  labels?: Record<string, string> | undefined
  /** Default 110. */
  maxPods?: number | undefined
  /** In place of what the machine has. */
  capacity?: ResourceList | undefined
  /** Capacity that Pods cannot have. */
  reserved?: ResourceList | undefined
  /** Where Pods reach the API server: the KUBERNETES_SERVICE_* variables. */
  apiServer?: { host: string; port: number } | undefined
  /** Default: no cluster DNS; ClusterFirst then means the machine's resolv.conf. */
  clusterDns?: readonly string[] | undefined
  /** Default cluster.local. */
  clusterDomain?: string | undefined
  log: (line: string) => void
}

export interface RunningNode {
  /** The node is registered and Ready has been written; rejects when `signal` aborts first. */
  readonly ready: Promise<void>
  /** Everything has ended after `signal` aborted. Containers go on running. Never rejects. */
  readonly ended: Promise<void>
  /** A Pod of this node, for a kubelet server. */
  find(namespace: string, pod: string): Promise<ServedPod | undefined>
}

/** Runs until `signal` aborts. Several may run in one process. */
export function runNode(options: NodeOptions, signal: AbortSignal): RunningNode {
  throw new Error(`not written yet: ${options.name} ${signal.aborted}`)
}
