import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import type { PatchType } from '../client/client.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { refusal } from '../testing/refusal.ts'
import { mergePatch } from './merge-patch.ts'

const a = { namespace: 'default', name: 'a' }

describe('merge patches', () => {
  // the examples of RFC 7396, appendix A
  cases<{ name: string; target: unknown; patch: unknown; want: unknown }>(
    [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
      [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
      [{ a: 'b' }, { a: null }, {}],
      [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
      [
        ['a', 'b'],
        ['c', 'd'],
        ['c', 'd'],
      ],
      [{ a: 'b' }, ['c'], ['c']],
      [{ a: 'foo' }, null, null],
      [{ a: 'foo' }, 'bar', 'bar'],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: 'b', c: null }, { a: 'b' }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ].map(([target, patch, want], i) => ({ name: `RFC 7396 example ${i + 1}`, target, patch, want })),
    ({ target, patch, want }) => assert.deepEqual(mergePatch(target, patch), want),
  )

  it('reach no prototype', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'))
    assert.equal(JSON.stringify(merged), '{"__proto__":{"polluted":1}}')
    assert.equal(Reflect.get(merged as object, 'polluted'), undefined)
  })
})

interface Row {
  name: string
  type: PatchType
  body: unknown
  /** The data after it, or what it is refused with. */
  want: unknown
}

describe('patching', () => {
  const invalid = '422 Invalid:  "" is invalid: patch: Invalid value: '
  const rejected = '422 Invalid: the server rejected our request due to an error in our request'
  cases<Row>(
    [
      { name: 'with operations', type: 'json', body: [{ op: 'add', path: '/data/b', value: '2' }], want: { a: '1', b: '2' } },
      {
        name: 'with a test that holds',
        type: 'json',
        body: [
          { op: 'test', path: '/data/a', value: '1' },
          { op: 'replace', path: '/data/a', value: '3' },
        ],
        want: { a: '3' },
      },
      { name: 'with a test that fails', type: 'json', body: [{ op: 'test', path: '/data/a', value: '2' }], want: rejected },
      { name: 'what is not there', type: 'json', body: [{ op: 'remove', path: '/data/z' }], want: rejected },
      { name: 'with an operation nobody knows', type: 'json', body: [{ op: 'swap', path: '/data/a' }], want: rejected },
      { name: 'a prototype', type: 'json', body: [{ op: 'add', path: '/__proto__/polluted', value: '1' }], want: rejected },
      {
        name: 'with no list of operations',
        type: 'json',
        body: {},
        want: '400 BadRequest: a JSON patch must be an array of operations',
      },
      {
        name: 'with too many operations',
        type: 'json',
        body: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/a', value: '1' })),
        want: '413 RequestEntityTooLarge: Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      },
      { name: 'by merging', type: 'merge', body: { data: { a: null, c: '3' } }, want: { c: '3' } },
      { name: 'with what is no object', type: 'merge', body: 'x', want: '400 BadRequest: the patch must be a JSON object' },
      {
        name: 'a name',
        type: 'merge',
        body: { metadata: { name: 'b' } },
        want: '400 BadRequest: the name of the object (b) does not match the name on the URL (a)',
      },
      {
        name: 'the version that is there',
        type: 'merge',
        body: { metadata: { resourceVersion: '2' }, data: { a: '2' } },
        want: { a: '2' },
      },
      {
        name: 'another version',
        type: 'merge',
        body: { metadata: { resourceVersion: '9' }, data: { a: '2' } },
        want: '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      },
      { name: 'strategically', type: 'strategic', body: { data: { $patch: 'replace', z: '1' } }, want: { z: '1' } },
    ],
    async ({ type, body, want }) => {
      const server = await testServer()
      const client = server.client('tester')
      await client.create(ConfigMap, configMap('a', { data: { a: '1' } }))
      const attempt = client.patch(ConfigMap, a, { type, body })
      if (typeof want === 'string') assert.equal(await refusal(attempt), want)
      else assert.deepEqual((await attempt).data, want)
      assert.equal(Reflect.get({}, 'polluted'), undefined)
    },
  )

  it('blames what does not fit on the patch', async () => {
    const server = await testServer({ random: { uid: () => 'u', integer: () => 0 } })
    await server.create(ConfigMap, { namespace: 'default' }, configMap('a'), byTester)
    const patched = (body: unknown) =>
      server.patch(ConfigMap, a, { type: 'merge', body }, { ...byTester, fieldValidation: 'Strict' })
    const wrong = await refusal(patched({ data: 5 }))
    assert.ok(wrong.startsWith(invalid), wrong)
    assert.ok(wrong.endsWith('json: cannot unmarshal number into field data of type map'), wrong)
    const unknown = await refusal(patched({ spec: {} }))
    assert.ok(unknown.endsWith('strict decoding error: unknown field "spec"'), unknown)
  })

  it('keeps to status in the status subresource, and refuses what validation refuses', async () => {
    const client = (await testServer()).client('tester')
    await client.create(Pod, podOf('a'))
    const body = { status: { phase: 'Running' }, spec: { activeDeadlineSeconds: 5 } }
    const next = await client.patch(Pod, a, { type: 'strategic', body, subresource: 'status' })
    assert.deepEqual([next.status.phase, next.spec.activeDeadlineSeconds], ['Running', undefined])
    assert.match(
      await refusal(client.patch(Pod, a, { type: 'json', body: [{ op: 'add', path: '/spec/runtimeClassName', value: 'x' }] })),
      /^422 Invalid: Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than /,
    )
    assert.equal(
      await refusal(client.patch(Pod, { ...a, name: 'b' }, { type: 'merge', body: {} })),
      '404 NotFound: pods "b" not found',
    )
  })
})
