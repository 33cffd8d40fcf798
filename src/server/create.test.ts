import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Plugin } from '../admission/chain.ts'
import { runtimeClass } from '../admission/runtime-class.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyKind } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { forbidden } from '../api/status.ts'
import { StoreFullError } from '../store/store.ts'
import { memoryStore } from '../store/memory.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { refusal } from '../testing/refusal.ts'

const random = (...suffixes: string[]) => {
  const letters = suffixes.join('')
  let at = 0
  return { uid: () => 'uid-1', integer: () => 'bcdfghjklmnpqrstvwxz2456789'.indexOf(letters[at++] ?? 'b') }
}

describe('what the server adds', () => {
  it('fills in its own metadata and takes the client’s word for none of it', async () => {
    const server = await testServer({ clock: manualClock(), random: random() })
    const metadata = {
      name: 'a',
      uid: 'mine',
      creationTimestamp: '2000-01-01T00:00:00Z',
      deletionTimestamp: '2000-01-01T00:00:00Z',
    }
    const { object, bytes } = await server.create(ConfigMap, { namespace: 'default' }, { metadata, data: { k: 'v' } }, byTester)
    const want = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        resourceVersion: '2',
        name: 'a',
        namespace: 'default',
        uid: 'uid-1',
        creationTimestamp: '2023-11-14T22:13:20Z',
      },
      data: { k: 'v' },
    }
    assert.deepEqual(object, want)
    const text = Buffer.from(bytes).toString()
    assert.ok(text.startsWith('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"2","name":"a",'), text)
    assert.deepEqual(JSON.parse(text), want)
  })

  it('makes a name that is free', async () => {
    const server = await testServer({ random: random('bcdfg', 'bcdfg', 'hjklm') })
    const body = { metadata: { generateName: 'web-' } }
    const names = []
    for (let i = 0; i < 2; i++)
      names.push((await server.create(ConfigMap, { namespace: 'default' }, body, byTester)).object.metadata.name)
    assert.deepEqual(names, ['web-bcdfg', 'web-hjklm'])
  })

  it('makes the name after admission, which refuses what was given', async () => {
    const server = await testServer({ plugins: [runtimeClass] })
    const body = {
      metadata: { generateName: 'web-' },
      spec: { runtimeClassName: 'nope', containers: [{ name: 'a', image: 'a' }] },
    }
    assert.equal(
      await refusal(server.create(Pod, { namespace: 'default' }, body, byTester)),
      '403 Forbidden: pods "web-" is forbidden: pod rejected: RuntimeClass "nope" not found',
    )
  })

  it('gives up on names after eight tries', async () => {
    const server = await testServer({ random: random() })
    const body = { metadata: { generateName: 'x'.repeat(80) } }
    const name = `${'x'.repeat(58)}bbbbb`
    const make = () => server.create(ConfigMap, { namespace: 'default' }, body, byTester)
    assert.equal((await make()).object.metadata.name, name)
    assert.equal(await refusal(make()), `409 AlreadyExists: configmaps "${name}" already exists`)
  })

  it('stores quantities as they are written canonically', async () => {
    const server = await testServer()
    const body = { metadata: { name: 'r' }, handler: 'runc', overhead: { podFixed: { cpu: '0.010', memory: 1024 } } }
    const { object } = await server.create(RuntimeClass, {}, body, byTester)
    assert.deepEqual((object as RuntimeClass).overhead, { podFixed: { cpu: '10m', memory: '1024' } })
  })
})

interface Refused {
  name: string
  kind: AnyKind
  namespace?: string
  body: unknown
  want: string
}

describe('what is refused', () => {
  const base = { kind: ConfigMap, namespace: 'default' }
  cases<Refused>(
    [
      {
        ...base,
        name: 'a body that is no object',
        body: [],
        want: '400 BadRequest: the object provided is unrecognized (must be of type ConfigMap): not a JSON object',
      },
      {
        ...base,
        name: 'a field of the wrong type',
        body: { metadata: { name: 'a' }, data: 'x' },
        want: '400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal string into field data of type map',
      },
      {
        ...base,
        name: 'another kind',
        body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
        want: '400 BadRequest: Pod in version "v1" cannot be handled as a ConfigMap: converting (Pod) to (ConfigMap): unknown conversion',
      },
      {
        ...base,
        name: 'a kind that nobody knows',
        body: { apiVersion: 'v1', kind: 'Pud', metadata: { name: 'a' } },
        want: '400 BadRequest: Pud in version "v1" cannot be handled as a ConfigMap: no kind "Pud" is registered for version "v1"',
      },
      {
        ...base,
        name: 'another version',
        body: { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' } },
        want: '400 BadRequest: the API version in the data (v2) does not match the expected API version (v1)',
      },
      {
        ...base,
        name: 'another namespace than the path’s',
        body: { metadata: { name: 'a', namespace: 'other' } },
        want: '400 BadRequest: the namespace of the provided object does not match the namespace sent on the request',
      },
      {
        kind: Node,
        name: 'a namespace where there is none',
        body: { metadata: { name: 'a', namespace: 'default' } },
        want: '400 BadRequest: namespace may not be set for cluster-scoped resources',
      },
      {
        ...base,
        name: 'no name',
        body: {},
        want: '422 Invalid: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      },
      {
        ...base,
        name: 'a resourceVersion',
        body: { metadata: { name: 'a', resourceVersion: '7' } },
        want: '500 : resourceVersion should not be set on objects to be created',
      },
      {
        kind: RuntimeClass,
        name: 'several faults at once',
        body: { metadata: { name: 'A' }, handler: 'No.Label' },
        want: `422 Invalid: RuntimeClass.node.k8s.io "A" is invalid: [metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), handler: Invalid value: "No.Label": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]`,
      },
    ],
    async ({ kind, namespace, body, want }) => {
      const server = await testServer()
      assert.equal(await refusal(server.create(kind, { namespace }, body, byTester)), want)
      assert.deepEqual((await server.list(kind, {})).items, [])
    },
  )
})

describe('fields nobody knows', () => {
  const body = { metadata: { name: 'a' }, spec: {}, data: {}, ['__proto__x']: 1 }
  const wrongly = ['unknown field "spec"', 'unknown field "__proto__x"']

  it('are refused when asked strictly', async () => {
    const server = await testServer()
    assert.equal(
      await refusal(server.create(ConfigMap, { namespace: 'default' }, body, { ...byTester, fieldValidation: 'Strict' })),
      `400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${wrongly.join(', ')}`,
    )
  })

  it('are warned of, or dropped in silence', async () => {
    const server = await testServer()
    for (const [fieldValidation, want] of [
      ['Warn', wrongly],
      ['Ignore', []],
    ] as const) {
      const heard: string[] = []
      const context = { ...byTester, dryRun: true, fieldValidation, warn: (text: string) => void heard.push(text) }
      const { object } = await server.create(ConfigMap, { namespace: 'default' }, body, context)
      assert.deepEqual(heard, want)
      assert.deepEqual(Object.keys(object), ['kind', 'apiVersion', 'metadata'])
    }
  })

  it('reach no prototype', async () => {
    const server = await testServer()
    const text =
      '{"metadata":{"name":"a","labels":{"a":"b"},"__proto__":{"uid":"x"}},"data":{"__proto__":"1","constructor":"2"},"__proto__":{"polluted":1}}'
    const { object } = await server.create(ConfigMap, { namespace: 'default' }, JSON.parse(text), byTester)
    assert.equal(JSON.stringify((object as ConfigMap).data), '{"__proto__":"1","constructor":"2"}')
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    assert.equal(Object.getPrototypeOf(object), Object.prototype)
  })
})

describe('a dry run', () => {
  it('answers with what would be, and writes nothing', async () => {
    const store = memoryStore()
    const server = await testServer({ store })
    const before = await store.revision()
    const { object } = await server.create(ConfigMap, { namespace: 'default' }, configMap('a'), { ...byTester, dryRun: true })
    assert.equal(object.metadata.resourceVersion, undefined)
    assert.match(object.metadata.uid ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(await store.revision(), before)
    await server.create(ConfigMap, { namespace: 'default' }, configMap('a'), byTester)
    assert.equal(
      await refusal(server.create(ConfigMap, { namespace: 'default' }, configMap('a'), { ...byTester, dryRun: true })),
      '409 AlreadyExists: configmaps "a" already exists',
    )
  })
})

describe('admission', () => {
  const overhead: Plugin = {
    name: 'overhead',
    kind: Pod,
    verbs: ['create'],
    mutate: ({ object }) => ({ ...object, spec: { ...(object as Pod).spec, overhead: { cpu: '0.1' } } }),
    validate({ object }) {
      assert.deepEqual((object as Pod).spec.overhead, { cpu: '100m' })
      assert.equal((object as Pod).status.phase, 'Pending')
    },
  }
  const charges: string[] = []
  const quota: Plugin = {
    name: 'quota',
    verbs: ['create'],
    validate({ object, kind }) {
      if (object.metadata.name === 'poor') throw forbidden(kind, object.metadata.name, 'exceeded quota')
      charges.push(object.metadata.name)
    },
  }

  it('changes objects, whose amounts are canonical after it, and charges only what can be stored', async () => {
    const server = await testServer({ plugins: [overhead, quota] })
    const make = (name: string) => server.create(Pod, { namespace: 'default' }, podOf(name), byTester)
    await make('a')
    assert.equal(await refusal(make('poor')), '403 Forbidden: pods "poor" is forbidden: exceeded quota')
    assert.equal(await refusal(make('a')), '409 AlreadyExists: pods "a" already exists')
    assert.match(await refusal(make('No')), /^422 /)
    assert.deepEqual(charges, ['a'])
  })
})

describe('a store without space', () => {
  it('refuses writes by name, and still reads', async () => {
    const store = memoryStore()
    const full = { ...store, set: async () => await Promise.reject(new StoreFullError()) }
    const first = await testServer({ store })
    await first.client('tester').create(ConfigMap, configMap('a'))
    const server = await testServer({ store: full })
    assert.equal(
      await refusal(server.create(ConfigMap, { namespace: 'default' }, configMap('b'), byTester)),
      '500 InternalError: Internal error occurred: the store has no space left on device, so nothing was written',
    )
    assert.equal((await server.list(ConfigMap, {})).items.length, 1)
  })
})
