import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { Service } from '../api/core/service.ts'
import type { AnyType } from '../api/schema.ts'
import { cases } from '../testing/cases.ts'
import { refusal } from '../testing/refusal.ts'
import { strategicMergePatch } from './strategic-merge-patch.ts'

interface Row {
  name: string
  type?: AnyType
  target: unknown
  patch: Record<string, unknown>
  want: unknown
}

const container = (name: string, more: object = {}) => ({ name, ...more })
const containers = (...names: string[]) => ({ spec: { containers: names.map((name) => container(name)) } })

describe('objects and maps', () => {
  cases<Row>(
    [
      {
        name: 'merge, and null removes',
        target: { metadata: { labels: { a: '1', b: '2' } } },
        patch: { metadata: { labels: { a: null, c: '3' } } },
        want: { metadata: { labels: { b: '2', c: '3' } } },
      },
      {
        name: 'merge although server-side apply takes them whole',
        target: { spec: { nodeSelector: { a: '1' } } },
        patch: { spec: { nodeSelector: { b: '2' } } },
        want: { spec: { nodeSelector: { a: '1', b: '2' } } },
      },
      {
        name: 'are replaced by directive',
        target: { spec: { nodeSelector: { a: '1' } } },
        patch: { spec: { nodeSelector: { $patch: 'replace', b: '2' } } },
        want: { spec: { nodeSelector: { b: '2' } } },
      },
      {
        name: 'are emptied by directive',
        target: { metadata: { annotations: { a: '1' } } },
        patch: { metadata: { annotations: { $patch: 'delete' } } },
        want: { metadata: { annotations: {} } },
      },
      {
        name: 'come in where there were none, without nulls',
        target: {},
        patch: { metadata: { labels: { a: '1', b: null } } },
        want: { metadata: { labels: { a: '1' } } },
      },
      {
        name: 'keep what $retainKeys names, and what is set',
        target: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
        patch: { spec: { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] } },
        want: { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
      },
    ],
    ({ target, patch, want }) => assert.deepEqual(strategicMergePatch(target, patch, Pod.type), want),
  )
})

describe('lists', () => {
  cases<Row>(
    [
      {
        name: 'merge by their key, new items last',
        type: Pod.type,
        target: { spec: { containers: [container('a', { image: '1', env: [{ name: 'X', value: '1' }] }), container('b')] } },
        patch: { spec: { containers: [container('c'), container('a', { image: '2', env: [{ name: 'Y', value: '2' }] })] } },
        want: {
          spec: {
            containers: [
              container('a', {
                image: '2',
                env: [
                  { name: 'X', value: '1' },
                  { name: 'Y', value: '2' },
                ],
              }),
              container('b'),
              container('c'),
            ],
          },
        },
      },
      {
        name: 'merge by a key that is a number',
        type: Service.type,
        target: { spec: { ports: [{ port: 80, name: 'a' }, { port: 81 }] } },
        patch: { spec: { ports: [{ port: 80, name: 'b' }] } },
        want: { spec: { ports: [{ port: 80, name: 'b' }, { port: 81 }] } },
      },
      {
        name: 'lose items by directive',
        type: Pod.type,
        target: containers('a', 'b', 'c'),
        patch: { spec: { containers: [{ name: 'b', $patch: 'delete' }] } },
        want: containers('a', 'c'),
      },
      {
        name: 'are replaced by directive',
        type: Pod.type,
        target: containers('a', 'b'),
        patch: { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } },
        want: containers('c'),
      },
      {
        name: 'without a key are taken whole',
        type: Pod.type,
        target: { spec: { containers: [container('a', { args: ['1', '2'] })] } },
        patch: { spec: { containers: [container('a', { args: ['3'] })] } },
        want: { spec: { containers: [container('a', { args: ['3'] })] } },
      },
      {
        name: 'of scalars merge as sets',
        type: Node.type,
        target: { metadata: { finalizers: ['a', 'b'] } },
        patch: { metadata: { finalizers: ['b', 'c', 'c'] } },
        want: { metadata: { finalizers: ['a', 'b', 'c'] } },
      },
      {
        name: 'of scalars lose values by directive',
        type: Node.type,
        target: { metadata: { finalizers: ['a', 'b'] } },
        patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['a', 'z'] } },
        want: { metadata: { finalizers: ['b'] } },
      },
      {
        name: 'of scalars follow the asked order',
        type: Node.type,
        target: { metadata: { finalizers: ['a', 'b'] } },
        patch: { metadata: { '$setElementOrder/finalizers': ['c', 'b', 'a'], finalizers: ['c'] } },
        want: { metadata: { finalizers: ['c', 'b', 'a'] } },
      },
      {
        name: 'follow the asked order',
        type: Pod.type,
        target: containers('a', 'b'),
        patch: {
          spec: {
            '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }],
            containers: [{ name: 'c' }],
          },
        },
        want: containers('c', 'b', 'a'),
      },
      {
        name: 'are put in order without being changed',
        type: Pod.type,
        target: containers('a', 'b'),
        patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
        want: containers('b', 'a'),
      },
      {
        name: 'keep items the order does not name where they stood',
        type: Pod.type,
        target: containers('a', 'server', 'b'),
        patch: {
          spec: {
            '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
            containers: [{ name: 'c' }],
          },
        },
        want: containers('a', 'server', 'b', 'c'),
      },
      {
        name: 'that were not there come in without directives',
        type: Pod.type,
        target: {},
        patch: {
          spec: {
            '$setElementOrder/containers': [{ name: 'a' }],
            containers: [
              { name: 'a', $retainKeys: ['name'] },
              { name: 'b', $patch: 'delete' },
            ],
          },
        },
        want: containers('a'),
      },
    ],
    ({ type, target, patch, want }) => {
      const before = structuredClone(target)
      assert.deepEqual(strategicMergePatch(target, patch, type), want)
      assert.deepEqual(target, before)
    },
  )
})

describe('patches that make no sense', () => {
  cases<{ name: string; patch: Record<string, unknown>; want: string }>(
    [
      {
        name: 'an unknown directive',
        patch: { spec: { $patch: 'swap' } },
        want: '400 BadRequest: unknown patch type found: "swap"',
      },
      {
        name: 'an item without its key',
        patch: { spec: { containers: [{ image: 'x' }] } },
        want: '400 BadRequest: map: {"image":"x"} does not contain declared merge key: name',
      },
      {
        name: 'an order that is no list',
        patch: { spec: { '$setElementOrder/containers': 'a' } },
        want: '400 BadRequest: invalid patch format of setElementOrder list',
      },
      {
        name: 'values to remove that are no list',
        patch: { metadata: { '$deleteFromPrimitiveList/finalizers': 'a' } },
        want: '400 BadRequest: invalid patch format of primitive list',
      },
      {
        name: 'keys to retain that are no list',
        patch: { spec: { $retainKeys: 'a' } },
        want: '400 BadRequest: invalid patch format of retainKeys',
      },
    ],
    async ({ patch, want }) => {
      const attempt = async () => strategicMergePatch(containers('a'), patch, Pod.type)
      assert.equal(await refusal(attempt()), want)
    },
  )

  it('reach no prototype', () => {
    const patch = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"metadata":{"labels":{"__proto__":"1"}}}',
    ) as Record<string, unknown>
    const merged = strategicMergePatch({ metadata: { labels: { a: '1' } } }, patch, Pod.type)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    assert.equal(JSON.stringify((merged as { metadata: object }).metadata), '{"labels":{"a":"1","__proto__":"1"}}')
  })
})
