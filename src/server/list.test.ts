import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { statusOf } from '../api/status.ts'
import { systemClock } from '../lib/clock.ts'
import { memoryStore } from '../store/memory.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { refusal } from '../testing/refusal.ts'
import type { ListQuery, StoredList } from './api-server.ts'
import { continueToken } from './continue-token.ts'

const names = ({ items }: StoredList) => items.map(({ object }) => object.metadata.name)
const tenMaps = async (store = memoryStore()) => {
  const server = await testServer({ store })
  const client = server.client('tester')
  for (let i = 0; i < 10; i++)
    await client.create(
      ConfigMap,
      configMap(`m${i}`, { metadata: { name: `m${i}`, namespace: 'default', labels: { odd: String(i % 2) } } }),
    )
  return { server, client, store }
}
const allOfThem = Array.from({ length: 10 }, (_, i) => `m${i}`)

describe('a list', () => {
  it('is in the order of namespaces and names, each namespace by itself', async () => {
    const server = await testServer()
    const client = server.client('tester')
    for (const [namespace, name] of [
      ['ab', 'x'],
      ['a', 'y'],
      ['a', 'x'],
      ['a', 'x-1'],
    ] as const)
      await client.create(ConfigMap, configMap(name, { metadata: { name, namespace } }))
    assert.deepEqual(names(await server.list(ConfigMap, {})), ['x', 'x-1', 'y', 'x'])
    assert.deepEqual(names(await server.list(ConfigMap, { namespace: 'a' })), ['x', 'x-1', 'y'])
    assert.deepEqual(names(await server.list(Node, {})), [])
  })

  it('selects by labels and fields', async () => {
    const { server } = await tenMaps()
    assert.deepEqual(names(await server.list(ConfigMap, { labelSelector: 'odd=1' })), ['m1', 'm3', 'm5', 'm7', 'm9'])
    assert.deepEqual(names(await server.list(ConfigMap, { fieldSelector: 'metadata.name=m4' })), ['m4'])
    assert.match(await refusal(server.list(ConfigMap, { labelSelector: '=' })), /^400 BadRequest: .*found '='/)
    assert.match(
      await refusal(server.list(Pod, { fieldSelector: 'spec.x=1' })),
      /^400 BadRequest: field label not supported: spec.x/,
    )
  })

  it('never serialises an object twice', async () => {
    const { server, client } = await tenMaps()
    const first = await server.list(ConfigMap, {})
    await client.create(Pod, podOf('p'))
    await client.update(ConfigMap, configMap('m3', { data: { k: '1' } }))
    const second = await server.list(ConfigMap, {})
    const same = second.items.map((stored, i) => stored.bytes === first.items[i]?.bytes)
    assert.deepEqual(
      same,
      allOfThem.map((name) => name !== 'm3'),
    )
  })

  it('of an empty store has a revision to watch from, which is not 0', async () => {
    const server = await testServer()
    const { resourceVersion } = await server.list(ConfigMap, {})
    await server.client('tester').create(ConfigMap, configMap('a'))
    await server.client('tester').delete(ConfigMap, { namespace: 'default', name: 'a' })
    const stop = new AbortController()
    const seen: string[] = []
    for await (const batch of server.watch(ConfigMap, { resourceVersion, signal: stop.signal })) {
      seen.push(...batch.map(({ type }) => type))
      if (seen.length === 2) stop.abort()
    }
    assert.deepEqual([resourceVersion, seen], ['1', ['ADDED', 'DELETED']])
  })

  it('is true of one revision of the whole store', async () => {
    const { server, client } = await tenMaps()
    await client.create(Pod, podOf('p'))
    assert.equal((await server.list(ConfigMap, {})).resourceVersion, '12')
  })
})

describe('a store that tells of changes late', () => {
  it('makes writers wait until everybody can see what they wrote', async () => {
    const store = memoryStore()
    const late: typeof store = {
      ...store,
      async *watch(prefix, since, signal) {
        for await (const changes of store.watch(prefix, since, signal)) {
          await systemClock.sleep(5)
          yield changes
        }
      },
    }
    const server = await testServer({ store: late })
    const client = server.client('tester')
    const made = await client.create(ConfigMap, configMap('a'))
    assert.deepEqual((await client.list(ConfigMap)).items, [made])
    const updated = await client.update(ConfigMap, { ...made, data: { k: '1' } })
    assert.deepEqual((await client.list(ConfigMap)).items, [updated])
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    assert.deepEqual((await client.list(ConfigMap)).items, [])
    // what another writer stored is found by who asks for it, and then by everybody
    await store.set('/registry/core/configmaps/default/b', 0, Buffer.from(otherWriters))
    assert.equal((await client.get(ConfigMap, { namespace: 'default', name: 'b' })).metadata.name, 'b')
    assert.equal((await client.list(ConfigMap)).items.length, 1)
  })

  const otherWriters = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b","namespace":"default"}}'
})

describe('pages', () => {
  it('show one moment, whatever is written between them', async () => {
    const { server, client } = await tenMaps()
    const seen: string[] = []
    const left: (number | undefined)[] = []
    let token: string | undefined
    do {
      const page = await server.list(ConfigMap, { limit: 3, continue: token })
      seen.push(...names(page))
      left.push(page.remainingItemCount)
      assert.equal(page.resourceVersion, '11')
      token = page.continue
      await client.delete(ConfigMap, { namespace: 'default', name: `m${seen.length}` }).catch(() => undefined)
      await client.create(ConfigMap, configMap(`new-${seen.length}`))
    } while (token !== undefined)
    assert.deepEqual(seen, allOfThem)
    assert.deepEqual(left, [7, 4, 1, undefined])
  })

  it('count nothing and skip what is not selected', async () => {
    const { server } = await tenMaps()
    const first = await server.list(ConfigMap, { limit: 2, labelSelector: 'odd=1' })
    assert.deepEqual([names(first), first.remainingItemCount], [['m1', 'm3'], undefined])
    const rest = await server.list(ConfigMap, { limit: 3, labelSelector: 'odd=1', continue: first.continue })
    assert.deepEqual([names(rest), rest.continue], [['m5', 'm7', 'm9'], undefined])
  })

  it('end with 410 when their moment is forgotten, and with a token to go on with all the same', async () => {
    const { server, client, store } = await tenMaps()
    const { continue: token } = await server.list(ConfigMap, { limit: 3 })
    await client.create(ConfigMap, configMap('m33'))
    await store.compact(await store.revision())
    const status = await server.list(ConfigMap, { limit: 3, continue: token }).catch(statusOf)
    assert.ok(status && 'code' in status)
    assert.deepEqual([status.code, status.reason], [410, 'Expired'])
    assert.match(status.message ?? '', /^The provided continue parameter is too old to display a consistent list result\./)
    const rest = await server.list(ConfigMap, { continue: status.metadata['continue'] as string })
    assert.deepEqual([names(rest), rest.resourceVersion], [['m3', 'm33', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9'], '12'])
  })
})

interface Asked {
  name: string
  query: ListQuery
  /** Names, or what it is refused with. */
  want: string
}

describe('at which revision', () => {
  const invalid = '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: '
  cases<Asked>(
    [
      { name: 'exactly an old one', query: { resourceVersion: '3', resourceVersionMatch: 'Exact' }, want: 'm0,m1 at 3' },
      { name: 'with a limit, exactly', query: { resourceVersion: '3', limit: 5 }, want: 'm0,m1 at 3' },
      {
        name: 'at least an old one',
        query: { resourceVersion: '3', resourceVersionMatch: 'NotOlderThan' },
        want: `${allOfThem.join(',')} at 11`,
      },
      { name: 'without a match, at least', query: { resourceVersion: '3' }, want: `${allOfThem.join(',')} at 11` },
      { name: 'any', query: { resourceVersion: '0' }, want: `${allOfThem.join(',')} at 11` },
      {
        name: 'one that is to come',
        query: { resourceVersion: '12' },
        want: '504 Timeout: Timeout: Too large resource version: 12, current: 11',
      },
      {
        name: 'no number',
        query: { resourceVersion: 'x' },
        want: '400 BadRequest: invalid resource version "x": it must be a decimal number',
      },
      {
        name: 'a match of nothing',
        query: { resourceVersionMatch: 'Exact' },
        want: `${invalid}Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
      },
      {
        name: 'a match nobody knows',
        query: { resourceVersion: '3', resourceVersionMatch: 'Near' },
        want: `${invalid}Unsupported value: "Near": supported values: "", "Exact", "NotOlderThan"`,
      },
      {
        name: 'exactly any',
        query: { resourceVersion: '0', resourceVersionMatch: 'Exact' },
        want: `${invalid}Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
      },
      {
        name: 'a page and a revision',
        query: { resourceVersion: '3', continue: continueToken(2, 'x') },
        want: '400 BadRequest: specifying resource version is not allowed when using continue',
      },
      {
        name: 'a token that is none',
        query: { continue: 'x' },
        want: '400 BadRequest: continue key is not valid: it cannot be decoded',
      },
      {
        name: 'a token without a place',
        query: { continue: continueToken(2, '') },
        want: '400 BadRequest: continue key is not valid: encoded start key empty',
      },
      {
        name: 'a token without a moment',
        query: { continue: continueToken(0, 'x') },
        want: '400 BadRequest: continue key is not valid: incorrect encoded start resourceVersion',
      },
    ],
    async ({ query, want }) => {
      const { server } = await tenMaps()
      const shown = async () => {
        const page = await server.list(ConfigMap, query)
        return `${names(page).join(',')} at ${page.resourceVersion}`
      }
      assert.equal(want.includes(' at ') ? await shown() : await refusal(server.list(ConfigMap, query)), want)
    },
  )

  it('refuses one whose history is gone', async () => {
    const { server, store } = await tenMaps()
    await store.compact(5)
    assert.equal(
      await refusal(server.list(ConfigMap, { resourceVersion: '3', resourceVersionMatch: 'Exact' })),
      '410 Expired: The resourceVersion for the provided list is too old.',
    )
  })
})

describe('a server that opens a store with objects', () => {
  it('serves them as they were', async () => {
    const { server, store } = await tenMaps()
    const before = await server.list(ConfigMap, {})
    await server.close()
    const after = await (await testServer({ store })).list(ConfigMap, {})
    assert.deepEqual(
      after.items.map(({ object }) => object),
      before.items.map(({ object }) => object),
    )
    assert.deepEqual(
      after.items.map(({ bytes }) => bytes),
      before.items.map(({ bytes }) => bytes),
    )
    assert.equal(after.resourceVersion, before.resourceVersion)
    await (await testServer({ store })).create(ConfigMap, { namespace: 'default' }, configMap('x'), byTester)
  })
})
