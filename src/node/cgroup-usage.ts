// What a cgroup and all below it use, read from its files on v1 and v2.

/** Since the cgroup was made, and now. */
export interface CgroupUsage {
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
  /** Tasks, threads included. */
  processes: number
}

/** A file of a controller; undefined: there is none. */
export type ReadCgroupFile = (controller: string, file: string) => Promise<string | undefined>

const field = (text: string | undefined, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0)

/** k8s: the working set is what is used, less the file cache that nobody touched lately. */
const workingSet = (used: string, inactiveFileBytes: number): number => Math.max(0, Number(used) - inactiveFileBytes)

/** Undefined where the memory controller says nothing. */
export async function usageV1(read: ReadCgroupFile): Promise<CgroupUsage | undefined> {
  const [used, stat, cpu, processes] = await Promise.all([
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('cpuacct', 'cpuacct.usage'),
    read('pids', 'pids.current'),
  ])
  if (used === undefined) return undefined
  const memoryWorkingSetBytes = workingSet(used, field(stat, 'total_inactive_file'))
  return { cpuNanoseconds: Number(cpu ?? 0), memoryWorkingSetBytes, processes: Number(processes ?? 0) }
}

/** Undefined where the memory controller says nothing. */
export async function usageV2(read: ReadCgroupFile): Promise<CgroupUsage | undefined> {
  const [used, stat, cpu, processes] = await Promise.all([
    read('memory', 'memory.current'),
    read('memory', 'memory.stat'),
    read('cpu', 'cpu.stat'),
    read('pids', 'pids.current'),
  ])
  if (used === undefined) return undefined
  const memoryWorkingSetBytes = workingSet(used, field(stat, 'inactive_file'))
  return { cpuNanoseconds: field(cpu, 'usage_usec') * 1000, memoryWorkingSetBytes, processes: Number(processes ?? 0) }
}
