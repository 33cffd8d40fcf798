// The configuration a `polypod containerd` command is about, with what is known of the containerd that reads it.
import { dirname, join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { dataDirAt } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { textAt } from '../containerd/config-tree.ts'
import { type EffectiveConfig, effectiveConfig } from '../containerd/effective-config.ts'
import { parseVersion, type Version } from '../containerd/version.ts'
import { ConfigFileError, defaultConfigPath, readConfigFiles } from '../node/containerd/config-files.ts'
import { type ConfigOwner, configOwner } from '../node/containerd/config-owner.ts'
import { type InstancePaths, instancePaths } from '../node/containerd/instance-paths.ts'

export interface ConfigFlags {
  config?: string
  dataDir?: string
  containerdVersion?: Version
}

/** Which file, and which containerd it is for. */
export const configOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration (default: /etc/containerd/config.toml)')
    .option('--data-dir <dir>', "that of a Polypod cluster's own containerd instead")
    .addOption(
      new Option(
        '--containerd-version <version>',
        'read it as this containerd does (default: the one that runs with it)',
      ).argParser((text) => {
        const version = parseVersion(text)
        if (!version) throw new InvalidArgumentError('It must be a version, like 1.7 or 2.1.')
        return version
      }),
    )

export interface OpenConfig {
  path: string
  config: EffectiveConfig
  owner: ConfigOwner
}

export function configPath({ config, dataDir }: { config?: string; dataDir?: string }): string {
  if (config !== undefined && dataDir !== undefined)
    throw new Problem('usage', '--config and --data-dir both say which file: give one of them')
  if (dataDir !== undefined) return join(dataDirAt(dataDir).path, 'containerd', 'config.toml')
  return resolve(config ?? defaultConfigPath)
}

/** Rejects with Problem, in one line, when a file cannot be read. */
export async function openConfig(path: string, version?: Version): Promise<OpenConfig> {
  const files = await readConfigFiles(path).catch((error: unknown) => {
    if (!(error instanceof ConfigFileError)) throw error
    const isAbsent = path === defaultConfigPath && error.message === `${path}: no such file`
    const hint = isAbsent ? ': containerd, if it is here, runs with its defaults (name another file with --config)' : ''
    throw new Problem('failed', `${error.message}${hint}`, error)
  })
  const owner = await configOwner(path)
  // a version that was asked for is not that of what runs here
  const known = version ? { ...owner, version } : owner
  return { path, config: effectiveConfig(files, known.version), owner: known }
}

/** The instance whose configuration the file is; undefined for a containerd that is not ours. */
export function ownPaths({ path, config }: Pick<OpenConfig, 'path' | 'config'>): InstancePaths | undefined {
  const paths = instancePaths(dirname(dirname(path)))
  // other containerds have files of that name, too
  return paths.config === path && textAt(config.root, 'state') === paths.state ? paths : undefined
}
