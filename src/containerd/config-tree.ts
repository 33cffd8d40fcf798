// One file of containerd's configuration as a tree that remembers file and line of everything.
import { parse, TomlError } from 'smol-toml'
import { type TomlPlace, tomlPlaces } from './toml-places.ts'

export interface Place {
  file: string
  /** 1-based. */
  line: number
}

/** A table (`children`, no `value`) or a value. */
export interface Branch {
  place: Place
  value: unknown
  children: Map<string, Branch>
}

export interface ConfigFile {
  path: string
  text: string
  root: Branch
  places: TomlPlace[]
}

/** Not TOML, in one line; line and column 1-based. */
export class ConfigSyntaxError extends Error {
  override name = 'ConfigSyntaxError'
  readonly place: Place
  readonly column: number
  constructor(place: Place, column: number, why: string, cause?: unknown) {
    super(`${place.file}:${place.line}:${column}: not valid TOML: ${why}`, { cause })
    this.place = place
    this.column = column
  }
}

/** Throws ConfigSyntaxError. */
export function parseConfigFile(path: string, text: string): ConfigFile {
  const table = parsedToml(path, text)
  const places = tomlPlaces(text)
  const lines = new Map<string, number>()
  // a header or a dotted key also is where the tables on its way are first named
  for (const place of places)
    for (let length = 1; length <= place.path.length; length += 1) {
      const id = JSON.stringify(place.path.slice(0, length))
      if (!lines.has(id) || (length === place.path.length && place.kind === 'table')) lines.set(id, place.line)
    }
  const branchOf = (value: unknown, at: string[]): Branch => {
    const place = { file: path, line: lines.get(JSON.stringify(at)) ?? 1 }
    if (!isTable(value)) return { place, value, children: new Map() }
    const children = Object.entries(value).map(([key, child]) => [key, branchOf(child, [...at, key])] as const)
    return { place, value: undefined, children: new Map(children) }
  }
  return { path, text, root: branchOf(table, []), places }
}

function parsedToml(path: string, text: string): unknown {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const why = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document:\s*/, '')
    throw new ConfigSyntaxError({ file: path, line: error.line }, error.column, why, error)
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

export function at(branch: Branch | undefined, ...path: string[]): Branch | undefined {
  return path.reduce<Branch | undefined>((found, key) => found?.children.get(key), branch)
}

/** "" when it is absent or no string, as containerd has it. */
export function textAt(branch: Branch | undefined, ...path: string[]): string {
  const value = at(branch, ...path)?.value
  return typeof value === 'string' ? value : ''
}

export const isTrue = (branch: Branch | undefined, ...path: string[]): boolean => at(branch, ...path)?.value === true

export function textsAt(branch: Branch | undefined, ...path: string[]): string[] {
  const value = at(branch, ...path)?.value
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

/** The branch without its places. */
export function plain(branch: Branch): unknown {
  if (branch.value !== undefined) return branch.value
  return Object.fromEntries([...branch.children].map(([key, child]) => [key, plain(child)]))
}

/** `over` wins, key by key, and keeps its places. */
export function merged(under: Branch | undefined, over: Branch): Branch {
  if (under === undefined || over.value !== undefined || under.value !== undefined) return over
  const children = new Map(under.children)
  for (const [key, child] of over.children) children.set(key, merged(children.get(key), child))
  return { ...under, children }
}
