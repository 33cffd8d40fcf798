// What containerd makes of its configuration files: formats 1 to 4, imports merged as that version of containerd merges them.
import { at, type Branch, type ConfigFile, merged, type Place, textAt } from './config-tree.ts'
import { atLeast, type Version } from './version.ts'

export const criPlugin = 'io.containerd.grpc.v1.cri'
export const runtimePlugin = 'io.containerd.cri.v1.runtime'
export const imagesPlugin = 'io.containerd.cri.v1.images'

/** One handler, as containerd will know it. */
export interface RuntimeTable {
  name: string
  /** `built-in`: written nowhere; containerd's own runc. */
  from: 'runtimes' | 'default_runtime' | 'untrusted_workload_runtime' | 'built-in'
  /** Where its table stands; absent when built in. */
  place?: Place | undefined
  table: Branch
  runtimeType: string
}

/** A table of CRI's that this containerd does not read in this file. */
export interface IgnoredTable {
  place: Place
  /** As in `plugins."…"`. */
  plugin: string
  /** The table it would have to be. */
  instead: string
  /** `hidden`: its `runtimes`, by those of `instead`. */
  effect: 'ignored' | 'refused' | 'hidden'
  /** Handlers that are lost with it. */
  handlers: string[]
  /** Keys of it that would matter. */
  keys: string[]
}

/** An import that takes the place of a whole table of another file, as containerd 1.x does. */
export interface ReplacedTable {
  place: Place
  by: Place
  plugin: string
  handlers: string[]
}

export interface EffectiveConfig {
  /** In the order containerd loads them; the first is the one it is given. */
  files: ConfigFile[]
  containerd: Version
  /** False: concluded from the format. */
  containerdKnown: boolean
  /** Of the first file; 1 when it says none. */
  version: number
  /** Absent when it says none, or 0. */
  versionPlace?: Place | undefined
  /** All files as one, plugins apart. */
  root: Branch
  /** Keys of CRI's runtime side: `containerd`, `cni`, ...; absent when no file has any that counts. */
  cri?: Branch | undefined
  /** Snapshotter of handlers that name none. */
  snapshotter: string
  runtimes: RuntimeTable[]
  defaultName: string
  defaultPlace?: Place | undefined
  /** Where a new handler's table takes effect: the file, and the plugin under `plugins`. */
  home: { file: ConfigFile; plugin: string }
  ignored: IgnoredTable[]
  replaced: ReplacedTable[]
}

/** The newest format a containerd reads. */
export const newestFormat = (containerd: Version): number => {
  if (atLeast(containerd, 2, 3)) return 4
  return atLeast(containerd, 2, 0) ? 3 : 2
}

/** `files` as loaded, at least one. Without `containerd` the oldest that reads the format is meant (1.7 for 1 and 2). */
export function effectiveConfig(files: readonly ConfigFile[], containerd?: Version): EffectiveConfig {
  const [first] = files
  if (!first) throw new Error('no configuration file')
  const version = versionOf(first)
  const fits = containerd !== undefined && version <= newestFormat(containerd)
  const meant = fits ? containerd : (oldestFor[version] ?? { major: 2, minor: 3 })
  const read = atLeast(meant, 2, 0) ? readBy2(files, meant) : readBy1(files)
  const root = files.map((file) => file.root).reduce<Branch | undefined>(merged, undefined) ?? first.root
  const versionPlace = hasVersion(first) ? at(first.root, 'version')?.place : undefined
  const known = { containerd: containerd ?? meant, containerdKnown: containerd !== undefined }
  return { files: [...files], ...known, version, versionPlace, root, ...read, ...handlersOf(read.cri, meant) }
}

const oldestFor: Record<number, Version> = {
  1: { major: 1, minor: 7 },
  2: { major: 1, minor: 7 },
  3: { major: 2, minor: 0 },
  4: { major: 2, minor: 3 },
}

/** As written; absent and 0 mean 1. */
export function versionOf({ root }: ConfigFile): number {
  const value = at(root, 'version')?.value
  return typeof value === 'number' && value > 0 ? value : 1
}

const hasVersion = ({ root }: ConfigFile): boolean => {
  const value = at(root, 'version')?.value
  return typeof value === 'number' && value > 0
}

type Read = Pick<EffectiveConfig, 'cri' | 'snapshotter' | 'home' | 'ignored' | 'replaced'>

const criNames = ['cri', criPlugin, runtimePlugin, imagesPlugin]
const table = (file: ConfigFile, plugin: string): Branch | undefined => at(file.root, 'plugins', plugin)

/** 1.x: the last version wins for all files, and a plugin's table in a later file takes the place of an earlier one whole. */
function readBy1(files: readonly ConfigFile[]): Read {
  const version = files.filter(hasVersion).map(versionOf).at(-1) ?? 1
  const plugin = version === 1 ? 'cri' : criPlugin
  const having = files.filter((file) => table(file, plugin))
  const winner = having.at(-1)
  const cri = winner && table(winner, plugin)
  const kept = new Set(at(cri, 'containerd', 'runtimes')?.children.keys())
  const replaced = having.slice(0, -1).map((file): ReplacedTable => {
    const lost = table(file, plugin)
    const handlers = [...(at(lost, 'containerd', 'runtimes')?.children.keys() ?? [])].filter((name) => !kept.has(name))
    return { place: lost?.place ?? nowhere(file), by: cri?.place ?? nowhere(file), plugin, handlers }
  })
  const ignored = files.flatMap((file) =>
    criNames
      .filter((name) => name !== plugin)
      .flatMap((name) => ignoredTable(file, name, plugin, version >= 2 && !name.includes('.') ? 'refused' : 'ignored')),
  )
  const home = { file: winner ?? (files[0] as ConfigFile), plugin }
  return { cri, snapshotter: textAt(cri, 'containerd', 'snapshotter') || 'overlayfs', home, ignored, replaced }
}

const nowhere = (file: ConfigFile): Place => ({ file: file.path, line: 1 })

function ignoredTable(file: ConfigFile, plugin: string, instead: string, effect: IgnoredTable['effect']): IgnoredTable[] {
  const found = table(file, plugin)
  if (!found) return []
  const handlers = [...(at(found, 'containerd', 'runtimes')?.children.keys() ?? [])]
  return [{ place: found.place, plugin, instead, effect, handlers, keys: [...found.children.keys()] }]
}

/** Keys of io.containerd.grpc.v1.cri that still are its own in format 3. */
const servingKeys = [
  'disable_tcp_service',
  'stream_server_address',
  'stream_server_port',
  'stream_idle_timeout',
  'enable_tls_streaming',
  'x509_key_pair_streaming',
]

/** 2.x: tables of later files are merged into those of earlier ones, and older formats are migrated in memory. */
function readBy2(files: readonly ConfigFile[], containerd: Version): Read {
  const newest = newestFormat(containerd)
  // k8s: 2.0 to 2.2 lift a file of format 1 to 3 by renaming its plugins only, so that CRI's own migration passes it by
  const counted = files.map((file) => (newest === 3 && versionOf(file) === 1 ? 3 : versionOf(file)))
  const last = files
    .map((file, nth) => (hasVersion(file) || nth === 0 ? counted[nth] : undefined))
    .findLast((v) => v !== undefined)
  const isOld = (nth: number) => (newest === 3 ? (last ?? 3) : (counted[nth] ?? 1)) < newest
  const ignored: IgnoredTable[] = []
  const read: CriTables[] = []
  let snapshotter = ''
  for (const [nth, file] of files.entries()) {
    const isFirstFormat = versionOf(file) === 1
    if (!isFirstFormat) ignored.push(...ignoredTable(file, 'cri', runtimePlugin, 'ignored'))
    const old = table(file, criPlugin) ?? (isFirstFormat ? table(file, 'cri') : undefined)
    const moved = old && without(old, servingKeys)
    if (moved && moved.children.size > 0 && !isOld(nth)) ignored.push(...lostTable(moved, file))
    read.push({ old: isOld(nth) ? moved : undefined, fresh: table(file, runtimePlugin) })
    const inOld = isOld(nth) ? textAt(moved, 'containerd', 'snapshotter') : ''
    snapshotter = textAt(table(file, imagesPlugin), 'snapshotter') || inOld || snapshotter
  }
  // k8s: 2.3 migrates each file before it merges, 2.0 to 2.2 what they have merged
  const migrated = newest === 3 ? [read.reduce(together)] : read
  const cri = migrated
    .map(migratedTable)
    .filter((one) => one !== undefined)
    .reduce<Branch | undefined>(merged, undefined)
  ignored.push(...migrated.flatMap((tables) => hiddenTable(tables, cri)))
  const [first] = files as [ConfigFile]
  const plugin = isOld(0) && readsOld(first, migrated[0]?.fresh) ? oldName(first) : runtimePlugin
  return { cri, snapshotter: snapshotter || 'overlayfs', home: { file: first, plugin }, ignored, replaced: [] }
}

/** Whether a handler belongs in the old table: `runtimes` in the new one would hide the old one's. */
const readsOld = (file: ConfigFile, fresh: Branch | undefined): boolean =>
  !at(fresh, 'containerd', 'runtimes') &&
  (table(file, criPlugin) !== undefined || table(file, 'cri') !== undefined || !table(file, runtimePlugin))

const oldName = (file: ConfigFile): string =>
  versionOf(file) === 1 && (table(file, 'cri') || !table(file, criPlugin)) ? 'cri' : criPlugin

function lostTable(moved: Branch, file: ConfigFile): IgnoredTable[] {
  const [key] = moved.children.values()
  const plugin = table(file, criPlugin) ? criPlugin : 'cri'
  const handlers = [...(at(moved, 'containerd', 'runtimes')?.children.keys() ?? [])]
  const place = at(moved, 'containerd')?.place ?? key?.place ?? moved.place
  return [{ place, plugin, instead: runtimePlugin, effect: 'ignored', handlers, keys: [...moved.children.keys()] }]
}

const without = (branch: Branch, keys: readonly string[]): Branch => ({
  ...branch,
  children: new Map([...branch.children].filter(([key]) => !keys.includes(key))),
})

/** CRI's tables that a migration makes one: `old` is absent where there is nothing to migrate. */
interface CriTables {
  old?: Branch | undefined
  fresh?: Branch | undefined
}

const together = (under: CriTables, over: CriTables): CriTables => ({
  old: over.old ? merged(under.old, over.old) : under.old,
  fresh: over.fresh ? merged(under.fresh, over.fresh) : under.fresh,
})

/** What the new table has already wins, key by key and one level down in `containerd` and `cni`. */
function migratedTable({ old, fresh }: CriTables): Branch | undefined {
  if (!old) return fresh
  const both = fresh ? overlaid(old, fresh) : old
  return at(old, 'containerd') ? withSandboxers(both) : both
}

function overlaid(old: Branch, fresh: Branch): Branch {
  const children = new Map([...old.children, ...fresh.children])
  for (const key of ['containerd', 'cni']) {
    const [under, over] = [old.children.get(key), fresh.children.get(key)]
    if (under && over) children.set(key, { ...over, children: new Map([...under.children, ...over.children]) })
  }
  return { ...fresh, children }
}

/** The key `sandbox_mode` of each handler is `sandboxer` in 2.x. */
function withSandboxers(cri: Branch): Branch {
  const renamed = (entry: Branch): Branch => {
    const mode = at(entry, 'sandbox_mode')
    if (!mode || at(entry, 'sandboxer')) return entry
    return { ...entry, children: new Map([...without(entry, ['sandbox_mode']).children, ['sandboxer', mode]]) }
  }
  const within = (branch: Branch, key: string, change: (inner: Branch) => Branch): Branch => {
    const inner = branch.children.get(key)
    return inner ? { ...branch, children: new Map([...branch.children, [key, change(inner)]]) } : branch
  }
  const allOf = (runtimes: Branch): Branch => ({
    ...runtimes,
    children: new Map([...runtimes.children].map(([name, entry]) => [name, renamed(entry)])),
  })
  return within(cri, 'containerd', (containerd) => within(containerd, 'runtimes', allOf))
}

/** Handlers of the old table that nothing reads, since the new one has `runtimes`. */
function hiddenTable({ old, fresh }: CriTables, cri: Branch | undefined): IgnoredTable[] {
  if (!at(fresh, 'containerd', 'runtimes')) return []
  const read = at(cri, 'containerd', 'runtimes')
  const lost = [...(at(old, 'containerd', 'runtimes')?.children ?? [])].filter(([name]) => !read?.children.has(name))
  const [first] = lost
  if (!first) return []
  const handlers = lost.map(([name]) => name)
  return [{ place: first[1].place, plugin: criPlugin, instead: runtimePlugin, effect: 'hidden', handlers, keys: ['containerd'] }]
}

type Handlers = Pick<EffectiveConfig, 'runtimes' | 'defaultName' | 'defaultPlace'>

const runcType = 'io.containerd.runc.v2'
const builtIn: RuntimeTable = {
  name: 'runc',
  from: 'built-in',
  table: { place: { file: '', line: 0 }, value: undefined, children: new Map() },
  runtimeType: runcType,
}

function handlersOf(cri: Branch | undefined, containerd: Version): Handlers {
  const isNew = atLeast(containerd, 2, 0)
  const written = at(cri, 'containerd', 'runtimes')
  const runtimes = [...(written?.children ?? [])].map(([name, entry]): RuntimeTable => {
    const said = textAt(entry, 'runtime_type')
    // in 2.x a table of this name adds to the built-in one
    const runtimeType = said === '' && name === 'runc' && isNew ? runcType : said
    return { name, from: 'runtimes', place: entry.place, table: entry, runtimeType }
  })
  // in 1.x any runtimes that are written replace the built-in one
  if (!runtimes.some((r) => r.name === 'runc') && (isNew || !written)) runtimes.push(builtIn)
  const key = at(cri, 'containerd', 'default_runtime_name')
  const named = { defaultName: key ? textAt(key) : 'runc', defaultPlace: key?.place }
  return isNew ? { runtimes, ...named } : withOldTables(runtimes, named, cri)
}

/** The two tables of containerd 1.x that are handlers, too. */
function withOldTables(runtimes: RuntimeTable[], named: Omit<Handlers, 'runtimes'>, cri: Branch | undefined): Handlers {
  const add = (from: 'default_runtime' | 'untrusted_workload_runtime', name: string): Place | undefined => {
    const entry = at(cri, 'containerd', from)
    const runtimeType = textAt(entry, 'runtime_type')
    if (!entry || runtimeType === '') return undefined
    const same = runtimes.findIndex((r) => r.name === name)
    if (same >= 0) runtimes.splice(same, 1)
    runtimes.push({ name, from, place: entry.place, table: entry, runtimeType })
    return entry.place
  }
  add('untrusted_workload_runtime', 'untrusted')
  const byDefault = add('default_runtime', 'default')
  return byDefault ? { runtimes, defaultName: 'default', defaultPlace: byDefault } : { runtimes, ...named }
}

/** The handler's table; `""` is the default. Undefined when there is no such handler. */
export const runtimeTable = (config: EffectiveConfig, handler: string): RuntimeTable | undefined =>
  config.runtimes.find((r) => r.name === (handler || config.defaultName))
