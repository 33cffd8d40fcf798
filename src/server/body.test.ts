import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'vitest'
import { statusOf } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { bodyLimitBytes, parseObject, parsePatch, readBody } from './body.ts'

const refusal = (attempt: () => unknown): [number, string] | undefined => {
  try {
    attempt()
    return undefined
  } catch (error) {
    const status = statusOf(error)
    if (!status) throw error
    return [status.code, status.message ?? '']
  }
}
const bytes = (text: string) => Buffer.from(text)
const unrecognized = 'the object provided is unrecognized (must be of type Pod):'

describe('bodies that are read', () => {
  cases(
    [
      { name: 'JSON', type: 'application/json', text: '{"a":1}', want: { a: 1 } },
      { name: 'JSON with a charset', type: 'application/json; charset=utf-8', text: '{"a":"é"}', want: { a: 'é' } },
      { name: 'JSON of no said type', type: undefined, text: '{"a":1}', want: { a: 1 } },
      {
        name: 'YAML',
        type: 'application/yaml',
        text: 'a: 1\nb: yes\nc: [x, 2020-01-01]\n',
        want: { a: 1, b: true, c: ['x', '2020-01-01T00:00:00.000Z'] },
      },
      { name: 'JSON called YAML', type: 'application/yaml', text: ' {"a":"yes"}', want: { a: 'yes' } },
    ],
    ({ type, text, want }) => assert.deepEqual(parseObject(bytes(text), type, 'Pod').value, want),
  )

  it('tells which keys came twice', () => {
    assert.deepEqual(parseObject(bytes('{"a":{"b":1,"b":2}}'), undefined, 'Pod'), { value: { a: { b: 2 } }, duplicates: ['a.b'] })
  })

  it('keeps __proto__ a key like any other', () => {
    for (const [type, text] of [
      ['application/json', '{"__proto__":{"polluted":1}}'],
      ['application/yaml', '__proto__:\n  polluted: 1\n'],
    ] as const) {
      const { value } = parseObject(bytes(text), type, 'Pod')
      assert.deepEqual([Object.keys(value as object), Object.getPrototypeOf(value)], [['__proto__'], Object.prototype])
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })
})

describe('bodies that are refused', () => {
  cases(
    [
      {
        name: 'JSON that breaks off',
        type: 'application/json',
        body: bytes('{"kind":"Pod"'),
        want: [
          400,
          `${unrecognized} couldn't get version/kind; json parse error: Expected ',' or '}' after property value at position 13 ({"kind":"Pod")`,
        ],
      },
      {
        name: 'nothing',
        type: 'application/json',
        body: bytes(''),
        want: [400, `${unrecognized} couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`],
      },
      {
        name: 'no JSON at all, without repeating it',
        type: undefined,
        body: bytes('top secret'),
        want: [
          400,
          `${unrecognized} couldn't get version/kind; json parse error: invalid character 'o' in JSON (746f7020736563726574)`,
        ],
      },
      {
        name: 'bytes that are no UTF-8',
        type: undefined,
        body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
        want: [400, `${unrecognized} the text is not valid UTF-8 ({"ÿ"})`],
      },
      {
        name: 'nesting that would exhaust the stack',
        type: 'application/json',
        body: bytes(`{"a":${'['.repeat(200_000)}`),
        want: [
          400,
          `${unrecognized} couldn't get version/kind; json parse error: exceeded max depth of 10000 ({"a":[[[[[[[[[[[[[[[[[[[[[[[[[ ...)`,
        ],
      },
      {
        name: 'nested YAML too',
        type: 'application/yaml',
        body: bytes(`a: ${'['.repeat(20_000)}`),
        want: [
          400,
          `${unrecognized} error converting YAML to JSON: yaml: exceeded max depth (613a205b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b ...)`,
        ],
      },
      {
        name: 'broken YAML',
        type: 'application/yaml',
        body: bytes('a: [1\nb: 2'),
        want: [
          400,
          `${unrecognized} error converting YAML to JSON: yaml: Flow sequence in block collection must be sufficiently indented and end with a ] at line 2, column 1: (613a205b310a623a2032)`,
        ],
      },
      {
        name: 'a type nobody reads',
        type: 'text/plain',
        body: bytes('{}'),
        want: [
          415,
          'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
        ],
      },
    ],
    ({ type, body, want }) =>
      assert.deepEqual(
        refusal(() => parseObject(body, type, 'Pod')),
        want,
      ),
  )

  it('a YAML that grows from aliases', () => {
    const bomb = [
      'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`),
    ].join('\n')
    assert.equal(refusal(() => parseObject(bytes(bomb), 'application/yaml', 'Pod'))?.[0], 400)
  })

  it('a broken patch', () => {
    assert.deepEqual(
      refusal(() => parsePatch(bytes('{"a":'))),
      [400, "error decoding patch: couldn't get version/kind; json parse error: unexpected end of JSON input"],
    )
  })

  it('more than the limit, said or counted', async () => {
    const parts = function* () {
      for (let i = 0; i < 5; i++) yield Buffer.alloc(1024 * 1024)
    }
    const want = {
      status: { code: 413, reason: 'RequestEntityTooLarge', message: `Request entity too large: limit is ${bodyLimitBytes}` },
    }
    const code = async (headers: Record<string, string>) =>
      readBody(Object.assign(Readable.from(parts()), { headers })).then(
        () => undefined,
        (error: unknown) => statusOf(error),
      )
    for (const headers of [{}, { 'content-length': '4000000' }]) {
      const status = await code(headers)
      assert.deepEqual({ code: status?.code, reason: status?.reason, message: status?.message }, want.status)
    }
  })
})
