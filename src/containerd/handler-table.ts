// THE list of runtimes: which binaries make which RuntimeClass handler. To add one, add a row.
import { atLeast, type Version } from './version.ts'

export interface HandlerRecipe {
  /** The handler's name: what RuntimeClass.handler says. */
  name: string
  /** containerd's name of the shim. */
  runtimeType: string
  /** The shim's binary, as containerd derives it from the type. */
  shim: string
  /** The OCI runtime the shim runs; absent when the shim is the runtime. */
  runtime?: string | undefined
  /**
   * How the shim is told of `runtime`: the runc shim by option, shim API v1 by keys of the entry, the runsc shim by a file that an
   * option names, others find what they need by themselves.
   */
  told: 'option' | 'entry' | 'file' | 'nothing'
  /** Not offered from this containerd on. */
  goneSince?: Version | undefined
  /** Refuses to run where cgroup v1 controllers lie beside a v2 mount ("hybrid"); gets a mount namespace without it. */
  refusesHybridCgroups?: boolean | undefined
}

/** gVisor's, whose sandboxes are no namespaces of the machine: their network and processes are reached through runsc alone. */
export const runscType = 'io.containerd.runsc.v1'

const runcShim = { runtimeType: 'io.containerd.runc.v2', shim: 'containerd-shim-runc-v2', told: 'option' } as const
const wasm = (name: string, type = `io.containerd.${name}.v1`): HandlerRecipe => ({
  name,
  runtimeType: type,
  shim: `containerd-shim-${type.split('.').slice(-2).join('-')}`,
  told: 'nothing',
})

export const handlerTable: readonly HandlerRecipe[] = [
  { name: 'runc', runtime: 'runc', ...runcShim },
  {
    name: 'runc-v1',
    runtimeType: 'io.containerd.runtime.v1.linux',
    shim: 'containerd-shim',
    runtime: 'runc',
    told: 'entry',
    goneSince: { major: 2, minor: 0 },
  },
  { name: 'crun', runtime: 'crun', refusesHybridCgroups: true, ...runcShim },
  { name: 'youki', runtime: 'youki', ...runcShim },
  { name: 'gvisor', runtimeType: runscType, shim: 'containerd-shim-runsc-v1', runtime: 'runsc', told: 'file' },
  { name: 'kata', runtimeType: 'io.containerd.kata.v2', shim: 'containerd-shim-kata-v2', told: 'nothing' },
  wasm('wasmtime'),
  wasm('wasmedge'),
  wasm('wasmer'),
  wasm('lunatic'),
  wasm('slight'),
  wasm('spin', 'io.containerd.spin.v2'),
]

/** Every binary the table asks for, once. */
export const handlerBinaries = (): string[] => [
  ...new Set(handlerTable.flatMap((r) => (r.runtime ? [r.shim, r.runtime] : [r.shim]))),
]

/** The rows whose binaries are all in `found` (name to path) and which this containerd can run, in the table's order. */
export function offeredHandlers(found: ReadonlyMap<string, string>, containerd: Version): HandlerRecipe[] {
  return handlerTable.filter(
    ({ shim, runtime, goneSince }) =>
      found.has(shim) &&
      (runtime === undefined || found.has(runtime)) &&
      !(goneSince && atLeast(containerd, goneSince.major, goneSince.minor)),
  )
}
