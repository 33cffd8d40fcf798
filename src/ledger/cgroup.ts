// What the ledger means to the kernel: cgroup values of Pods, and the CRI resources of sandboxes and containers.
import type { Container } from '../api/core/container.ts'
import { qosClass } from '../api/core/qos.ts'
import { canonicalQuantity } from '../api/quantity.ts'
import { type Amounts, amounts, milliOf, unitsOf } from './amounts.ts'
import { asSpecified, type Costed, podLedger } from './pod-ledger.ts'

const minShares = 2
const maxShares = 262_144
/** Microseconds of one scheduling period. */
const defaultPeriod = 100_000
const minQuota = 1000

/** cgroup v1 cpu.shares of millicores: 2 to 262144. */
export const sharesOf = (milli: number): number => Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000)))

/** Microseconds of cpu in each `period`; at least 1 ms; 0 (no quota) of 0 millicores. */
export const quotaOf = (milli: number, period: number = defaultPeriod): number =>
  milli === 0 ? 0 : Math.max(minQuota, Math.floor((milli * period) / 1000))

export interface PodCgroup {
  cpuShares: number
  /** Absent: write none. -1: written as unlimited, because the node does not enforce cpu limits. */
  cpuQuota?: number | undefined
  cpuPeriod: number
  memoryLimitBytes?: number | undefined
  /** Page size as in the resource's name (`2Mi`) to bytes. Absent when the Pod asks for none. */
  hugepages?: Record<string, number> | undefined
}

/**
 * The Pod-level cgroup, overhead included (KEP-688). `cpuLimits: false` is the kubelet's cpuCFSQuota: false.
 * A resource that any container leaves without a limit is not limited for the Pod either, unless it has a Pod-level limit.
 */
export function podCgroup(pod: Costed, { cpuLimits = true }: { cpuLimits?: boolean | undefined } = {}): PodCgroup {
  const requests = podLedger(asSpecified(pod), 'requests').total
  const limits = podLedger(asSpecified(pod), 'limits').total
  const hugepages = hugepagesOf(requests)
  const rest = { cpuPeriod: defaultPeriod, ...(hugepages ? { hugepages } : {}) }
  const qos = qosClass(pod)
  // k8s: the cgroup of a BestEffort Pod knows nothing of its overhead
  if (qos === 'BestEffort') return { cpuShares: minShares, ...rest }
  const limited = (name: string) => qos === 'Guaranteed' || limitDeclared(pod, name)
  return {
    cpuShares: sharesOf(milliOf(requests.get('cpu'))),
    ...(limited('cpu') ? { cpuQuota: cpuLimits ? quotaOf(milliOf(limits.get('cpu'))) : -1 } : {}),
    ...(limited('memory') ? { memoryLimitBytes: unitsOf(limits.get('memory')) } : {}),
    ...rest,
  }
}

function limitDeclared({ spec }: Costed, name: string): boolean {
  const given = (list: { limits?: Record<string, string> | undefined } | undefined) => !!amounts(list?.limits).get(name)
  return given(spec.resources) || [...spec.containers, ...(spec.initContainers ?? [])].every((c) => given(c.resources))
}

const hugepagesPrefix = 'hugepages-'

function hugepagesOf(all: Amounts): Record<string, number> | undefined {
  const found = [...all].filter(([name]) => name.startsWith(hugepagesPrefix))
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map(([name, amount]) => [name.slice(hugepagesPrefix.length), unitsOf(amount)]))
}

/** Numbers of a CRI LinuxContainerResources message; zero and absent both mean unset. */
export interface CriResources {
  cpuPeriod?: number
  cpuQuota?: number
  cpuShares?: number
  memoryLimitInBytes?: number
  hugepageLimits?: { pageSize: string; limit: number }[]
}

interface CpuLimits {
  /** False: no quota is set, whatever the limits (the kubelet's cpuCFSQuota: false). Default true. */
  cpuLimits?: boolean | undefined
}

function criResources(requests: Amounts, limits: Amounts, { cpuLimits = true }: CpuLimits): CriResources {
  const limit = milliOf(limits.get('cpu'))
  const request = requests.get('cpu')
  const memory = unitsOf(limits.get('memory'))
  return {
    // k8s: an absent request is the limit; an explicit zero stays zero
    cpuShares: sharesOf(request === undefined ? limit : milliOf(request)),
    ...(memory === 0 ? {} : { memoryLimitInBytes: memory }),
    ...(cpuLimits ? { cpuPeriod: defaultPeriod, cpuQuota: quotaOf(limit) } : {}),
  }
}

/** What CreateContainer is asked for; without oom_score_adj (see oom-score.ts). Container cgroups never contain overhead. */
export function containerResources(container: Pick<Container, 'resources'>, options: CpuLimits = {}): CriResources {
  const limits = amounts(container.resources.limits)
  const resources = criResources(amounts(container.resources.requests), limits, options)
  const pages = Object.entries(hugepagesOf(limits) ?? {}).map(([size, limit]) => ({ pageSize: pageSizeText(size), limit }))
  return pages.length === 0 ? resources : { ...resources, hugepageLimits: pages }
}

/** k8s: a hugepage size is `2Mi` in a resource's name, and `2MB` (of 1024 * 1024 bytes) in CRI and in cgroup file names. */
const pageSizeText = (size: string): string => (canonicalQuantity(size) ?? size).replace(/i$/, 'B')

/**
 * `linux.resources` and `linux.overhead` of RunPodSandbox: the Pod without its overhead, and the overhead alone as if requested
 * and limited. k8s: without spec.overhead the second is a message of zeros, not absent; other resources of it are not sent.
 */
export function sandboxResources(pod: Costed, options: CpuLimits = {}): { resources: CriResources; overhead: CriResources } {
  const overhead = amounts(pod.spec.overhead)
  return {
    resources: criResources(podLedger(asSpecified(pod), 'requests').base, podLedger(asSpecified(pod), 'limits').base, options),
    overhead: pod.spec.overhead === undefined ? {} : criResources(overhead, overhead, options),
  }
}
