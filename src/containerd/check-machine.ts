// Traps that only the machine shows: binaries, files and plugins that a handler names and that are not there.
import { at, isTrue, type Place, textAt, textsAt } from './config-tree.ts'
import type { EffectiveConfig, RuntimeTable } from './effective-config.ts'
import type { Finding } from './finding.ts'
import { type MachineAnswers, ociRuntimeOf, proxySocket, sandboxShimOf, shimOf } from './machine-questions.ts'
import { linuxV1 } from './shim-binary.ts'
import { atLeast } from './version.ts'

/** Snapshotters are known without asking the machine; all else needs answers. */
export function checkMachine(config: EffectiveConfig, machine: MachineAnswers | undefined): Finding[] {
  return config.runtimes.flatMap((entry) => [
    ...snapshotterFindings(entry, config),
    ...(machine
      ? [
          ...shimFindings(entry, config, machine),
          ...fileFindings(entry, config, machine),
          ...socketFindings(entry, config, machine),
          ...specFindings(entry, machine),
        ]
      : []),
  ])
}

function shimFindings(entry: RuntimeTable, config: EffectiveConfig, machine: MachineAnswers): Finding[] {
  const { name, runtimeType, table } = entry
  const shim = shimOf(entry, config)
  const isGone = runtimeType === linuxV1 && atLeast(config.containerd, 2, 0)
  if (shim === undefined || isGone || (shim.includes('/') && !shim.startsWith('/'))) return []
  const place = at(table, 'runtime_path')?.place ?? at(table, 'runtime_type')?.place ?? entry.place
  if (!(shim.startsWith('/') ? machine.present.has(shim) : machine.shims.has(shim)))
    return [
      {
        ...{ severity: 'error', code: 'shim-missing', place, about: name },
        what: shim.startsWith('/')
          ? `the shim ${shim} of handler "${name}" is not there`
          : `the shim ${shim} of handler "${name}" is in none of ${machine.shimFolders.join(', ')}`,
        consequence: `containerd still offers the handler; each Pod of it fails at its start: runtime "${runtimeType}" binary not installed "${shim}"`,
        cure: shim.startsWith('/')
          ? 'install it there, or mend runtime_path'
          : 'install it in one of these folders, or give its absolute path as runtime_path',
      },
    ]
  return [...sandboxShimFindings(entry, config, machine), ...ociRuntimeFindings(entry, machine)]
}

function sandboxShimFindings(entry: RuntimeTable, config: EffectiveConfig, machine: MachineAnswers): Finding[] {
  const { name, runtimeType, table } = entry
  const byName = sandboxShimOf(entry, config)
  const path = textAt(table, 'runtime_path')
  const found = byName && machine.shims.get(byName)
  if (byName === undefined || found === path) return []
  return [
    {
      ...{
        severity: found ? 'warning' : 'error',
        code: 'runtime-path-sandbox',
        place: at(table, 'runtime_path')?.place,
        about: name,
      },
      what: `containerd 1.6 minds runtime_path of handler "${name}" for containers only, not for their sandbox`,
      consequence: found
        ? `sandboxes start with ${found}, which may be another shim`
        : `each Pod of it fails at its start: runtime "${runtimeType}" binary not installed "${byName}"`,
      cure: `put the shim, as ${byName}, in one of ${machine.shimFolders.join(', ')}, or use containerd 1.7 or later`,
    },
  ]
}

function socketFindings({ name, table }: RuntimeTable, config: EffectiveConfig, machine: MachineAnswers): Finding[] {
  const snapshotter = textAt(table, 'snapshotter')
  const socket = proxySocket(config, snapshotter)
  if (socket === undefined || machine.present.has(socket)) return []
  return [
    {
      ...{
        severity: 'error',
        code: 'snapshotter-away',
        place: at(config.root, 'proxy_plugins', snapshotter, 'address')?.place,
        about: name,
      },
      what: `the snapshotter "${snapshotter}" of handler "${name}" is to be served on ${socket}, which is not there`,
      consequence: 'images cannot be unpacked for it, and its Pods do not start',
      cure: 'start the snapshotter, or mend its address',
    },
  ]
}

function ociRuntimeFindings(entry: RuntimeTable, machine: MachineAnswers): Finding[] {
  const runtime = ociRuntimeOf(entry)
  if (runtime === undefined || (runtime.startsWith('/') ? machine.present.has(runtime) : machine.runtimes.has(runtime))) return []
  const { name, table } = entry
  return [
    {
      ...{ severity: 'error', code: 'runtime-binary-missing', about: name },
      place: at(table, 'options', 'BinaryName')?.place ?? at(table, 'runtime_engine')?.place ?? entry.place,
      what: `the OCI runtime ${runtime} of handler "${name}" is not ${runtime.startsWith('/') ? 'there' : 'on PATH'}`,
      consequence: 'its shim starts and each Pod of it fails: executable file not found',
      cure: 'install it, or mend BinaryName',
    },
  ]
}

interface NamedFile {
  code: string
  path: string
  place: Place | undefined
  consequence: string
}

function fileFindings({ name, table }: RuntimeTable, { containerd }: EffectiveConfig, machine: MachineAnswers): Finding[] {
  const file = (code: string, consequence: string, ...key: string[]): NamedFile => ({
    ...{ code, path: textAt(table, ...key), place: at(table, ...key)?.place, consequence },
  })
  const files = [
    file(
      'base-spec-missing',
      'containerd does not load CRI, and no Pod of any handler starts: failed to open base OCI spec',
      'base_runtime_spec',
    ),
    file('cni-conf-missing', 'Pods of this handler get no network: cni plugin not initialized', 'cni_conf_dir'),
    file(
      'options-file-missing',
      'its shim cannot read its configuration: Pods fail, or run with its defaults',
      'options',
      'ConfigPath',
    ),
  ]
  const missing = files
    .filter(({ path }) => path !== '' && !machine.present.has(path))
    .map(({ code, path, place, consequence }): Finding => {
      const what = `${path}, named by handler "${name}", is not there`
      return { severity: 'error', code, place, about: name, what, consequence, cure: 'make it, or mend its path' }
    })
  if (!isTrue(table, 'cgroup_writable') || !atLeast(containerd, 2, 1) || machine.cgroupV2) return missing
  return [
    ...missing,
    {
      ...{ severity: 'error', code: 'cgroup-writable', place: at(table, 'cgroup_writable')?.place, about: name },
      what: `cgroup_writable of handler "${name}" on a machine without cgroup v2`,
      consequence: 'containerd does not load CRI, and no Pod of any handler starts',
      cure: 'take it out, or boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)',
    },
  ]
}

function specFindings({ name, table }: RuntimeTable, machine: MachineAnswers): Finding[] {
  const path = textAt(table, 'base_runtime_spec')
  const why = machine.broken.get(path)
  if (why === undefined) return []
  return [
    {
      ...{ severity: 'error', code: 'base-spec-invalid', place: at(table, 'base_runtime_spec')?.place, about: name },
      what: `${path}, named by handler "${name}", is no OCI spec: ${why}`,
      consequence: 'containerd does not load CRI, and no Pod of any handler starts: failed to load base OCI spec',
      cure: 'write an OCI spec in JSON there (`ctr oci spec` prints one), or mend its path',
    },
  ]
}

const snapshotters = (config: EffectiveConfig): Set<string> => {
  const proxies = [...(at(config.root, 'proxy_plugins')?.children ?? [])]
  const disabled = new Set(config.files.flatMap((file) => textsAt(file.root, 'disabled_plugins')))
  const brought = [
    ...['overlayfs', 'native', 'btrfs', 'devmapper', 'windows', 'windows-lcow', 'zfs'],
    ...(atLeast(config.containerd, 2, 0) ? [] : ['aufs']),
    ...(atLeast(config.containerd, 1, 7) ? ['blockfile'] : []),
    ...(atLeast(config.containerd, 2, 1) ? ['erofs'] : []),
  ].filter((name) => !disabled.has(`io.containerd.snapshotter.v1.${name}`) && !disabled.has(name))
  return new Set([...brought, ...proxies.filter(([, proxy]) => textAt(proxy, 'type') === 'snapshot').map(([name]) => name)])
}

/** Keys of which one must be there: containerd skips these plugins otherwise. A root that is named may hold a scratch file already. */
const neededBy: Record<string, string[]> = { devmapper: ['pool_name'], blockfile: ['scratch_file', 'root_path'] }

/** The key a snapshotter of containerd's own lacks. */
function lackOf(snapshotter: string, { root }: EffectiveConfig): string | undefined {
  const keys = neededBy[snapshotter] ?? []
  const plugins = [`io.containerd.snapshotter.v1.${snapshotter}`, snapshotter]
  const isSaid = keys.some((key) => plugins.some((plugin) => textAt(root, 'plugins', plugin, key) !== ''))
  return isSaid || at(root, 'proxy_plugins', snapshotter) ? undefined : keys[0]
}

function snapshotterFindings({ name, table, place }: RuntimeTable, config: EffectiveConfig): Finding[] {
  const wanted = textAt(table, 'snapshotter')
  const isThere = snapshotters(config).has(wanted)
  const lack = lackOf(wanted, config)
  // 1.6 does not know the key, and an unknown key is a finding already
  if (wanted === '' || !atLeast(config.containerd, 1, 7) || (isThere && lack === undefined)) return []
  return [
    {
      ...{ severity: 'error', code: 'snapshotter-missing', place: at(table, 'snapshotter')?.place ?? place, about: name },
      what: `handler "${name}" wants the snapshotter "${wanted}", which ${
        isThere ? `containerd skips without ${lack}` : 'containerd does not bring and no proxy_plugins table names'
      }`,
      consequence: `images cannot be unpacked for it: snapshotter not loaded: ${wanted}`,
      cure: isThere
        ? `write ${lack} in plugins."io.containerd.snapshotter.v1.${wanted}"`
        : `add [proxy_plugins.${wanted}] with type = "snapshot" and the address of its socket, or take the key out`,
    },
  ]
}
