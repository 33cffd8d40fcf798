// config.toml of a containerd instance of our own, as one model for every format that containerd reads today.
import { stringify, type TomlTable } from 'smol-toml'
import type { HandlerRecipe } from './handler-table.ts'

export interface HandlerEntry {
  recipe: HandlerRecipe
  /** Path of the OCI runtime (or of what stands in for it); absent when the shim is the runtime. */
  runtimePath?: string | undefined
  /** Path of the shim, or of what stands in for it; absent: containerd finds it by the name of the type. */
  shimPath?: string | undefined
  /** The file that `runtimePath` and the rest is written in; for shims told by file. */
  optionsFile?: string | undefined
}

export interface ContainerdConfig {
  format: 2 | 3 | 4
  root: string
  state: string
  socket: string
  handlers: HandlerEntry[]
  /** Must be one of `handlers`. */
  defaultHandler: string
  sandboxImage: string
  snapshotter: 'overlayfs' | 'native'
  cniBinDir: string
  cniConfDir: string
  systemdCgroup: boolean
  /** Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj, and sandboxes would not start. */
  restrictOomScoreAdj: boolean
}

/** TOML text; the same model always gives the same text, so that a change can be seen by comparing. */
export function renderConfig(model: ContainerdConfig): string {
  return stringify(model.format === 2 ? format2(model) : format3(model))
}

// /opt/containerd would be left behind, and the socket of NRI belongs to the machine's own containerd
const disabled = ['io.containerd.internal.v1.opt', 'io.containerd.nri.v1.nri', 'io.containerd.internal.v1.tracing']

const head = ({ format, root, state, socket }: ContainerdConfig): TomlTable => ({
  version: format,
  root,
  state,
  imports: [],
  disabled_plugins: disabled,
  // a mistake in this file must end containerd, not leave it running without CRI
  required_plugins: ['io.containerd.grpc.v1.cri'],
  ...(format === 4 ? {} : { grpc: { address: socket } }),
})

const streaming = { stream_server_address: '127.0.0.1', stream_server_port: '0' }

const containerdTable = (model: ContainerdConfig): TomlTable => ({
  default_runtime_name: model.defaultHandler,
  runtimes: Object.fromEntries(model.handlers.map((h) => [h.recipe.name, runtimeEntry(h, model)])),
})

/** Where a runtime keeps its own state; it would otherwise be shared with the machine's containerd. */
export const runtimeRoot = (state: string, handler: string): string => `${state}/runtimes/${handler}`

function runtimeEntry({ recipe, runtimePath = '', shimPath, optionsFile }: HandlerEntry, model: ContainerdConfig): TomlTable {
  const type = { runtime_type: recipe.runtimeType, ...(shimPath === undefined ? {} : { runtime_path: shimPath }) }
  const root = runtimeRoot(model.state, recipe.name)
  if (recipe.told === 'option')
    return { ...type, options: { BinaryName: runtimePath, Root: root, SystemdCgroup: model.systemdCgroup } }
  if (recipe.told === 'entry') return { ...type, runtime_engine: runtimePath, runtime_root: root }
  if (optionsFile !== undefined)
    return { ...type, options: { TypeUrl: `${recipe.runtimeType}.options`, ConfigPath: optionsFile } }
  return type
}

const cri = (model: ContainerdConfig): TomlTable => ({
  restrict_oom_score_adj: model.restrictOomScoreAdj,
  netns_mounts_under_state_dir: true,
  cni: { bin_dir: model.cniBinDir, conf_dir: model.cniConfDir },
})

const format2 = (model: ContainerdConfig): TomlTable => ({
  ...head(model),
  plugins: {
    'io.containerd.grpc.v1.cri': {
      ...streaming,
      sandbox_image: model.sandboxImage,
      ...cri(model),
      containerd: { snapshotter: model.snapshotter, ...containerdTable(model) },
    },
  },
})

const format3 = (model: ContainerdConfig): TomlTable => ({
  ...head(model),
  plugins: {
    ...(model.format === 4
      ? {
          'io.containerd.server.v1.grpc': { address: model.socket },
          'io.containerd.server.v1.ttrpc': { address: `${model.socket}.ttrpc` },
        }
      : {}),
    'io.containerd.cri.v1.images': { snapshotter: model.snapshotter, pinned_images: { sandbox: model.sandboxImage } },
    'io.containerd.cri.v1.runtime': { ...cri(model), containerd: containerdTable(model) },
    'io.containerd.grpc.v1.cri': streaming,
  },
})
