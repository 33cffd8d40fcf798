// Adds a handler to a configuration, touching nothing but the lines it needs.
import { type ConfigFile, parseConfigFile, plain } from './config-tree.ts'
import type { EffectiveConfig } from './effective-config.ts'
import type { TomlPlace } from './toml-places.ts'
import {
  contentEnd,
  followsBlank,
  indentOf,
  keyText,
  literalText,
  pathText,
  spliced,
  startsWith,
  statements,
  styleOf,
  type TomlLiteral,
  type TomlStyle,
} from './toml-text.ts'

export interface NewRuntime {
  name: string
  /** `runtime_type` and whatever else, in the order they are to be written. */
  keys: readonly (readonly [string, TomlLiteral])[]
  options: readonly (readonly [string, TomlLiteral])[]
}

export interface TextEdit {
  file: string
  text: string
}

/** What cannot be done, in one line for a user. */
export class EditError extends Error {
  override name = 'EditError'
}

/** The text of the file with the handler in it; everything else stays byte for byte. Throws EditError. */
export function addRuntime(config: EffectiveConfig, runtime: NewRuntime): TextEdit {
  const { file, plugin } = config.home
  const base = ['plugins', plugin, 'containerd', 'runtimes']
  const style = styleOf(file.text, plugin)
  for (const attempt of [inInlineTable, asDottedKeys, asHeaders]) {
    const text = attempt(file, { base, style, runtime })
    if (text !== undefined && isWhatWasMeant(file, text, [...base, runtime.name], tableOf(runtime)))
      return { file: file.path, text }
  }
  throw new EditError(`${file.path}: no place was found for the handler "${runtime.name}": write its table by hand`)
}

const tableOf = ({ keys, options }: NewRuntime): Record<string, unknown> => ({
  ...Object.fromEntries(keys),
  ...(options.length > 0 ? { options: Object.fromEntries(options) } : {}),
})

interface Adding {
  base: string[]
  style: TomlStyle
  runtime: NewRuntime
}

/** `runtimes = { … }` cannot be added to from outside. */
function inInlineTable({ text, places }: ConfigFile, { base, style, runtime }: Adding): string | undefined {
  const holder = places.find((place) => place.kind === 'key' && place.path.join('\0') === base.join('\0'))
  if (!holder || text[holder.valueStart] !== '{') return undefined
  const inner = places.filter(({ start, end }) => start > holder.valueStart && end < holder.end)
  const put = `${keyText(runtime.name, style.quote)} = ${inlineText(runtime, style)}`
  const last = inner.toSorted((a, b) => a.end - b.end).at(-1)
  return last ? spliced(text, last.end, last.end, `, ${put}`) : spliced(text, holder.valueStart + 1, holder.valueStart + 1, put)
}

function inlineText({ keys, options }: NewRuntime, style: TomlStyle): string {
  const pairs = (list: NewRuntime['keys']) =>
    list.map(([key, value]) => `${keyText(key, style.quote)} = ${literalText(value, style)}`)
  const inner = options.length > 0 ? [`options = { ${pairs(options).join(', ')} }`] : []
  return `{ ${[...pairs(keys), ...inner].join(', ')} }`
}

/** Tables of their own, below those of the other handlers and laid out like them. */
function asHeaders(file: ConfigFile, { base, style, runtime }: Adding): string {
  const all = statements(file.places)
  const headers = all.filter(({ kind, path }) => kind === 'table' && startsWith(path, base) && path.length > base.length)
  const sibling = headers.find(({ path }) => path.length === base.length + 1) ?? headers[0]
  const layout = layoutOf(file, sibling, all)
  const head = (path: string[], deeper: string) => `${layout.indent}${deeper}[${pathText(path, style)}]`
  const line = ([key, value]: readonly [string, TomlLiteral], deeper: string) =>
    `${layout.keyIndent}${deeper}${keyText(key, style.quote)} = ${literalText(value, style)}`
  const path = [...base, runtime.name]
  const inner = optionsLayout(file, headers, layout)
  const lines = [
    ...(layout.isSpaced ? [''] : []),
    head(path, ''),
    ...runtime.keys.map((pair) => line(pair, '')),
    ...(runtime.options.length > 0
      ? [
          ...(inner.isSpaced ? [''] : []),
          head([...path, 'options'], inner.deeper),
          ...runtime.options.map((pair) => line(pair, inner.deeper)),
        ]
      : []),
  ]
  return afterSection(file, anchorOf(all, base), lines, style)
}

interface Layout {
  indent: string
  keyIndent: string
  isSpaced: boolean
}

function layoutOf({ text }: ConfigFile, sibling: TomlPlace | undefined, all: readonly TomlPlace[]): Layout {
  if (!sibling) return { indent: '', keyIndent: '', isSpaced: all.length > 0 }
  const indent = indentOf(text, sibling.start)
  const key = all.find(({ kind, start }) => kind === 'key' && start > sibling.start)
  const isIts = key && startsWith(key.path, sibling.path as string[])
  return { indent, keyIndent: isIts ? indentOf(text, key.start) : indent, isSpaced: followsBlank(text, sibling.start) }
}

function optionsLayout(
  { text }: ConfigFile,
  headers: readonly TomlPlace[],
  layout: Layout,
): { deeper: string; isSpaced: boolean } {
  const options = headers.find(({ path }) => path.at(-1) === 'options')
  if (!options) return { deeper: layout.keyIndent.slice(layout.indent.length), isSpaced: layout.isSpaced }
  const parent = headers.findLast(({ start, path }) => start < options.start && path.length < options.path.length)
  const own = indentOf(text, options.start)
  const around = parent ? indentOf(text, parent.start) : layout.indent
  return { deeper: own.startsWith(around) ? own.slice(around.length) : '', isSpaced: followsBlank(text, options.start) }
}

/** The last statement that belongs beside the new one: of a handler, else of CRI, else of the file. */
function anchorOf(all: readonly TomlPlace[], base: readonly string[]): number {
  for (let length = base.length; length >= 2; length -= 1) {
    const nth = all.findLastIndex(({ path }) => startsWith(path, base.slice(0, length)))
    if (nth >= 0) return sectionEnd(all, nth)
  }
  return all.length - 1
}

/** A header put between the keys of a section would take the rest of them away. */
function sectionEnd(all: readonly TomlPlace[], from: number): number {
  let nth = from
  while (all[nth + 1]?.kind === 'key') nth += 1
  return nth
}

function afterSection({ text, places }: ConfigFile, nth: number, lines: readonly string[], { eol }: TomlStyle): string {
  const anchor = statements(places)[nth]
  if (!anchor) return atEnd(text, lines, eol)
  const at = contentEnd(text, anchor.end)
  return spliced(text, at, at, lines.map((line) => `${eol}${line}`).join(''))
}

/** Of a file without statements: nothing, or comments. */
function atEnd(text: string, lines: readonly string[], eol: string): string {
  const block = ['', ...lines.filter((line) => line !== '')]
  if (text === '') return `${block.slice(1).join(eol)}${eol}`
  return text.endsWith('\n') ? `${text}${block.join(eol)}${eol}` : `${text}${eol}${block.join(eol)}`
}

/** `containerd.runtimes.x.runtime_type = …` below others that are written so: a header may not reopen what dotted keys made. */
function asDottedKeys({ text, places }: ConfigFile, { base, style, runtime }: Adding): string | undefined {
  const last = statements(places).findLast(
    ({ kind, path, header }) => kind === 'key' && startsWith(path, base) && header.length < base.length,
  )
  if (!last) return undefined
  const prefix = pathText([...base.slice(last.header.length), runtime.name], style)
  const line = ([key, value]: readonly [string, TomlLiteral], within = '') =>
    `${style.eol}${indentOf(text, last.start)}${prefix}.${within}${keyText(key, style.quote)} = ${literalText(value, style)}`
  const end = contentEnd(text, last.end)
  return spliced(
    text,
    end,
    end,
    [...runtime.keys.map((pair) => line(pair)), ...runtime.options.map((pair) => line(pair, 'options.'))].join(''),
  )
}

/** The text with this default handler. Throws EditError when there is no place for it. */
export function setDefault(config: EffectiveConfig, name: string): TextEdit {
  const { file, plugin } = config.home
  const table = ['plugins', plugin, 'containerd']
  const path = [...table, 'default_runtime_name']
  const style = styleOf(file.text, plugin)
  for (const attempt of [replacedValue, belowHeader, besideDotted, inInline, ownHeader]) {
    const text = attempt(file, { table, path, style, name })
    if (text !== undefined && isWhatWasMeant(file, text, path, name)) return { file: file.path, text }
  }
  throw new EditError(`${file.path}: no place was found for default_runtime_name: write it by hand`)
}

interface Default {
  table: string[]
  path: string[]
  style: TomlStyle
  name: string
}

function replacedValue({ text, places }: ConfigFile, { path, name }: Default): string | undefined {
  const found = places.find((place) => place.kind === 'key' && place.path.join('\0') === path.join('\0'))
  if (!found) return undefined
  const quote = text[found.valueStart] === "'" ? "'" : '"'
  return spliced(text, found.valueStart, found.end, literalText(name, { quote }))
}

function belowHeader({ text, places }: ConfigFile, { table, style, name }: Default): string | undefined {
  const header = places.find(({ kind, path }) => kind === 'table' && path.join('\0') === table.join('\0'))
  if (!header) return undefined
  const first = places.find(
    ({ kind, start, header: under }) => kind === 'key' && start > header.start && under.length === table.length,
  )
  const indent = first ? indentOf(text, first.start) : indentOf(text, header.start)
  const end = contentEnd(text, header.end)
  return spliced(text, end, end, `${style.eol}${indent}default_runtime_name = ${literalText(name, style)}`)
}

function besideDotted({ text, places }: ConfigFile, { table, path, style, name }: Default): string | undefined {
  const first = statements(places).find(
    (place) => place.kind === 'key' && startsWith(place.path, table) && place.header.length < table.length,
  )
  if (!first) return undefined
  const end = contentEnd(text, first.end)
  const key = pathText(path.slice(first.header.length), style)
  return spliced(text, end, end, `${style.eol}${indentOf(text, first.start)}${key} = ${literalText(name, style)}`)
}

function inInline({ text, places }: ConfigFile, { table, style, name }: Default): string | undefined {
  const holder = places.find((place) => place.kind === 'key' && place.path.join('\0') === table.join('\0'))
  if (!holder || text[holder.valueStart] !== '{') return undefined
  const isEmpty = text.slice(holder.valueStart + 1, holder.end - 1).trim() === ''
  return spliced(
    text,
    holder.valueStart + 1,
    holder.valueStart + 1,
    ` default_runtime_name = ${literalText(name, style)}${isEmpty ? ' ' : ','}`,
  )
}

function ownHeader(file: ConfigFile, { table, style, name }: Default): string {
  const lines = ['', `[${pathText(table, style)}]`, `default_runtime_name = ${literalText(name, style)}`]
  return afterSection(file, anchorOf(statements(file.places), [...table, 'runtimes']), lines, style)
}

/** Whether the new text says what the old one says, with `value` at `path`; undefined: with nothing there. */
export function isWhatWasMeant(file: ConfigFile, text: string, path: readonly string[], value: unknown): boolean {
  try {
    const meant = withValue(plain(file.root), path, value)
    return canonical(plain(parseConfigFile(file.path, text).root)) === canonical(meant)
  } catch {
    return false
  }
}

function withValue(table: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  const old = typeof table === 'object' && table !== null ? (table as Record<string, unknown>) : {}
  const inner = withValue(old[key], rest, value)
  const others = Object.entries(old).filter(([name]) => name !== key)
  return Object.fromEntries(inner === undefined ? others : [...others, [key, inner]])
}

/** Tables that hold nothing are nothing to containerd. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    const pairs = Object.entries(value)
      .map(([key, inner]) => [key, canonical(inner)] as const)
      .filter(([, inner]) => inner !== '{}')
    return `{${pairs
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${JSON.stringify(key)}:${inner}`)
      .join()}}`
  }
  return `${typeof value}:${String(value)}`
}
