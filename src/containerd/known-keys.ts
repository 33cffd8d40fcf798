// Keys containerd knows, version by version; any other is ignored with a line in its log that nobody reads.
import type { Branch } from './config-tree.ts'
import type { Finding } from './finding.ts'
import { atLeast, type Version } from './version.ts'

export const rootKeys = [
  ...[
    'version',
    'root',
    'state',
    'temp',
    'plugin_dir',
    'grpc',
    'ttrpc',
    'debug',
    'metrics',
    'disabled_plugins',
    'required_plugins',
  ],
  ...['plugins', 'oom_score', 'cgroup', 'proxy_plugins', 'timeouts', 'imports', 'stream_processors', 'subreaper', 'no_subreaper'],
]

const everyRuntimeKey = [
  ...['runtime_type', 'runtime_path', 'pod_annotations', 'container_annotations', 'options', 'privileged_without_host_devices'],
  ...['base_runtime_spec', 'cni_conf_dir', 'cni_max_conf_num'],
]

/** Of `runtimes.<handler>`. Legacy keys have findings of their own. */
export const runtimeKeys = (containerd: Version): string[] => [
  ...everyRuntimeKey,
  ...['runtime_engine', 'runtime_root'],
  ...(atLeast(containerd, 1, 7) ? ['snapshotter', 'privileged_without_host_devices_all_devices_allowed'] : []),
  // 2.x knows it as sandboxer, and renames it where it migrates
  ...(atLeast(containerd, 1, 7) && !atLeast(containerd, 2, 0) ? ['sandbox_mode'] : []),
  ...(atLeast(containerd, 2, 0) ? ['sandboxer', 'io_type'] : []),
  ...(atLeast(containerd, 2, 1) ? ['cgroup_writable'] : []),
  ...(atLeast(containerd, 2, 3) ? ['disable_pause_image_pull'] : []),
]

/** Of `containerd`, CRI's table around `runtimes`. */
export const containerdKeys = (containerd: Version, format: number): string[] => [
  ...['default_runtime_name', 'runtimes', 'ignore_blockio_not_enabled_errors', 'ignore_rdt_not_enabled_errors'],
  // they moved to the images plugin with format 3
  ...(format <= 2 ? ['snapshotter', 'disable_snapshot_annotations', 'discard_unpacked_layers'] : []),
  ...['default_runtime', 'untrusted_workload_runtime', 'no_pivot'],
]

/** Of the options of runc's shims. */
export const runcOptions = [
  ...['NoPivotRoot', 'NoNewKeyring', 'ShimCgroup', 'IoUid', 'IoGid', 'BinaryName', 'Root', 'CriuPath', 'SystemdCgroup'],
  ...['CriuImagePath', 'CriuWorkPath', 'TaskApiAddress', 'TaskApiVersion', 'TypeUrl', 'ConfigPath', 'ConfigBody'],
]

/** Where format 3 has put what format 2 had elsewhere. */
const moved: Record<string, string> = {
  snapshotter: 'plugins."io.containerd.cri.v1.images".snapshotter',
  disable_snapshot_annotations: 'plugins."io.containerd.cri.v1.images".disable_snapshot_annotations',
  discard_unpacked_layers: 'plugins."io.containerd.cri.v1.images".discard_unpacked_layers',
  sandbox_mode: 'sandboxer',
}

export interface KeyOwner {
  /** For people: `runtime crun`. */
  where: string
  handler?: string | undefined
}

export function unknownKeys(branch: Branch | undefined, known: readonly string[], { where, handler }: KeyOwner): Finding[] {
  const unknown = [...(branch?.children ?? [])].filter(([key]) => !known.includes(key))
  return unknown.map(([key, { place }]) => {
    const near = moved[key] ?? nearest(key, known)
    return {
      ...{ severity: 'warning', code: 'unknown-key', place, about: handler },
      what: `${where} has a key containerd does not know: ${key}`,
      consequence: 'it has no effect; containerd says so in its log only, if at all',
      cure: near === undefined ? 'take it out' : `write ${near}`,
    }
  })
}

/** The known key that was probably meant. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const scored = known.map((one) => ({ one, away: distance(squeezed(key), squeezed(one)) })).toSorted((a, b) => a.away - b.away)
  const [best] = scored
  return best && best.away <= Math.max(1, Math.floor(key.length / 4)) ? best.one : undefined
}

const squeezed = (key: string): string => key.toLowerCase().replace(/[-_]/g, '')

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
