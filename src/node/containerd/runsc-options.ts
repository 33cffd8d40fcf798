// The file that tells gVisor's shim what to run and how: shims of this kind take no options from containerd's own configuration.
import { stringify } from 'smol-toml'
import { writeAtomically } from '../../lib/atomic-file.ts'

export interface RunscOptions {
  /** Path of runsc. */
  binary: string
  /** Where runsc keeps its state. */
  root: string
  systemdCgroup: boolean
}

/** TOML text of the shim's options; what is not said is runsc's default (platform systrap, network stack of its own). */
const runscOptionsText = ({ binary, root, systemdCgroup }: RunscOptions): string =>
  stringify({ binary_name: binary, root, ...(systemdCgroup ? { runsc_config: { 'systemd-cgroup': 'true' } } : {}) })

/** Read by the shim for every container, so that a change needs no restart. */
export const writeRunscOptions = (path: string, options: RunscOptions): Promise<void> =>
  writeAtomically(path, runscOptionsText(options), 0o600)
