// The parts of a node that all its Pods share, put together once.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResourceList } from '../api/core/resources.ts'
import type { Pod } from '../api/core/pod.ts'
import { Service } from '../api/core/service.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { milliValueOf, valueOf } from '../api/quantity.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { mirrorsOf } from '../client/mirrors.ts'
import { sharesOf } from '../ledger/cgroup.ts'
import { type PodCgroups, podCgroups } from './cgroup-fs.ts'
import { configSource } from './config-source.ts'
import type { RuntimeStatus } from './cri/runtime.ts'
import { imagePuller } from './image-pull.ts'
import { kubeletAdmission } from './kubelet-admission.ts'
import type { NodeObject } from './node-object.ts'
import { lessReserved, networkProblem } from './node-status.ts'
import { parseResolvConf } from './pod-dns.ts'
import { podEvents } from './pod-events.ts'
import { uidOf } from './pod-labels.ts'
import { isLeftRunning, type PodWorker } from './pod-worker.ts'
import type { NodeFacts, PodWorld } from './pod-world.ts'
import { probeOnce } from './probe-action.ts'
import { prober } from './probe-worker.ts'
import type { NodeOptions } from './run.ts'
import { simulatedHttpGet, simulatedProbe } from './simulated-actions.ts'
import { statusWriter } from './status-writer.ts'

export interface WorldOptions extends NodeOptions {
  capacity: ResourceList
  /** Capacity less what is reserved and what hard eviction thresholds hold back. */
  allocatable: ResourceList
  node: NodeObject
  runtimeStatus: () => RuntimeStatus | undefined
  events: EventRecorder
}

/** `workers` are told of changes, by uid; the first list of RuntimeClasses and Services is in when this resolves. */
export async function openWorld(options: WorldOptions, signal: AbortSignal, workers: Map<string, PodWorker>): Promise<PodWorld> {
  const { client, clock, runtime, name, log } = options
  const events = podEvents(options.events)
  const wake = (uid: string) => workers.get(uid)?.wake()
  const { mirrors = mirrorsOf({ client, clock, signal, log: (line) => log(`node ${name}: ${line}`) }) } = options
  const [classes, services] = await Promise.all([
    mirrors(RuntimeClass, { signal, onChange: () => workers.forEach((worker) => worker.hurry()) }),
    mirrors(Service, { signal }),
  ])
  const admission = kubeletAdmission(
    () => options.node.current(),
    () => options.node.refresh(),
    (victims, resource) => {
      for (const _ of victims) options.metrics?.preempted(resource)
      return preempt(victims, { workers, events, clock, signal })
    },
    () => [...workers.values()].flatMap(({ memory }) => (!memory.admitted && isLeftRunning(memory) ? [memory.pod] : [])),
  )
  const facts = await nodeFacts(options)
  return {
    ...{ facts, runtime, clock, signal, events, classes, log },
    configs: configSource({ client, clock, onChange: (uid) => workers.get(uid)?.configChanged() }),
    puller: imagePuller({ runtime, clock, events }),
    prober: prober({
      ...{ clock, events },
      probe: options.simulated ? simulatedProbe(runtime) : probeOnce(runtime),
      onChange: ({ pod }) => wake(uidOf(pod)),
    }),
    hooks: { runtime, clock, events, httpGet: options.simulated ? simulatedHttpGet : undefined },
    cgroups: await openCgroups(options),
    services: (namespace) => services.list().filter((s) => s.metadata.namespace === namespace),
    statuses: statusWriter({ client, clock, signal, log }),
    defaultHandler: () => options.runtimeStatus()?.defaultHandler,
    networkProblem: () => networkProblem(options.runtimeStatus()),
    admit: (pod) => admission.admit(pod),
    leave: (uid) => admission.leave(uid),
    counts: () => admission.counts(),
  }
}

const preempted = 'Preempted in order to admit critical pod'
const disrupted = 'Pod was preempted by Kubelet to accommodate a critical pod.'

/** Ends them with their own grace periods, and waits until nothing of them is left. */
async function preempt(
  victims: readonly Pod[],
  world: Pick<PodWorld, 'events' | 'clock' | 'signal'> & { workers: ReadonlyMap<string, PodWorker> },
): Promise<void> {
  const { events, clock, signal } = world
  const workers = victims.flatMap((pod) => world.workers.get(uidOf(pod)) ?? [])
  for (const pod of victims) events.event({ pod }, 'Warning', 'Preempting', preempted)
  for (const worker of workers) worker.fail({ reason: 'Preempting', message: preempted, disrupted })
  while (!signal.aborted && workers.some(({ memory }) => !memory.released)) await clock.sleep(200, signal)
}

/** k8s: all Pods together get what is not reserved; eviction thresholds are no part of this limit. */
async function openCgroups({ cgroup, capacity, reserved = {}, log }: WorldOptions): Promise<PodCgroups | undefined> {
  if (!cgroup) return undefined
  const cgroups = await podCgroups({ ...cgroup, log })
  const { cpu = '0', memory = '0' } = lessReserved(capacity, reserved)
  await cgroups
    .limitAll({ cpuShares: sharesOf(Number(milliValueOf(cpu))), memoryLimitInBytes: Number(valueOf(memory)) })
    .catch((error: unknown) => log(`cannot limit what all Pods together use: ${String(error)}`))
  return cgroups
}

async function nodeFacts(options: WorldOptions): Promise<NodeFacts> {
  const { name, owner = name, dataDir, addresses, capacity, allocatable, clusterDns = [], clusterDomain } = options
  const version = await options.runtime.version().catch(() => ({ name: 'containerd' }))
  const resolvConf = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  return {
    ...{ name, owner, dataDir, logRoot: join(dataDir, 'logs') },
    hostIPs: addresses.filter((a) => a.type === 'InternalIP').map((a) => a.address),
    runtimeName: version.name,
    simulated: options.simulated,
    memoryCapacityBytes: Number(valueOf(capacity.memory ?? '0')),
    allocatable,
    dns: { host: parseResolvConf(resolvConf), clusterDns, clusterDomain: clusterDomain ?? 'cluster.local' },
    apiServer: options.apiServer,
  }
}
