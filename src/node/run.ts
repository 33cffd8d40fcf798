// The kubelet: makes one machine (real or simulated) a node of the cluster, and its Pods run.
import { setMaxListeners } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ResourceList } from '../api/core/resources.ts'
import type { Client } from '../client/client.ts'
import type { Mirrors } from '../client/mirrors.ts'
import { amounts, listOf, sum } from '../ledger/amounts.ts'
import type { NodeCgroups, NodeCounts } from '../ledger/check.ts'
import type { Clock } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import type { CgroupDriver } from './cgroup-fs.ts'
import type { Runtime } from './cri/runtime.ts'
import { type EvictionSettings, evictionPolicy, heldByThresholds } from './eviction-settings.ts'
import type { PressureCondition } from './eviction-signals.ts'
import type { NodeMetrics } from './kubelet-metrics.ts'
import { type KubeletServerOptions, type ServedPod, startKubeletServer } from './kubelet-server.ts'
import { keepLease } from './lease.ts'
import { goArch, machineCapacity } from './machine-info.ts'
import { lessReserved } from './node-status.ts'
import { registerNode } from './node-object.ts'
import { type NodePods, openPods } from './node-pods.ts'
import type { NodeStats } from './pod-stats.ts'
import { statsSummary } from './stats-summary.ts'
import { statusPoster } from './status-poster.ts'
import type { NodeTrace, TraceOptions } from './trace/node-trace.ts'
import { watchRuntime } from './runtime-watch.ts'
import { openHandlers } from './handler/node-handlers.ts'
import type { ProvingOptions } from './handler/prover.ts'

export interface NodeOptions {
  name: string
  client: Client
  clock: Clock
  /** Of what is the same for every node; default: its own. */
  mirrors?: Mirrors | undefined
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
  /** Added to those the Node has. */
  annotations?: Record<string, string> | undefined
  /** Where Pod addresses come from, for node.spec.podCIDR of a new Node. */
  podCIDR?: string | undefined
  /** Default 110. */
  maxPods?: number | undefined
  /** In place of what the machine has. */
  capacity?: ResourceList | undefined
  /** Capacity that Pods cannot have; enforced on the cgroup of all Pods. Hard eviction thresholds are held back besides. */
  reserved?: ResourceList | undefined
  /** Absent: a kubelet's defaults. A simulated node evicts only when this is given, and then looks at its Pods alone. */
  eviction?: EvictionSettings | undefined
  /** Absent: nobody proves that handlers work, and schedulers trust what the runtime lists. */
  handlers?: ProvingOptions | undefined
  /** Where Pods reach the API server: the KUBERNETES_SERVICE_* variables. */
  apiServer?: { host: string; port: number } | undefined
  /** Default: no cluster DNS; ClusterFirst then means the machine's resolv.conf. */
  clusterDns?: readonly string[] | undefined
  /** Default cluster.local. */
  clusterDomain?: string | undefined
  metrics?: NodeMetrics | undefined
  log: (line: string) => void
}

export interface RunningNode {
  /** The node is registered and Ready has been written; rejects when `signal` aborts first. */
  readonly ready: Promise<void>
  /** Everything has ended after `signal` aborted. Containers go on running. Never rejects. */
  readonly ended: Promise<void>
  /** A Pod of this node, for a kubelet server. */
  find(namespace: string, pod: string): Promise<ServedPod | undefined>
  /** What really runs a Pod of this node, read now; undefined: it is none of its Pods. Rejects as `stats` does. */
  trace(namespace: string, pod: string, options?: TraceOptions): Promise<NodeTrace | undefined>
  /** What the node and its Pods use, measured now. Rejects with RuntimeError when the runtime cannot be asked. */
  stats(): Promise<NodeStats>
  /** For the ledger's check; undefined before the node is registered. */
  counts(): NodeCounts | undefined
  /** Undefined where the node makes no cgroups, too. */
  cgroups(): Promise<NodeCgroups | undefined>
}

/** Runs until `signal` aborts; where many nodes run in one process, each has one of its own (as tasks of a Scope do). */
export function runNode(options: NodeOptions, signal: AbortSignal): RunningNode {
  // a worker per Pod waits on it; Node warns from the eleventh on
  setMaxListeners(0, signal)
  const ready = deferred<void>()
  const pods = deferred<NodePods>()
  let opened: NodePods | undefined
  const run = async () => {
    const node = await openNode(options, signal)
    opened = node.pods
    pods.resolve(node.pods)
    ready.resolve()
    await node.ended
  }
  const ended = run().catch((error: unknown) => {
    pods.reject(error)
    ready.reject(error)
    if (!signal.aborted) options.log(`node ${options.name} failed: ${String((error as Error).stack ?? error)}`)
  })
  return {
    ...{ ready: ready.promise, ended },
    find: async (namespace, pod) => (await pods.promise).find(namespace, pod),
    trace: async (namespace, pod, how = {}) => (await pods.promise).trace(namespace, pod, how),
    stats: async () => (await pods.promise).stats(),
    counts: () => opened?.counts(),
    cgroups: async () => opened?.cgroups(),
  }
}

/** Resolves when the node is registered, its Pods are watched, and Ready is written. */
async function openNode(options: NodeOptions, signal: AbortSignal): Promise<{ pods: NodePods; ended: Promise<unknown> }> {
  const { name, client, clock, log, podCIDR } = options
  const dataDir = resolve(options.dataDir)
  await mkdir(join(dataDir, 'logs'), { recursive: true })
  const capacity = { ...(await machineCapacity(dataDir, options.maxPods ?? 110)), ...options.capacity }
  const eviction = options.simulated && !options.eviction ? undefined : evictionPolicy(options.eviction ?? {})
  const reserved = listOf(sum([amounts(options.reserved), amounts(eviction && heldByThresholds(eviction, capacity))]))
  const standing = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': goArch() }
  const handlers = options.handlers && (await openHandlers(options, options.handlers))
  const beta = { 'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': goArch() }
  const labels = { ...standing, ...beta, ...handlers?.labels, ...options.labels }
  const annotations = { ...handlers?.annotations, ...options.annotations }
  const node = await registerNode(client, { name, labels, annotations, podCIDR }, { clock, signal, log })
  let pods: NodePods | undefined
  const find = async (namespace: string, pod: string) => pods?.find(namespace, pod)
  const stats = async () => pods && statsSummary(name, await pods.stats())
  const trace = async (namespace: string, pod: string, how: TraceOptions) => pods?.trace(namespace, pod, how)
  const server = options.serve && (await startKubeletServer({ ...options.serve, clock, find, stats, trace }))
  const status = statusPoster({ ...options, node, capacity, reserved, port: server?.port ?? options.kubeletPort ?? 0 }, signal)
  const watched = await watchRuntime({
    ...{ runtime: options.runtime, clock, signal },
    onChange: (found) => {
      status.runtimeIs(found)
      handlers?.runtimeIs(found)
      pods?.runtimeChanged()
    },
    onEvent: (event) => pods?.runtimeSaid(event),
    onGap: () => pods?.runtimeChanged(),
  })
  const onPressure = (conditions: readonly PressureCondition[]) => status.pressureIs(conditions)
  const held = { capacity, allocatable: lessReserved(capacity, reserved), policy: eviction }
  const runtime = handlers?.runtime ?? options.runtime
  pods = await openPods(
    { ...options, ...held, runtime, dataDir, node, onPressure, runtimeStatus: () => watched.status() },
    signal,
  )
  await status.post()
  const ended = Promise.all([
    watched.ended,
    pods.ended,
    handlers?.run(node, signal),
    status.keepPosting(),
    keepLease(node.current(), { client, clock, signal, log }),
  ])
  const close = async () => {
    await ended
    await server?.close()
  }
  return { pods, ended: close() }
}
