// What the machine as a whole has left and has used: memory, processors, file system, processes.
import { readFile, statfs } from 'node:fs/promises'

export interface MachineUsage {
  /** Of all processors together, since the machine started. */
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
  memoryCapacityBytes: number
  /** Capacity less the working set. */
  memoryAvailableBytes: number
  /** Of the file system that holds the node's directory. */
  fs: FileSystemUsage
  pids: { max: number; current: number }
}

export interface FileSystemUsage {
  capacityBytes: number
  availableBytes: number
  inodes: number
  inodesFree: number
}

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

/**
 * Of the content of /proc/meminfo.
 * k8s: as kubelet and cAdvisor take it from the root cgroup: anonymous memory and the page cache, less the inactive part of that.
 * MemAvailable would count the kernel's own memory as well, but also free pages a virtual machine is just telling its host of.
 */
export function machineMemory(
  content: string,
): Pick<MachineUsage, 'memoryWorkingSetBytes' | 'memoryCapacityBytes' | 'memoryAvailableBytes'> {
  const kilobytes = new Map(content.split('\n').map((line) => line.split(':', 2) as [string, string]))
  const bytes = (name: string) => Number.parseInt(kilobytes.get(name) ?? '0') * 1024
  const pageCache = bytes('Cached') + bytes('Buffers') + bytes('SwapCached')
  const memoryWorkingSetBytes = Math.max(0, bytes('AnonPages') + pageCache - bytes('Inactive(file)'))
  const memoryCapacityBytes = bytes('MemTotal')
  return { memoryWorkingSetBytes, memoryCapacityBytes, memoryAvailableBytes: memoryCapacityBytes - memoryWorkingSetBytes }
}

// USER_HZ is 100 on every Linux a program can meet
const nanosecondsPerTick = 1e7

/** user nice system irq softirq steal: everything but idle and iowait. Guest time is part of user time already. */
function busyTicks(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? []
  return user + nice + system + irq + softirq + steal
}

export async function fileSystemUsage(path: string): Promise<FileSystemUsage> {
  const fs = await statfs(path)
  return {
    capacityBytes: fs.blocks * fs.bsize,
    availableBytes: fs.bavail * fs.bsize,
    inodes: fs.files,
    inodesFree: fs.ffree,
  }
}

/** Of the machine this process runs on; `dataDir` names the file system. Rejects when that directory is not there. */
export async function machineUsage(dataDir: string): Promise<MachineUsage> {
  const [memory, stat, loadavg, pidMax, threadsMax, fs] = await Promise.all([
    text('/proc/meminfo'),
    text('/proc/stat'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    text('/proc/sys/kernel/threads-max'),
    fileSystemUsage(dataDir),
  ])
  return {
    ...{ cpuNanoseconds: busyTicks(stat) * nanosecondsPerTick, ...machineMemory(memory), fs },
    // threads count: each has a number of its own
    pids: { max: Math.min(Number(pidMax), Number(threadsMax)), current: Number(/\/(\d+)/.exec(loadavg)?.[1] ?? 0) },
  }
}
