import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kind } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { text } from '../api/schema.ts'
import { ageOf, columnDefinitions, tableRow } from './table.ts'

const now = Date.parse('2026-01-01T00:01:30Z')
const created = '2026-01-01T00:00:00Z'
const runc = RuntimeClass.decode({ metadata: { name: 'runc', creationTimestamp: created }, handler: 'runc-v2' }, { unknown: [] })

describe('tables', () => {
  it('show a RuntimeClass in three cells', () => {
    const definitions = columnDefinitions(RuntimeClass as unknown as AnyKind)
    assert.deepEqual(
      definitions.map(({ name, type, format, priority }) => ({ name, type, format, priority })),
      [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        { name: 'Handler', type: 'string', format: '', priority: 0 },
        { name: 'Age', type: 'string', format: '', priority: 0 },
      ],
    )
    assert.deepEqual(tableRow(RuntimeClass as unknown as AnyKind, runc as unknown as AnyObject, now), ['runc', 'runc-v2', '90s'])
  })

  it('put wide columns last, behind the age', () => {
    const poem = kind({
      ...{ group: 'x.io', version: 'v1', kind: 'Poem', plural: 'poems', scope: 'cluster' },
      openapiName: 'io.x.v1.TablePoem',
      fields: { verse: text() },
      columns: [
        { name: 'Author', wide: true, cell: () => 'me' },
        { name: 'Verse', cell: ({ verse }) => verse },
        { name: 'Lines', type: 'integer', cell: () => 4 },
      ],
    }) as unknown as AnyKind
    const object = { apiVersion: 'x.io/v1', kind: 'Poem', metadata: { name: 'a', creationTimestamp: created }, verse: 'la' }
    assert.deepEqual(
      columnDefinitions(poem).map(({ name, type, priority }) => [name, type, priority]),
      [
        ['Name', 'string', 0],
        ['Verse', 'string', 0],
        ['Lines', 'integer', 0],
        ['Age', 'string', 0],
        ['Author', 'string', 1],
      ],
    )
    assert.deepEqual(tableRow(poem, object as unknown as AnyObject, now), ['a', 'la', 4, '90s', 'me'])
  })

  it('know no age of what was never stored', () => {
    assert.equal(ageOf({}, now), '<unknown>')
  })
})
