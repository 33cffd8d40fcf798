// Lines and literals of a TOML text, for edits that touch nothing else.
import type { TomlPlace } from './toml-places.ts'

export type TomlLiteral = string | number | bigint | boolean | string[]

/** How a text writes things: an edit writes them the same way. */
export interface TomlStyle {
  eol: '\n' | '\r\n'
  quote: '"' | "'"
}

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

/** Behind the last character of the line, before its end. */
export function contentEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  if (end === -1) return text.length
  return text[end - 1] === '\r' ? end - 1 : end
}

/** Behind the line's end. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}

export const indentOf = (text: string, offset: number): string => /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? ''

/** Whether the line above the one of `offset` has nothing on it; false at the top. */
export function followsBlank(text: string, offset: number): boolean {
  const start = lineStart(text, offset)
  return start > 0 && text.slice(lineStart(text, start - 1), start).trim() === ''
}

export const styleOf = (text: string, plugin: string): TomlStyle => ({
  eol: text.includes('\r\n') ? '\r\n' : '\n',
  quote: text.includes(`'${plugin}'`) ? "'" : '"',
})

export const keyText = (key: string, quote: '"' | "'"): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : stringText(key, quote))

export const pathText = (path: readonly (string | number)[], { quote }: TomlStyle): string =>
  path.map((key) => keyText(String(key), quote)).join('.')

/** JSON's escapes are TOML's, but for DEL. */
function stringText(text: string, quote: '"' | "'"): string {
  // a literal string can hold neither quotes nor control characters
  const canBeLiteral = quote === "'" && !/['\p{Cc}]/u.test(text)
  return canBeLiteral ? `'${text}'` : JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

export function literalText(value: TomlLiteral, { quote }: Pick<TomlStyle, 'quote'>): string {
  if (Array.isArray(value)) return `[${value.map((one) => stringText(one, quote)).join(', ')}]`
  return typeof value === 'string' ? stringText(value, quote) : String(value)
}

export const startsWith = (path: readonly (string | number)[], prefix: readonly string[]): boolean =>
  prefix.every((key, nth) => path[nth] === key)

/** Headers and keys that are statements of their own. */
export const statements = (places: readonly TomlPlace[]): TomlPlace[] => places.filter(({ inline }) => inline === 0)

export const spliced = (text: string, start: number, end: number, put: string): string =>
  `${text.slice(0, start)}${put}${text.slice(end)}`
