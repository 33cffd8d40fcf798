// From counters to rates: what a node and its Pods used per second between two summaries. Pure.

interface Counters {
  cpu?: { time: string; usageCoreNanoSeconds?: number }
  memory?: { time: string; workingSetBytes?: number }
}

/** What is read of a kubelet's /stats/summary; any kubelet's. */
export interface Summary {
  node: Counters
  pods?: (Counters & {
    podRef: { name: string; namespace: string; uid: string }
    containers?: (Counters & { name: string })[]
    /** Ours only: what no container uses. */
    sandbox?: Counters
  })[]
}

/** `cpuNanoCores`: billionths of a core, on average over `windowMs`. */
export interface Rate {
  cpuNanoCores: number
  memoryBytes: number
  windowMs: number
  /** Milliseconds since the epoch. */
  at: number
}

/** Everything of one summary by key: `node`, `uid/container`, `uid/` for the sandbox. */
export type Sample = ReadonlyMap<string, { atMs: number; cpuNanoseconds: number; memoryBytes: number }>

export const nodeKey = 'node'
export const containerKey = (uid: string, container: string): string => `${uid}/${container}`
export const sandboxKey = (uid: string): string => `${uid}/`

export function sampleOf({ node, pods = [] }: Summary): Sample {
  const found = new Map<string, { atMs: number; cpuNanoseconds: number; memoryBytes: number }>()
  const put = (key: string, { cpu, memory }: Counters) => {
    if (cpu?.usageCoreNanoSeconds === undefined || memory?.workingSetBytes === undefined) return
    const atMs = Date.parse(cpu.time)
    found.set(key, { atMs, cpuNanoseconds: cpu.usageCoreNanoSeconds, memoryBytes: memory.workingSetBytes })
  }
  put(nodeKey, node)
  for (const { podRef, containers = [], sandbox } of pods) {
    for (const container of containers) put(containerKey(podRef.uid, container.name), container)
    if (sandbox) put(sandboxKey(podRef.uid), sandbox)
  }
  return found
}

/**
 * The rate of `key` in the newest sample since the one in `earlier` that has it too. `startedAt` (milliseconds) stands in
 * where there is none, or where the counter has begun anew. Undefined when neither is known.
 */
export function rateOf(key: string, newest: Sample, earlier: Sample | undefined, startedAt?: number): Rate | undefined {
  const now = newest.get(key)
  if (!now) return undefined
  const then = earlier?.get(key)
  const counts = then && then.atMs < now.atMs && then.cpuNanoseconds <= now.cpuNanoseconds ? then : undefined
  const sinceMs = counts?.atMs ?? startedAt
  // NaN is a start nobody knows, too
  if (sinceMs === undefined || !(sinceMs < now.atMs)) return undefined
  const windowMs = now.atMs - sinceMs
  const used = now.cpuNanoseconds - (counts?.cpuNanoseconds ?? 0)
  return { cpuNanoCores: Math.round((used * 1000) / windowMs), memoryBytes: now.memoryBytes, windowMs, at: now.atMs }
}
