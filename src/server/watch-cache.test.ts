import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import { deferred } from '../lib/deferred.ts'
import { memoryStore } from '../store/memory.ts'
import { CompactedError, type Store } from '../store/store.ts'
import { configMap, testServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { refusal } from '../testing/refusal.ts'
import type { ApiServer } from './api-server.ts'

/** A store whose watches under way break with `error` when told to. */
function breakable(): { store: Store; break: (error: Error) => void; watches: () => number } {
  const store = memoryStore()
  let broken = deferred<never>()
  let watches = 0
  return {
    store: {
      ...store,
      async *watch(prefix, since, signal) {
        watches++
        const { promise } = broken
        const changes = store.watch(prefix, since, signal)[Symbol.asyncIterator]()
        for (;;) {
          const turn = await Promise.race([changes.next(), promise])
          if (turn.done) return
          yield turn.value
        }
      },
    },
    watches: () => watches,
    break(error) {
      const { reject } = broken
      broken = deferred<never>()
      reject(error)
    },
  }
}

const names = async (server: ApiServer) => (await server.list(ConfigMap, {})).items.map(({ object }) => object.metadata.name)

describe('a store whose watch breaks', () => {
  it('is watched again from where it was, and nobody misses anything', async () => {
    const clock = manualClock()
    const { store, break: breakWatch, watches } = breakable()
    const server = await testServer({ store, clock })
    const client = server.client('tester')
    await client.create(ConfigMap, configMap('a'))
    const stop = new AbortController()
    const events = client.watch(ConfigMap, '0', { signal: stop.signal })[Symbol.asyncIterator]()
    assert.equal((await events.next()).done, false)
    breakWatch(new Error('connection lost'))
    await eventually(() => clock.pending() === 2)
    const late = client.create(ConfigMap, configMap('b'))
    assert.deepEqual(await names(server), ['a'])
    await clock.advance(1000)
    await late
    assert.deepEqual(await names(server), ['a', 'b'])
    const seen = await events.next()
    assert.ok(!seen.done && seen.value.type === 'ADDED' && seen.value.object.metadata.name === 'b')
    assert.equal(watches(), 2)
    stop.abort()
  })

  it('is listed again when its history went on without us, and watches must begin anew', async () => {
    const { store, break: breakWatch } = breakable()
    const server = await testServer({ store })
    const client = server.client('tester')
    await client.create(ConfigMap, configMap('a'))
    await client.create(ConfigMap, configMap('b'))
    const stop = new AbortController()
    const events = server.watch(ConfigMap, { resourceVersion: '3', signal: stop.signal })[Symbol.asyncIterator]()
    const next = events.next()
    next.catch(() => undefined)
    breakWatch(new CompactedError(9))
    const text = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","namespace":"default"}}'
    await store.set('/registry/core/configmaps/default/a', 2, null)
    await store.set('/registry/core/configmaps/default/c', 0, Buffer.from(text))
    await eventually(async () => (await names(server)).includes('c'))
    assert.deepEqual(await names(server), ['b', 'c'])
    assert.equal(await refusal(next), '410 Expired: too old resource version: 3 (5)')
    await client.create(ConfigMap, configMap('d'))
    assert.deepEqual(await names(server), ['b', 'c', 'd'])
    stop.abort()
  })
})

describe('a kind that this server does not serve', () => {
  it('stays in the store untouched', async () => {
    const store = memoryStore()
    await (await testServer({ store })).client('tester').create(ConfigMap, configMap('a'))
    const server = await testServer({ store, kinds: [Secret] })
    assert.deepEqual((await server.list(Secret, {})).items, [])
    await assert.rejects(async () => server.list(ConfigMap, {}), /v1 ConfigMap is not served/)
  })
})
