// Where each table and key of a TOML text stands. The parser tells values but no places, and an edit must know them to the byte.

export interface TomlPlace {
  /** Keys, and indexes into arrays. */
  path: (string | number)[]
  /** `table`: a `[header]`; `key`: `key = value`, also within an inline table. */
  kind: 'table' | 'key'
  /** 1-based. */
  line: number
  column: number
  /** Offsets of the first character of the header or key, and behind its last one (value included, comment not). */
  start: number
  end: number
  /** Offset of the value; `start` for a header. */
  valueStart: number
  /** How deep in inline tables: 0 for a statement of its own. */
  inline: number
  /** The table it is written under: [] at the top of the file. */
  header: (string | number)[]
}

interface Cursor {
  text: string
  at: number
  header: (string | number)[]
  /** How often a `[[header]]` was seen. */
  counts: Map<string, number>
  found: TomlPlace[]
  depth: number
}

/** In the order of the text, which must be valid TOML. */
export function tomlPlaces(text: string): TomlPlace[] {
  const c: Cursor = { text, at: 0, header: [], counts: new Map(), found: [], depth: 0 }
  for (;;) {
    skipBlank(c)
    if (c.at >= text.length) break
    if (text[c.at] === '[') header(c)
    else keyValue(c, c.header)
  }
  return withLines(text, c.found)
}

function withLines(text: string, found: TomlPlace[]): TomlPlace[] {
  let line = 1
  let lineStart = 0
  let at = 0
  // a key with an inline table is found after the keys within it
  return found
    .toSorted((a, b) => a.start - b.start)
    .map((place) => {
      for (; at < place.start; at += 1)
        if (text[at] === '\n') {
          line += 1
          lineStart = at + 1
        }
      return { ...place, line, column: place.start - lineStart + 1 }
    })
}

/** White space, line ends and comments; within arrays and inline tables also commas. */
function skipBlank(c: Cursor, commas = false): void {
  for (; c.at < c.text.length; c.at += 1) {
    const char = c.text[c.at] ?? ''
    if (char === '#') c.at = lineEnd(c.text, c.at) - 1
    else if (!/\s|\uFEFF/.test(char) && !(commas && char === ',')) return
  }
}

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

function header(c: Cursor): void {
  const start = c.at
  const isArray = c.text[c.at + 1] === '['
  c.at += isArray ? 2 : 1
  const keys = keyPath(c)
  c.at += isArray ? 2 : 1
  const path = resolved(c, keys)
  if (isArray) {
    const id = JSON.stringify(path)
    const index = c.counts.get(id) ?? 0
    c.counts.set(id, index + 1)
    path.push(index)
  }
  c.header = path
  c.found.push({ path, kind: 'table', line: 0, column: 0, start, end: c.at, valueStart: start, inline: 0, header: path })
}

/** A path through a `[[table]]` means its last element. */
function resolved(c: Cursor, keys: string[]): (string | number)[] {
  const path: (string | number)[] = []
  for (const [nth, key] of keys.entries()) {
    path.push(key)
    const count = c.counts.get(JSON.stringify(path))
    if (count !== undefined && nth < keys.length - 1) path.push(count - 1)
  }
  return path
}

function keyValue(c: Cursor, under: (string | number)[]): void {
  const start = c.at
  const path = [...under, ...keyPath(c)]
  // the equals sign
  c.at += 1
  skipSpace(c)
  const valueStart = c.at
  value(c, path)
  const place = { path, kind: 'key' as const, line: 0, column: 0, start, end: c.at, valueStart }
  c.found.push({ ...place, inline: c.depth, header: c.header })
}

const skipSpace = (c: Cursor): void => {
  while (c.text[c.at] === ' ' || c.text[c.at] === '\t') c.at += 1
}

/** Ends on what comes after the last key and its spaces. */
function keyPath(c: Cursor): string[] {
  const keys: string[] = []
  for (;;) {
    skipSpace(c)
    const quote = c.text[c.at]
    const from = c.at
    if (quote === '"' || quote === "'") {
      quoted(c)
      keys.push(unquoted(c.text.slice(from, c.at)))
    } else {
      while (/[A-Za-z0-9_-]/.test(c.text[c.at] ?? '')) c.at += 1
      keys.push(c.text.slice(from, c.at))
    }
    skipSpace(c)
    if (c.text[c.at] !== '.') return keys
    c.at += 1
  }
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1)
  const wide = text.replace(/\\U([0-9a-fA-F]{8})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
  try {
    return JSON.parse(wide.replace(/\\e/g, '\\u001b')) as string
  } catch {
    return text.slice(1, -1)
  }
}

/** Past a string of any of the four kinds. */
function quoted(c: Cursor): void {
  const quote = c.text[c.at] ?? ''
  const triple = quote.repeat(3)
  const isLong = c.text.startsWith(triple, c.at)
  c.at += isLong ? 3 : 1
  while (c.at < c.text.length) {
    if (quote === '"' && c.text[c.at] === '\\') c.at += 2
    else if (!isLong && c.text[c.at] === quote) return void (c.at += 1)
    else if (isLong && c.text.startsWith(triple, c.at)) {
      c.at += 3
      // up to two quotes may stand before the closing three
      while (c.text[c.at] === quote) c.at += 1
      return
    } else c.at += 1
  }
}

function value(c: Cursor, path: (string | number)[]): void {
  const first = c.text[c.at]
  if (first === '"' || first === "'") return quoted(c)
  if (first === '[') return array(c, path)
  if (first === '{') return inlineTable(c, path)
  while (c.at < c.text.length && !/[,\]}#\r\n]/.test(c.text[c.at] ?? '')) c.at += 1
  while (/[ \t]/.test(c.text[c.at - 1] ?? '')) c.at -= 1
}

function array(c: Cursor, path: (string | number)[]): void {
  c.at += 1
  for (let index = 0; ; index += 1) {
    skipBlank(c, true)
    if (c.at >= c.text.length) return
    if (c.text[c.at] === ']') return void (c.at += 1)
    value(c, [...path, index])
  }
}

function inlineTable(c: Cursor, path: (string | number)[]): void {
  c.at += 1
  c.depth += 1
  for (;;) {
    skipBlank(c, true)
    if (c.at >= c.text.length || c.text[c.at] === '}') break
    keyValue(c, path)
  }
  c.at += 1
  c.depth -= 1
}
