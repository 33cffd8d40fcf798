// What decoding keeps, fills in, reports and refuses.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import {
  type AnyType,
  bool,
  bytes,
  DecodeError,
  embedded,
  integer,
  intOrString,
  listOf,
  mapOf,
  microTime,
  object,
  oneOf,
  optional,
  pointer,
  quantity,
  text,
  time,
} from './schema.ts'

const inner = object({ a: optional(text()), on: optional(bool({ default: true })) })
const outer = object({
  name: text(),
  count: optional(integer()),
  maybe: pointer(integer()),
  level: optional(oneOf(['low', 'high'], { default: 'low' })),
  inner: embedded(inner),
  far: pointer(inner),
  list: optional(listOf(inner)),
  map: optional(mapOf(text())),
})
const always = { name: '', level: 'low', inner: { on: true } }
const decode = (value: unknown, unknown: string[] = []) => outer.decode(value, '', { unknown })

describe('decoding of objects', () => {
  cases(
    [
      { name: 'fills what is always there', given: {}, want: always },
      { name: 'takes null for absence', given: { name: null, count: null, inner: null, far: null, list: null }, want: always },
      { name: 'drops zeros of plain optional fields', given: { count: 0, list: [], map: {}, level: '' }, want: always },
      { name: 'keeps zeros of pointers', given: { maybe: 0, far: {} }, want: { ...always, maybe: 0, far: { on: true } } },
      { name: 'takes null in a list for the zero value', given: { list: [null] }, want: { ...always, list: [{ on: true }] } },
      { name: 'takes null in a map for the zero value', given: { map: { a: null } }, want: { ...always, map: { a: '' } } },
    ],
    ({ given, want }) => assert.deepEqual(decode(given), want),
  )

  it('leaves out fields it does not know, and says which', () => {
    const unknown: string[] = []
    const given = JSON.parse('{"x":1,"inner":{"y":2},"list":[{"z":3}],"__proto__":{"name":"evil"}}') as unknown
    assert.deepEqual(decode(given, unknown), { ...always, list: [{ on: true }] })
    assert.deepEqual(unknown, ['x', '__proto__', 'inner.y', 'list[0].z'])
  })

  it('takes over what is as it was, and decodes what is not as if it were new', () => {
    const was = decode({ name: 'n', list: [{ a: 'x' }, { a: 'y' }], map: { a: 'b' }, far: { a: 'z' } })
    const changed = { ...was, count: 3, list: [was.list?.[0], { on: null }, null], far: { ...was.far, a: '' }, odd: 1 }
    const unknown: string[] = []
    const again = outer.decode(changed, '', { unknown, was })
    assert.deepEqual(again, decode(changed))
    assert.deepEqual(unknown, ['odd'])
    assert.equal(again.map, was.map)
    assert.equal(again.list?.[0], was.list?.[0])
    assert.notEqual(again.far, changed.far)
  })

  it('shares nothing with what it was given, nor between objects', () => {
    const given = { map: { a: 'b' } }
    const [one, two] = [decode(given), decode(given)]
    assert.notEqual(one.map, given.map)
    assert.notEqual(one.map, two.map)
    assert.notEqual(decode({}).inner, decode({}).inner)
    const listed = object({ list: listOf(text()) })
    const empty = () => listed.decode({}, '', { unknown: [] }).list
    assert.notEqual(empty(), empty())
  })
})

describe('decoding of values', () => {
  const rows: { name: string; type: AnyType; given: unknown; want: unknown }[] = [
    { name: 'a time in UTC', type: time(), given: '2026-01-02T03:04:05+02:00', want: '2026-01-02T01:04:05Z' },
    { name: 'a time cut to seconds', type: time(), given: '2026-01-02T03:04:05.999Z', want: '2026-01-02T03:04:05Z' },
    { name: 'microseconds', type: microTime(), given: '2026-01-02T03:04:05.678901Z', want: '2026-01-02T03:04:05.678901Z' },
    {
      name: 'nanoseconds are cut',
      type: microTime(),
      given: '2026-01-02T03:04:05.123456789Z',
      want: '2026-01-02T03:04:05.123456Z',
    },
    {
      name: 'microseconds that were not written',
      type: microTime(),
      given: '2026-01-02T03:04:05Z',
      want: '2026-01-02T03:04:05.000000Z',
    },
    { name: 'a quantity in canonical spelling', type: quantity(), given: 0.5, want: '500m' },
    { name: 'a number or text', type: intOrString(), given: 'http', want: 'http' },
    { name: 'base64 without its line breaks', type: bytes(), given: 'eA\n==', want: 'eA==' },
  ]
  cases(rows, ({ type, given, want }) => assert.deepEqual(type.decode(given, 'f', { unknown: [] }), want))

  const refused: { name: string; type: AnyType; given: unknown; want: RegExp }[] = [
    { name: 'a number for text', type: text(), given: 1, want: /cannot unmarshal number into field f of type string/ },
    { name: 'text for a number', type: integer(), given: '1', want: /cannot unmarshal string into field f of type int32/ },
    { name: 'a fraction', type: integer(), given: 1.5, want: /type int32/ },
    { name: 'more than 32 bits', type: integer(), given: 2 ** 31, want: /type int32/ },
    { name: 'text for a truth', type: bool(), given: 'true', want: /type bool/ },
    { name: 'an object for a list', type: listOf(text()), given: {}, want: /cannot unmarshal object into field f of type array/ },
    { name: 'a list for an object', type: inner, given: [], want: /cannot unmarshal array into field f/ },
    { name: 'no quantity', type: quantity(), given: '1 Gi', want: /quantities must match the regular expression/ },
    { name: 'no base64', type: bytes(), given: 'eA', want: /illegal base64 data/ },
    { name: 'a date without a time', type: time(), given: '2026-01-02', want: /parsing time "2026-01-02"/ },
    { name: 'a time without a zone', type: time(), given: '2026-01-02T03:04:05', want: /parsing time/ },
    { name: 'a day that is not', type: time(), given: '2026-02-30T00:00:00Z', want: /parsing time/ },
  ]
  cases(refused, ({ type, given, want }) =>
    assert.throws(
      () => type.decode(given, 'f', { unknown: [] }),
      (error) => error instanceof DecodeError && want.test(error.message),
    ),
  )
})
