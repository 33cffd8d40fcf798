// polypod containerd show: the handlers of a configuration as containerd will have them.
import { textAt } from '../containerd/config-tree.ts'
import { runtimeTable } from '../containerd/effective-config.ts'
import { ociRuntimeOf, shimOf } from '../containerd/machine-questions.ts'
import type { OpenConfig } from './containerd-config.ts'
import { table } from './output.ts'

export interface ShownConfig {
  file: string
  imports: string[]
  /** Of the file; 1 when it says none. */
  version: number
  containerd: { version: string; known: boolean; pid?: number | undefined }
  defaultHandler: string
  snapshotter: string
  handlers: ShownHandler[]
  /** Tables of CRI that this containerd does not read. */
  ignored: { file: string; line: number; plugin: string; handlers: string[] }[]
}

export interface ShownHandler {
  name: string
  isDefault: boolean
  runtimeType: string
  shim?: string | undefined
  ociRuntime?: string | undefined
  snapshotter?: string | undefined
  /** Absent for the one containerd builds in. */
  file?: string | undefined
  line?: number | undefined
}

export function shownConfig({ path, config, owner }: OpenConfig): ShownConfig {
  const { major, minor } = config.containerd
  return {
    file: path,
    imports: config.files.slice(1).map((file) => file.path),
    version: config.version,
    containerd: { version: `${major}.${minor}`, known: config.containerdKnown, pid: owner.pid },
    defaultHandler: config.defaultName,
    snapshotter: config.snapshotter,
    handlers: config.runtimes.map((entry) => ({
      name: entry.name,
      isDefault: entry === runtimeTable(config, ''),
      runtimeType: entry.runtimeType,
      shim: shimOf(entry, config),
      ociRuntime: ociRuntimeOf(entry),
      snapshotter: textAt(entry.table, 'snapshotter') || undefined,
      ...entry.place,
    })),
    ignored: config.ignored.map(({ place, plugin, handlers }) => ({ ...place, plugin, handlers })),
  }
}

export function showText(shown: ShownConfig): string {
  const { version, known, pid } = shown.containerd
  const reader = known ? `containerd ${version}${pid === undefined ? '' : ` (pid ${pid})`}` : `as containerd ${version} would`
  const lines = [
    `${shown.file}, version ${shown.version}, read by ${reader}`,
    ...shown.imports.map((path) => `  imports ${path}`),
    ...shown.ignored.map(
      ({ file, line, plugin }) => `  ${file}:${line}: plugins."${plugin}" is ignored (see \`polypod containerd check\`)`,
    ),
    '',
  ]
  const rows = shown.handlers.map((handler) => [
    handler.name,
    handler.isDefault ? 'yes' : '',
    handler.runtimeType || '-',
    handler.shim ?? '-',
    handler.ociRuntime ?? '-',
    handler.snapshotter ?? shown.snapshotter,
    handler.file === undefined ? 'built in' : `${handler.file}:${handler.line}`,
  ])
  return `${lines.join('\n')}\n${table(['HANDLER', 'DEFAULT', 'TYPE', 'SHIM', 'OCI RUNTIME', 'SNAPSHOTTER', 'WHERE'], rows)}`
}
