// The configuration our own containerd starts with: what we write, with what its user has changed since.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfigFile } from '../../containerd/config-tree.ts'
import { effectiveConfig } from '../../containerd/effective-config.ts'
import { keepEdits } from '../../containerd/keep-edits.ts'
import { writeAtomically } from '../../lib/atomic-file.ts'
import type { InstancePaths } from './instance-paths.ts'

export interface EditedConfig {
  text: string
  handlers: string[]
  defaultHandler: string
  /** Remembers what we would have written, once `text` is written: the next start tells edits by it. */
  note(): Promise<void>
}

export async function editedConfig(paths: InstancePaths, rendered: string): Promise<EditedConfig> {
  const baseFile = join(paths.dir, 'config.base.toml')
  const read = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const [base, current] = await Promise.all([read(baseFile), read(paths.config)])
  const text = base === undefined || current === undefined ? rendered : keepEdits({ base, current, rendered })
  const { runtimes, defaultName } = effectiveConfig([parseConfigFile(paths.config, text)])
  return {
    text,
    handlers: runtimes.map(({ name }) => name),
    defaultHandler: defaultName,
    note: () => (base === rendered ? Promise.resolve() : writeAtomically(baseFile, rendered, 0o600)),
  }
}
