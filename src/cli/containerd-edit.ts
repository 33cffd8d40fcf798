// polypod containerd add|remove: what is asked for, as edits of the text that are known to do it.
import { type Command, InvalidArgumentError } from 'commander'
import { parse } from 'smol-toml'
import { Problem } from '../cluster/problem.ts'
import { checkConfig } from '../containerd/check.ts'
import { isHandlerName } from '../containerd/check-runtimes.ts'
import { type ConfigFile, parseConfigFile } from '../containerd/config-tree.ts'
import { addRuntime, EditError, setDefault, type TextEdit } from '../containerd/edit-add.ts'
import { removeRuntime } from '../containerd/edit-remove.ts'
import { type EffectiveConfig, effectiveConfig, runtimeTable } from '../containerd/effective-config.ts'
import { type Finding, findingText } from '../containerd/finding.ts'
import { cgroupDrivers } from '../containerd/machine-questions.ts'
import { linuxV1, takesRuncOptions } from '../containerd/shim-binary.ts'
import type { TomlLiteral } from '../containerd/toml-text.ts'
import { machineAnswers } from '../node/containerd/config-owner.ts'
import type { ChangeWishes } from './containerd-apply.ts'
import { type ConfigFlags, configOptions, configPath, type OpenConfig, openConfig, ownPaths } from './containerd-config.ts'
import { newDefaultText, refuseWhileUsed } from './containerd-users.ts'
import { print } from './output.ts'

type Pair = readonly [string, TomlLiteral]

interface AddFlags extends ConfigFlags, ChangeWishes {
  runtimeType: string
  binary?: string
  default?: boolean
  option: Pair[]
  set: Pair[]
}

export function addCommand(parent: Command): void {
  const command = configOptions(parent.command('add').argument('<name>', 'the handler: what RuntimeClass.handler will say'))
  withRestart(command)
    .description(
      'Add a handler: edits only the lines it needs, keeps a backup, restarts containerd, proves the handler, or puts all back',
    )
    .requiredOption('--runtime-type <type>', 'its shim, as containerd names it, like io.containerd.runc.v2')
    .option('--binary <path>', "the OCI runtime behind runc's shim; with any other shim, the shim itself")
    .option('--default', 'make it the default handler, too')
    .option('--option <key=value>', "a key of the shim's options (repeat it); the value is TOML, or else text", pairs, [])
    .option('--set <key=value>', 'a key beside runtime_type, like snapshotter (repeat it)', pairs, [])
    .addHelpText(
      'after',
      `\nExamples:\n  polypod containerd add youki --runtime-type io.containerd.runc.v2 --binary /usr/bin/youki\n  polypod containerd add gvisor --runtime-type io.containerd.runsc.v1 --set 'pod_annotations=["dev.gvisor.*"]' --restart`,
    )
    .action(async (name: string, flags: AddFlags) => {
      const open = await openConfig(configPath(flags), flags.containerdVersion)
      const edits = await added(open, name, flags)
      const aside = flags.default === true ? await newDefaultText(open, name) : ''
      const { applyChange } = await import('./containerd-apply.ts')
      print((await applyChange(open, edits, { ...flags, prove: name, handler: name, verb: 'added' })) + aside)
    })
}

export function removeCommand(parent: Command): void {
  const command = configOptions(parent.command('remove').argument('<name>', 'the handler'))
  withRestart(command)
    .description('Remove a handler that no Pod uses: edits only its lines, keeps a backup, restarts containerd, or puts all back')
    .option('--default <name>', 'make this the default handler: needed when the one removed is it')
    .addHelpText('after', '\nExample:\n  polypod containerd remove youki')
    .action(async (name: string, flags: ConfigFlags & ChangeWishes & { default?: string }) => {
      const open = await openConfig(configPath(flags), flags.containerdVersion)
      const edits = removed(open, name, flags.default)
      await refuseNewErrors(open, withEdits(open.config, edits))
      await refuseWhileUsed(open, name)
      const aside = flags.default === undefined ? '' : await newDefaultText(open, flags.default)
      const { applyChange } = await import('./containerd-apply.ts')
      print((await applyChange(open, edits, { ...flags, prove: '', handler: name, verb: 'removed' })) + aside)
    })
}

const withRestart = (command: Command): Command =>
  command.option('--restart [command]', 'restart a containerd that is not ours, too (default: systemctl restart containerd)')

function pairs(text: string, before: Pair[]): Pair[] {
  const [key = '', ...rest] = text.split('=')
  if (key.trim() === '' || rest.length === 0) throw new InvalidArgumentError('It must be key=value.')
  return [...before, [key.trim(), literal(rest.join('='))]]
}

function literal(text: string): TomlLiteral {
  try {
    const { value } = parse(`value = ${text}`, { integersAsBigInt: 'asNeeded' })
    if (['string', 'boolean', 'number', 'bigint'].includes(typeof value)) return value as TomlLiteral
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  } catch {
    // text without quotes
  }
  return text
}

async function added(open: OpenConfig, name: string, flags: AddFlags): Promise<TextEdit[]> {
  const { config, path } = open
  if (!isHandlerName(name))
    throw new Problem(
      'usage',
      `"${name}" cannot be a handler's name: RuntimeClass.handler must be a DNS label (a-z, 0-9 and -, at most 63 characters)`,
    )
  const present = runtimeTable(config, name)
  if (present?.place)
    throw new Problem('failed', `handler "${name}" is there already: ${present.place.file}:${present.place.line}`)
  const runtime = { name, keys: entryKeys(flags), options: optionsOf(open, name, flags) }
  const edits = refusable(() => {
    const edit = addRuntime(config, runtime)
    if (flags.default !== true) return [edit]
    return [setDefault(withEdits(config, [edit]), name)]
  })
  const after = withEdits(config, edits)
  if (!runtimeTable(after, name))
    throw new Problem('failed', `${path}: containerd would not read the new table; \`polypod containerd check\` says why`)
  if (flags.default === true && after.defaultName !== name)
    throw new Problem(
      'failed',
      `${path}: something else says the default (${after.defaultName}); \`polypod containerd check\` says what`,
    )
  await refuseNewErrors(open, after)
  return edits
}

function entryKeys({ runtimeType, binary, set }: AddFlags): Pair[] {
  const forBinary: Pair[] = []
  if (binary !== undefined && runtimeType === linuxV1) forBinary.push(['runtime_engine', binary])
  else if (binary !== undefined && !takesRuncOptions(runtimeType)) forBinary.push(['runtime_path', binary])
  return [['runtime_type', runtimeType], ...forBinary, ...set]
}

/** With the cgroup driver of the other handlers, and in a containerd of ours with a root of its own. */
function optionsOf(open: OpenConfig, name: string, { runtimeType, binary, option }: AddFlags): Pair[] {
  if (!takesRuncOptions(runtimeType)) return option
  const isSaid = (key: string) => option.some(([one]) => one === key)
  const isSystemd = cgroupDrivers(open.config).some(({ driver }) => driver === 'systemd')
  const own = ownPaths(open)
  return [
    ...(binary === undefined || isSaid('BinaryName') ? [] : [['BinaryName', binary] as const]),
    ...(own && !isSaid('Root') ? [['Root', `${own.state}/runtimes/${name}`] as const] : []),
    ...(isSystemd && !isSaid('SystemdCgroup') ? [['SystemdCgroup', true] as const] : []),
    ...option,
  ]
}

function removed({ config, path }: OpenConfig, name: string, byDefault: string | undefined): TextEdit[] {
  const entry = runtimeTable(config, name)
  if (!entry || name === '')
    throw new Problem(
      'failed',
      `there is no handler "${name}" in ${path}: it has ${config.runtimes.map((r) => r.name).join(', ')}`,
    )
  if (config.defaultName === name && (byDefault === undefined || byDefault === name))
    throw new Problem('failed', `"${name}" is the default handler: say with --default which one is to be it`)
  if (byDefault !== undefined && !runtimeTable(config, byDefault))
    throw new Problem(
      'failed',
      `there is no handler "${byDefault}" to be the default: ${path} has ${config.runtimes.map((r) => r.name).join(', ')}`,
    )
  return refusable(() => {
    const edits = removeRuntime(config, entry)
    if (byDefault === undefined || entry.from === 'default_runtime') return edits
    const edit = setDefault(withEdits(config, edits), byDefault)
    return [...edits.filter(({ file }) => file !== edit.file), edit]
  })
}

function refusable<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof EditError ? new Problem('failed', error.message, error) : error
  }
}

/** The configuration as the edits make it. */
export function withEdits(config: EffectiveConfig, edits: readonly TextEdit[]): EffectiveConfig {
  const files = config.files.map((file): ConfigFile => {
    const edit = edits.find((one) => one.file === file.path)
    return edit ? parseConfigFile(file.path, edit.text) : file
  })
  return effectiveConfig(files, config.containerdKnown ? config.containerd : undefined)
}

/** Errors that were there before are not ours to mend, and not to be added to. */
async function refuseNewErrors({ config, owner }: OpenConfig, after: EffectiveConfig): Promise<void> {
  const errors = async (one: EffectiveConfig) =>
    checkConfig(one, await machineAnswers(one, owner)).filter(({ severity }) => severity === 'error')
  const keyOf = ({ code, about }: Finding) => `${code} ${about}`
  const old = new Set((await errors(config)).map(keyOf))
  const fresh = (await errors(after)).filter((finding) => !old.has(keyOf(finding)))
  if (fresh.length > 0)
    throw new Problem('failed', `nothing was changed, because it would not work:\n${fresh.map(findingText).join('')}`.trimEnd())
}
