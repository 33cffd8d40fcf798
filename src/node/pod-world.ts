// What a Pod's worker works with: the node's parts, and its own memory.
import type { NodeCounts } from '../ledger/check.ts'
import type { Pod } from '../api/core/pod.ts'
import type { PodStatus } from '../api/core/pod-status.ts'
import type { ResourceList } from '../api/core/resources.ts'
import type { Service } from '../api/core/service.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import type { Mirror } from '../client/mirror.ts'
import type { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { PodCgroups } from './cgroup-fs.ts'
import type { ConfigSource } from './config-source.ts'
import type { Waiting } from './container-statuses.ts'
import type { Crash } from './crash-loop.ts'
import type { Runtime } from './cri/runtime.ts'
import type { DownwardFacts } from './downward.ts'
import type { HookWorld } from './hooks.ts'
import type { ImagePuller, PresentImage } from './image-pull.ts'
import type { PodEvents } from './pod-events.ts'
import type { PodDnsOptions } from './pod-dns.ts'
import { uidOf } from './pod-labels.ts'
import type { Prober } from './probe-worker.ts'
import type { Seen, Sight } from './seen.ts'
import type { StatusWriter } from './status-writer.ts'
import type { NoteTaker } from './trace/pod-notes.ts'
import type { HostPaths } from './volumes.ts'

/** What stays the same while the node runs. */
export interface NodeFacts {
  name: string
  owner: string
  dataDir: string
  logRoot: string
  hostIPs: readonly string[]
  /** `containerd`. */
  runtimeName: string
  /** Nothing of a Pod is real: see VolumeWorld. */
  simulated: boolean
  memoryCapacityBytes: number
  allocatable: ResourceList
  dns: PodDnsOptions
  apiServer: { host: string; port: number } | undefined
}

export interface PodWorld {
  facts: NodeFacts
  runtime: Runtime
  clock: Clock
  signal: AbortSignal
  events: PodEvents
  configs: ConfigSource
  puller: ImagePuller
  prober: Prober
  hooks: HookWorld
  cgroups: PodCgroups | undefined
  classes: Pick<Mirror<RuntimeClass>, 'get'>
  /** Of a namespace, for the environment of containers. */
  services(namespace: string): readonly Service[]
  statuses: StatusWriter
  /** What handler "" stands for, where the runtime tells. */
  defaultHandler(): string | undefined
  /** Why Pods cannot have a network now; undefined: they can. */
  networkProblem(): string | undefined
  /** Why the node does not let this Pod in; undefined: it does, and counts it. */
  admit(pod: Pod): Promise<{ reason: string; message: string } | undefined>
  /** The Pod uses nothing of the node any more. */
  leave(podUid: string): void
  /** Of the Pods that were let in. */
  counts(): NodeCounts
  log: (line: string) => void
}

/** The Pod as a whole has failed, and ends. */
export interface Failure {
  reason: string
  message: string
  /** At most, in place of the Pod's own. */
  graceSeconds?: number | undefined
  /** The node ends it for its own sake: what condition DisruptionTarget says. */
  disrupted?: string | undefined
}

/** What one worker knows that the runtime does not. Lost with the process, and never needed to be right after it. */
export interface PodMemory {
  /** The newest version from the API server. */
  pod: Pod
  /** It is not in the API any more. */
  gone: boolean
  admitted: boolean
  failed: Failure | undefined
  /** Steps under way, by key. */
  busy: Map<string, Promise<void>>
  paths: HostPaths | undefined
  /** Volumes hold what ConfigMaps and Secrets said before. */
  stale: boolean
  /** By container: the image for its next start. */
  pulled: Map<string, PresentImage>
  waiting: Map<string, Waiting>
  notBefore: Map<string, number>
  failures: Backoff
  crashes: Map<string, Crash>
  stoppedSandboxes: Set<string>
  released: boolean
  startedAt: number
  sight: Sight
  /** Containers whose limits were checked, and when all are again. */
  limits: { checked: ReadonlySet<string>; againAt: number }
  seen: Seen
  /** As reported last. */
  status: PodStatus | undefined
}

export const downwardFacts = ({ facts }: PodWorld, { pod, seen }: PodMemory): DownwardFacts => ({
  nodeAllocatable: facts.allocatable,
  hostIPs: facts.hostIPs,
  podIPs: pod.spec.hostNetwork ? facts.hostIPs : seen.ips,
})

/** What probes and hooks talk to. */
export const podIPOf = ({ facts }: PodWorld, { pod, seen }: PodMemory): string =>
  (pod.spec.hostNetwork ? facts.hostIPs[0] : seen.ips[0]) ?? ''

/** For notes of what is done for a Pod. */
export const noteOn = ({ facts: { dataDir, simulated }, clock }: PodWorld, pod: Pod): NoteTaker => ({
  ...{ dataDir, simulated, clock, uid: uidOf(pod) },
})
