// The signals of node pressure: what is left of what, and which condition and resource each belongs to.
import { type FileSystemUsage, fileSystemUsage, type MachineUsage } from './machine-usage.ts'

export const signals = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const
/** The last one cannot be set: k8s gives it the hard threshold of memory.available. What all Pods together may use is its capacity. */
export type Signal = (typeof signals)[number] | 'allocatableMemory.available'
export type PressureCondition = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

/** Whole units: bytes, inodes, processes. A signal that cannot be read here is absent, and meets no threshold. */
export type Observations = Partial<Record<Signal, { available: number; capacity: number }>>

export const conditionOf: Record<Signal, PressureCondition> = {
  'memory.available': 'MemoryPressure',
  'allocatableMemory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
}

/** What a Pod has to give back, as messages name it. */
export const resourceOf: Record<Signal, 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'> = {
  'memory.available': 'memory',
  'allocatableMemory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
}

export interface Surroundings {
  /** The file system of the runtime's images. */
  imageFs?: FileSystemUsage | undefined
  /** Memory of the cgroup that holds all Pods. */
  pods?: { limitBytes: number; workingSetBytes: number } | undefined
}

/** What is not known is no signal, nor is a capacity of 0. */
export function observe(node: MachineUsage, { imageFs, pods }: Surroundings = {}): Observations {
  const found: Observations = {
    'memory.available': { available: node.memoryAvailableBytes, capacity: node.memoryCapacityBytes },
    'nodefs.available': { available: node.fs.availableBytes, capacity: node.fs.capacityBytes },
    'nodefs.inodesFree': { available: node.fs.inodesFree, capacity: node.fs.inodes },
    'pid.available': { available: node.pids.max - node.pids.current, capacity: node.pids.max },
    ...(pods && {
      'allocatableMemory.available': {
        available: Math.max(0, pods.limitBytes - pods.workingSetBytes),
        capacity: pods.limitBytes,
      },
    }),
    ...(imageFs && {
      'imagefs.available': { available: imageFs.availableBytes, capacity: imageFs.capacityBytes },
      'imagefs.inodesFree': { available: imageFs.inodesFree, capacity: imageFs.inodes },
    }),
  }
  // btrfs and others have no inodes to run out of
  for (const signal of signals) if (found[signal]?.capacity === 0) delete found[signal]
  return found
}

/** Undefined when it cannot be read: the runtime may be elsewhere. */
export const imageFsAt = (mountpoint: string | undefined): Promise<FileSystemUsage | undefined> =>
  mountpoint === undefined ? Promise.resolve(undefined) : fileSystemUsage(mountpoint).catch(() => undefined)
