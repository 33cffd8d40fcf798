import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { describe, it } from 'vitest'
import { corpusFiles, corpusNames } from '../testing/containerd-corpus.ts'
import { tomlPlaces } from './toml-places.ts'

const valueAt = (root: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], root)

/** Each key's text, read alone, is what the parser reads there. */
function check(text: string): void {
  const root = parse(text)
  for (const { kind, path, start, end, valueStart, line, column } of tomlPlaces(text)) {
    const before = text.slice(0, start).split('\n')
    assert.deepEqual([line, column], [before.length, (before.at(-1) ?? '').length + 1])
    if (kind === 'table') assert.match(text.slice(start, end), /^\[.*\]$/)
    else assert.deepEqual(parse(`x = ${text.slice(valueStart, end)}`)['x'], valueAt(root, path))
  }
}

/** Every path that has a value. */
function leaves(value: unknown, path: string[] = []): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [JSON.stringify(path)]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

describe('places in TOML', () => {
  it('are right in every file of the corpus', () => {
    for (const name of corpusNames()) for (const { text } of corpusFiles(name)) check(text)
  })

  it('are right whatever keys and values are', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((t) => t !== '__proto__')
    const value = fc.oneof(text, fc.boolean(), fc.integer(), fc.array(text, { maxLength: 3 }))
    const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
      tree: fc.dictionary(text, fc.oneof({ depthSize: 'small', maxDepth: 3 }, value, tie('tree')), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(tree, (object) => {
        const written = stringify(object)
        check(written)
        const found = tomlPlaces(written).filter(({ kind }) => kind === 'key')
        assert.deepEqual(found.map(({ path }) => JSON.stringify(path)).toSorted(), leaves(parse(written)).toSorted())
      }),
      { numRuns: 100 },
    )
  })

  it('are right in strings, arrays and inline tables that look like something else', () => {
    check(`a = """
[not.a.table] # no comment
b = 1\\""""
"c.d" . 'e"f' = 'x # y' # z
g = [ # ]
  "]", { h = ']', i = [[1], [2]] }, # }
]
[[j]]
k = 1
[j.l]
m = 1979-05-27 07:32:00 # a date with a space
[[j]]
k = { n.o = 2, p = '''}'''}
`)
  })
})
