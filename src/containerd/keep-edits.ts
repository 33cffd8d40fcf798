// What a user has changed in a configuration that we write: kept when we write it anew.
import { checkConfig } from './check.ts'
import { type Branch, parseConfigFile, plain } from './config-tree.ts'
import { addRuntime, type NewRuntime, setDefault } from './edit-add.ts'
import { removeRuntime } from './edit-remove.ts'
import { effectiveConfig, type EffectiveConfig, runtimeTable } from './effective-config.ts'
import { hasErrors } from './finding.ts'
import type { TomlLiteral } from './toml-text.ts'

export interface WrittenConfig {
  /** As we wrote it last time. */
  base: string
  /** As it is now. */
  current: string
  /** As we would write it today. */
  rendered: string
}

/**
 * `rendered` with the handlers that were added, changed or taken out by hand, and with the default they chose; when we would write
 * what we wrote last time, `current` itself. A file that containerd could not start with is given up.
 */
export function keepEdits({ base, current, rendered }: WrittenConfig): string {
  if (base === current) return rendered
  try {
    const text = base === rendered ? current : withEdits(read(base), read(current), rendered)
    return isSound(read(text)) ? text : rendered
  } catch {
    return rendered
  }
}

const read = (text: string): EffectiveConfig => effectiveConfig([parseConfigFile('config.toml', text)])

const isSound = (config: EffectiveConfig): boolean =>
  config.runtimes.some(({ from }) => from === 'runtimes') && !hasErrors(checkConfig(config))

function withEdits(base: EffectiveConfig, current: EffectiveConfig, rendered: string): string {
  const textOf = (config: EffectiveConfig, name: string) => {
    const entry = written(config, name)
    return entry && JSON.stringify(plain(entry.table))
  }
  const names = new Set([...base.runtimes, ...current.runtimes].map(({ name }) => name))
  let text = rendered
  for (const name of names) {
    if (textOf(base, name) === textOf(current, name)) continue
    const old = written(read(text), name)
    if (old) text = removeRuntime(read(text), old)[0]?.text ?? text
    const edited = written(current, name)
    if (edited) text = addRuntime(read(text), newRuntime(name, edited.table)).text
  }
  const config = read(text)
  const isChosen = current.defaultName !== base.defaultName && runtimeTable(config, current.defaultName)
  if (isChosen) return setDefault(config, current.defaultName).text
  // the default may have been taken out
  const [first] = config.runtimes
  return runtimeTable(config, '') || !first ? text : setDefault(config, first.name).text
}

const written = (config: EffectiveConfig, name: string) =>
  config.runtimes.find((entry) => entry.name === name && entry.from === 'runtimes')

function newRuntime(name: string, table: Branch): NewRuntime {
  const literals = (branch: Branch | undefined) =>
    [...(branch?.children ?? [])]
      .filter(([, { value }]) => value !== undefined)
      .map(([key, { value }]) => [key, value as TomlLiteral] as const)
  return { name, keys: literals(table), options: literals(table.children.get('options')) }
}
