// Traps of format, version and imports: what containerd does not read, or refuses to start with.
import { at, type ConfigFile, textsAt } from './config-tree.ts'
import {
  criPlugin,
  type EffectiveConfig,
  type IgnoredTable,
  imagesPlugin,
  newestFormat,
  runtimePlugin,
  versionOf,
} from './effective-config.ts'
import type { Finding } from './finding.ts'
import { rootKeys, unknownKeys } from './known-keys.ts'
import { atLeast, type Version } from './version.ts'

export const versionText = ({ major, minor }: Version): string => `${major}.${minor}`

export function checkFormat(config: EffectiveConfig): Finding[] {
  return [
    ...versionFindings(config),
    ...ignoredFindings(config),
    ...replacedFindings(config),
    ...importFindings(config),
    ...pluginListFindings(config),
    ...config.files.flatMap((file) => unknownKeys(file.root, rootKeys, { where: 'the top of the file' })),
    ...config.files.flatMap(strayImageKeys),
    ...config.files.flatMap((file) => strayHandlers(file, config)),
  ]
}

function versionFindings(config: EffectiveConfig): Finding[] {
  const [file] = config.files as [ConfigFile]
  const { containerd } = config
  const newest = newestFormat(containerd)
  const tooNew = config.files.filter((one) => versionOf(one) > newest)
  if (tooNew.length > 0)
    return tooNew.map((one) => ({
      ...{ severity: 'error', code: 'version-unsupported', place: at(one.root, 'version')?.place },
      what: `version = ${versionOf(one)}, but containerd ${versionText(containerd)} reads at most ${newest}`,
      consequence: 'containerd refuses to start (1.6 reads the file as if it were version 2)',
      cure: `write the file in format ${newest}, or install containerd ${versionOf(one) === 4 ? '2.3' : '2.0'} or later`,
    }))
  if (config.versionPlace || !at(file.root, 'plugins')) return []
  const wanted = atLeast(containerd, 2, 0) ? newest : 2
  const zero = at(file.root, 'version')
  return [
    {
      ...{ severity: 'warning', code: 'version-missing', place: zero?.place ?? { file: file.path, line: 1 } },
      what: zero ? 'the version key says none' : 'no version key',
      consequence: 'containerd reads the file as version 1, in which CRI is `plugins.cri`',
      cure: `put \`version = ${wanted}\` at the top and name the tables as that version does`,
    },
  ]
}

function ignoredFindings(config: EffectiveConfig): Finding[] {
  return config.ignored
    .filter(({ effect, plugin, keys }) => effect === 'refused' || plugin !== imagesPlugin || keys.length > 0)
    .map((table) => ({ severity: 'error', code: 'table-ignored', place: table.place, ...ignoredText(table, config) }))
}

function ignoredText(
  { place, plugin, instead, effect, handlers }: IgnoredTable,
  config: EffectiveConfig,
): Pick<Finding, 'what' | 'consequence' | 'cure'> {
  const away = handlers.find((name) => !config.runtimes.some((entry) => entry.name === name))
  const outcome = away === undefined ? `containerd's own "${handlers[0]}" runs` : `no runtime for "${away}" is configured`
  const gone = `its handlers (${handlers.join(', ')}) are lost: ${outcome}`
  if (effect === 'hidden')
    return {
      what: `plugins."${instead}" has runtimes, too, and hides those of plugins."${plugin}"`,
      consequence: `containerd ${meantVersions(config)} merges the two key by key, and takes \`runtimes\` whole; ${gone}`,
      cure: `move them to plugins."${instead}".containerd.runtimes`,
    }
  const file = config.files.find(({ path }) => path === place.file)
  const version = file ? versionOf(file) : config.version
  const lost = handlers.length === 0 ? '' : `; ${gone}`
  return {
    what: `plugins."${plugin}" is not what containerd ${meantVersions(config)} reads in a file of version ${version}`,
    consequence:
      effect === 'refused'
        ? `containerd refuses to start: invalid plugin key URI "${plugin}" expect io.containerd.x.vx`
        : `the table is ignored${atLeast(config.containerd, 2, 0) ? ', with a warning in the log at most' : ' without a word'}${lost}`,
    cure: cureOf(config, plugin, instead, version),
  }
}

/** Settings of images that format 3 took out of CRI's runtime side. */
const imageKeys = ['sandbox_image', 'registry', 'image_decryption', 'max_concurrent_downloads', 'image_pull_progress_timeout']

function strayImageKeys({ root }: ConfigFile): Finding[] {
  const stray = [...(at(root, 'plugins', runtimePlugin)?.children ?? [])].filter(([key]) => imageKeys.includes(key))
  return stray.map(([key, { place }]) => ({
    ...{ severity: 'warning', code: 'unknown-key', place },
    what: `plugins."${runtimePlugin}" has no key ${key}`,
    consequence: 'it has no effect',
    cure: `write it in plugins."${imagesPlugin}"${key === 'sandbox_image' ? ', as pinned_images.sandbox' : ''}`,
  }))
}

/** Handlers of a plugin that is none: its name is misspelt. */
function strayHandlers({ root }: ConfigFile, { home }: EffectiveConfig): Finding[] {
  const plugins = [...(at(root, 'plugins')?.children ?? [])].filter(([name]) => !needed.includes(name))
  return plugins.flatMap(([name, table]): Finding[] => {
    const handlers = [...(at(table, 'containerd', 'runtimes')?.children.keys() ?? [])]
    if (handlers.length === 0) return []
    return [
      {
        ...{ severity: 'warning', code: 'unknown-key', place: table.place },
        what: `plugins."${name}" has handlers (${handlers.join(', ')}), and containerd has no such plugin`,
        consequence: 'containerd does not read it: these handlers do not exist',
        cure: `name the table plugins."${home.plugin}"`,
      },
    ]
  })
}

const meantVersions = ({ containerd }: EffectiveConfig): string => {
  if (!atLeast(containerd, 2, 0)) return '1.x'
  return atLeast(containerd, 2, 3) ? versionText(containerd) : '2.0 to 2.2'
}

function cureOf({ containerd }: EffectiveConfig, plugin: string, instead: string, version: number): string {
  if (atLeast(containerd, 2, 0) && plugin === criPlugin && version !== 2 && !atLeast(containerd, 2, 3))
    return `write \`version = 2\`, which is migrated, or name the table plugins."${runtimePlugin}"`
  if (plugin === criPlugin && instead === 'cri') return 'write `version = 2` at the top of the file'
  const gone = plugin === imagesPlugin ? `; image settings belong in it, too` : ''
  return `name the table plugins.${instead.includes('.') ? `"${instead}"` : instead}${gone}`
}

function replacedFindings({ replaced }: EffectiveConfig): Finding[] {
  return replaced.map(({ place, by, plugin, handlers }) => ({
    ...{ severity: 'error', code: 'import-replaces', place: by },
    what: `this table takes the place of the whole of plugins.${plugin.includes('.') ? `"${plugin}"` : plugin} at ${place.file}:${place.line}`,
    consequence: `containerd 1.x merges imports plugin by plugin, not key by key: ${
      handlers.length === 0
        ? 'all other settings of that table are lost'
        : `handlers ${handlers.join(', ')} and all other settings there are lost`
    }`,
    cure: 'keep all of CRI in one file, or use containerd 2.0 or later, which merges',
  }))
}

function importFindings({ files, containerd, version, versionPlace }: EffectiveConfig): Finding[] {
  const [first, ...others] = files as [ConfigFile, ...ConfigFile[]]
  const found: Finding[] = []
  if (!atLeast(containerd, 2, 0))
    for (const pattern of textsAt(first.root, 'imports').filter((one) => one.includes('*') && !one.startsWith('/')))
      found.push({
        ...{ severity: 'warning', code: 'import-glob-relative', place: at(first.root, 'imports')?.place },
        what: `import "${pattern}" has a glob and no absolute path`,
        consequence: 'containerd 1.x looks for it below its working directory, not beside this file; nothing found is no error',
        cure: 'write the absolute path',
      })
  if (atLeast(containerd, 2, 3) && versionPlace)
    for (const file of others.filter((other) => versionOf(other) > version))
      found.push({
        ...{ severity: 'error', code: 'import-version', place: at(file.root, 'version')?.place },
        what: `version = ${versionOf(file)} in an imported file, above the ${version} of ${first.path}`,
        consequence: 'containerd 2.3 refuses to start: drop-in config version higher than root config version',
        cure: `raise the version of ${first.path}, or write this file in format ${version}`,
      })
  return found
}

/** Plugins that serve CRI, as `disabled_plugins` names them. */
const needed = ['cri', criPlugin, runtimePlugin, imagesPlugin]

function pluginListFindings({ files, version, containerd }: EffectiveConfig): Finding[] {
  const byName = version === 1 && !atLeast(containerd, 2, 0)
  return files.flatMap((file) =>
    (['disabled_plugins', 'required_plugins'] as const).flatMap((list) =>
      textsAt(file.root, list).flatMap((plugin): Finding[] => {
        const place = at(file.root, list)?.place
        if (version > 1 && !plugin.includes('.')) return [shortName(list, plugin, place)]
        const isCri = byName ? plugin === 'cri' : needed.includes(plugin)
        return list === 'disabled_plugins' && isCri ? [criDisabled(plugin, place)] : []
      }),
    ),
  )
}

const shortName = (list: string, plugin: string, place: Finding['place']): Finding => ({
  ...{ severity: 'error', code: 'plugin-name-short', place },
  what: `${list} names "${plugin}", which only format 1 allows`,
  consequence: `containerd refuses to start: invalid ${list.split('_')[0]} plugin URI "${plugin}" expect io.containerd.x.vx`,
  cure: plugin === 'cri' ? `write "${criPlugin}", or take it out if you want Kubernetes` : 'write the full name, io.containerd.…',
})

const criDisabled = (plugin: string, place: Finding['place']): Finding => ({
  ...{ severity: 'error', code: 'cri-disabled', place },
  what: `disabled_plugins has "${plugin}"`,
  consequence:
    "containerd serves no CRI: kubelets get `unknown service runtime.v1.RuntimeService` (Docker's package ships its file like that)",
  cure: 'take it out of disabled_plugins',
})
