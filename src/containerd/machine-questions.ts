// What a check must know of the machine that the configuration is for: asked as data, answered by the node room.
import { isTrue, textAt } from './config-tree.ts'
import type { EffectiveConfig, RuntimeTable } from './effective-config.ts'
import { linuxV1, shimBinary, takesRuncOptions } from './shim-binary.ts'
import { atLeast } from './version.ts'

export interface MachineQuestions {
  /** Shims, by name: looked for as containerd looks for shims. */
  shims: string[]
  /** OCI runtimes, by name: looked for on containerd's PATH. */
  runtimes: string[]
  /** Files, folders and sockets, absolute. */
  paths: string[]
  /** Those of `paths` that must hold a JSON object. */
  objects: string[]
}

export interface MachineAnswers {
  /** Name to path of what was found. */
  shims: ReadonlyMap<string, string>
  runtimes: ReadonlyMap<string, string>
  present: ReadonlySet<string>
  /** Why containerd cannot read one of `objects` that is there. */
  broken: ReadonlyMap<string, string>
  /** Folders in containerd's search order for shims, for people. */
  shimFolders: readonly string[]
  cgroupV2: boolean
}

/** The shim's binary as containerd will look for it; a path stands for itself. Undefined when the type is refused. */
export function shimOf({ runtimeType, table }: RuntimeTable, config: EffectiveConfig): string | undefined {
  const path = textAt(table, 'runtime_path')
  if (path !== '') return path
  // 2.x knows no API v1: its type is a name like any other there
  if (runtimeType === linuxV1 && atLeast(config.containerd, 2, 0)) return 'containerd-shim-v1-linux'
  if (runtimeType === linuxV1) return textAt(config.root, 'plugins', 'linux', 'shim') || 'containerd-shim'
  return runtimeType === '' ? undefined : shimBinary(runtimeType)
}

/** Name or path of the OCI runtime behind runc's shims; undefined where the shim is the runtime or knows by itself. */
export function ociRuntimeOf({ runtimeType, table }: RuntimeTable): string | undefined {
  if (runtimeType === linuxV1) return textAt(table, 'runtime_engine') || 'runc'
  return takesRuncOptions(runtimeType) ? textAt(table, 'options', 'BinaryName') || 'runc' : undefined
}

/**
 * The name 1.6 looks for although runtime_path says where the shim is: it minds the key for containers, and not for their sandbox.
 * Undefined where nothing of that kind happens.
 */
export function sandboxShimOf({ runtimeType, table }: RuntimeTable, { containerd }: EffectiveConfig): string | undefined {
  return atLeast(containerd, 1, 7) || textAt(table, 'runtime_path') === '' ? undefined : shimBinary(runtimeType)
}

/** Path of the socket of a proxy snapshotter; undefined when it is none, or served over a network. */
export function proxySocket({ root }: EffectiveConfig, snapshotter: string): string | undefined {
  if (textAt(root, 'proxy_plugins', snapshotter, 'type') !== 'snapshot') return undefined
  const address = textAt(root, 'proxy_plugins', snapshotter, 'address').replace(/^unix:\/\//, '')
  return address.startsWith('/') ? address : undefined
}

export function machineQuestions(config: EffectiveConfig): MachineQuestions {
  const shims = config.runtimes.flatMap((entry) =>
    [shimOf(entry, config), sandboxShimOf(entry, config)].filter((s) => s !== undefined),
  )
  const runtimes = config.runtimes.flatMap((entry) => ociRuntimeOf(entry) ?? [])
  const specs = config.runtimes.map(({ table }) => textAt(table, 'base_runtime_spec'))
  const paths = config.runtimes.flatMap(({ table }) => [textAt(table, 'cni_conf_dir'), textAt(table, 'options', 'ConfigPath')])
  const sockets = config.runtimes.flatMap(({ table }) => proxySocket(config, textAt(table, 'snapshotter')) ?? [])
  const isPath = (name: string) => name.startsWith('/')
  const wanted = [...shims, ...runtimes, ...specs, ...paths, ...sockets]
  return {
    shims: unique(shims.filter((name) => !isPath(name))),
    runtimes: unique(runtimes.filter((name) => !isPath(name))),
    paths: unique(wanted.filter(isPath)),
    objects: unique(specs.filter(isPath)),
  }
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

/** Handlers whose shim makes cgroups as runc does, with the driver each has been told; not one that nobody wrote or uses. */
export function cgroupDrivers({
  runtimes,
  cri,
  defaultName,
}: EffectiveConfig): { entry: RuntimeTable; driver: 'systemd' | 'cgroupfs' }[] {
  return runtimes.flatMap((entry) => {
    if (entry.from === 'built-in' && entry.name !== defaultName) return []
    if (entry.runtimeType === linuxV1) return [{ entry, driver: isTrue(cri, 'systemd_cgroup') ? 'systemd' : 'cgroupfs' } as const]
    if (!takesRuncOptions(entry.runtimeType)) return []
    return [{ entry, driver: isTrue(entry.table, 'options', 'SystemdCgroup') ? 'systemd' : 'cgroupfs' } as const]
  })
}
