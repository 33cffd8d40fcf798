import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { Secret } from '../api/core/secret.ts'
import type { AnyKind } from '../api/kind.ts'
import { memoryStore } from '../store/memory.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { refusal } from '../testing/refusal.ts'
import type { ApiServer, StoredEvent, WatchQuery } from './api-server.ts'

const shown = (event: StoredEvent): string =>
  event.type === 'BOOKMARK'
    ? `BOOKMARK ${event.resourceVersion}${event.initialEventsEnd ? ' initial-events-end' : ''}`
    : `${event.type} ${event.stored.object.metadata.name} ${event.stored.object.metadata.resourceVersion}`

/** Collects what a watch says, in the background; `seen` grows as it does. */
function watching(server: ApiServer, kind: AnyKind, query: Partial<WatchQuery> = {}) {
  const stop = new AbortController()
  const seen: string[] = []
  const run = async () => {
    for await (const batch of server.watch(kind, { signal: stop.signal, ...query })) seen.push(...batch.map(shown))
  }
  const ended = run()
  ended.catch(() => undefined)
  return { seen, ended, stop: () => stop.abort() }
}

async function says(watch: ReturnType<typeof watching>, wanted: string[]): Promise<void> {
  await eventually(() => watch.seen.length >= wanted.length)
  assert.deepEqual(watch.seen, wanted)
  watch.stop()
  await watch.ended
}

describe('where a watch begins', () => {
  const twoMaps = async (store = memoryStore()) => {
    const server = await testServer({ store })
    const client = server.client('tester')
    await client.create(ConfigMap, configMap('b'))
    await client.create(ConfigMap, configMap('a'))
    return { server, client, store }
  }

  it('sends what is there, then what happens', async () => {
    const { server, client } = await twoMaps()
    for (const resourceVersion of [undefined, '', '0']) {
      const watch = watching(server, ConfigMap, { resourceVersion })
      await says(watch, ['ADDED a 3', 'ADDED b 2'])
    }
    const watch = watching(server, ConfigMap)
    await eventually(() => watch.seen.length === 2)
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await says(watch, ['ADDED a 3', 'ADDED b 2', 'DELETED a 4'])
  })

  it('ends the initial events of a streaming list with a bookmark', async () => {
    const { server, client } = await twoMaps()
    const watch = watching(server, ConfigMap, {
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    })
    await eventually(() => watch.seen.length === 3)
    await client.create(ConfigMap, configMap('c'))
    await says(watch, ['ADDED a 3', 'ADDED b 2', 'BOOKMARK 3 initial-events-end', 'ADDED c 4'])
  })

  it('sends nothing that is there when asked not to', async () => {
    const { server, client } = await twoMaps()
    const watch = watching(server, ConfigMap, { sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' })
    await client.create(ConfigMap, configMap('c'))
    await says(watch, ['ADDED c 4'])
  })

  it('goes on from a revision older than the server itself, through the store’s history', async () => {
    const { server: first, client, store } = await twoMaps()
    await client.update(ConfigMap, configMap('a', { data: { k: '1' } }))
    await client.delete(ConfigMap, { namespace: 'default', name: 'b' })
    await first.close()
    const second = await testServer({ store })
    const watch = watching(second, ConfigMap, { resourceVersion: '2' })
    await eventually(() => watch.seen.length === 3)
    await second.client('tester').create(ConfigMap, configMap('c'))
    await says(watch, ['ADDED a 3', 'MODIFIED a 4', 'DELETED b 5', 'ADDED c 6'])
  })

  it('is refused when that history is gone', async () => {
    const { server: first, client, store } = await twoMaps()
    await client.create(ConfigMap, configMap('c'))
    await first.close()
    await store.compact(4)
    const second = await testServer({ store })
    assert.equal(
      await refusal(watching(second, ConfigMap, { resourceVersion: '2' }).ended),
      '410 Expired: too old resource version: 2 (4)',
    )
    const watch = watching(second, ConfigMap, { resourceVersion: '3' })
    await says(watch, ['ADDED c 4'])
  })

  it('must be a number', async () => {
    const server = await testServer()
    assert.equal(
      await refusal(watching(server, ConfigMap, { resourceVersion: 'x' }).ended),
      '400 BadRequest: invalid resource version "x": it must be a decimal number',
    )
  })

  it('knows which options go together', async () => {
    const server = await testServer()
    assert.equal(
      await refusal(watching(server, ConfigMap, { sendInitialEvents: true }).ended),
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
    assert.equal(
      await refusal(watching(server, ConfigMap, { resourceVersion: '2', resourceVersionMatch: 'NotOlderThan' }).ended),
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    )
  })
})

describe('what a watch sees', () => {
  it('turns changes across its selector into ADDED and DELETED, the latter with the object as it last matched', async () => {
    const server = await testServer()
    const client = server.client('tester')
    const labelled = (colour: string) => configMap('a', { metadata: { name: 'a', namespace: 'default', labels: { colour } } })
    const query = { labelSelector: 'colour=red', resourceVersion: '2' }
    await client.create(Secret, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } } as Secret)
    const events: StoredEvent[] = []
    const watch = watching(server, ConfigMap, query)
    await client.create(ConfigMap, labelled('blue'))
    await client.update(ConfigMap, labelled('red'))
    await client.update(ConfigMap, { ...labelled('red'), data: { k: '1' } })
    await client.update(ConfigMap, labelled('green'))
    await client.update(ConfigMap, labelled('blue'))
    await client.update(ConfigMap, labelled('red'))
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await says(watch, ['ADDED a 4', 'MODIFIED a 5', 'DELETED a 6', 'ADDED a 8', 'DELETED a 9'])
    const stop = new AbortController()
    for await (const batch of server.watch(ConfigMap, { ...query, signal: stop.signal })) {
      events.push(...batch)
      if (events.length === 5) stop.abort()
    }
    const gone = events[2]
    assert.ok(gone?.type === 'DELETED')
    assert.deepEqual(gone.stored.object.metadata.labels, { colour: 'red' })
    assert.deepEqual(JSON.parse(Buffer.from(gone.stored.bytes).toString()), gone.stored.object)
  })

  it('keeps to its namespace, and to the fields it asks for', async () => {
    const server = await testServer()
    const client = server.client('tester')
    const inOther = watching(server, Pod, { namespace: 'other' })
    const onNode = watching(server, Pod, { fieldSelector: 'spec.nodeName=n1' })
    await client.create(Pod, podOf('a'))
    await client.create(Pod, podOf('b', { metadata: { namespace: 'other' } }))
    await server.bind({ namespace: 'default', name: 'a' }, binding('n1'), byTester)
    await says(inOther, ['ADDED b 3'])
    await says(onNode, ['ADDED a 4'])
  })

  const binding = (name: string) => ({ apiVersion: 'v1', kind: 'Binding', metadata: {}, target: { kind: 'Node', name } })

  it('hears a bookmark each minute, and only when it asked', async () => {
    const clock = manualClock()
    const server = await testServer({ clock })
    const client = server.client('tester')
    await client.create(ConfigMap, configMap('a'))
    const told = watching(server, ConfigMap, { allowWatchBookmarks: true })
    const silent = watching(server, ConfigMap)
    await eventually(() => told.seen.length === 1 && silent.seen.length === 1)
    await client.create(Pod, podOf('p'))
    await clock.advance(60_000)
    await eventually(() => told.seen.length === 2)
    await clock.advance(60_000)
    await says(told, ['ADDED a 2', 'BOOKMARK 3', 'BOOKMARK 3'])
    await says(silent, ['ADDED a 2'])
  })

  it('ends when the server closes', async () => {
    const server = await testServer()
    const watch = watching(server, ConfigMap)
    await server.close()
    await watch.ended
    assert.deepEqual(watch.seen, [])
  })
})

describe('a watch under load', () => {
  it('misses nothing, repeats nothing and keeps the order', async () => {
    const server = await testServer()
    const client = server.client('tester')
    const watch = watching(server, ConfigMap)
    const names = Array.from({ length: 8 }, (_, i) => `m${i}`)
    const churn = async (name: string) => {
      for (let round = 0; round < 5; round++) {
        const made = await client.create(ConfigMap, configMap(name))
        await client.update(ConfigMap, { ...made, data: { round: String(round) } })
        await client.delete(ConfigMap, { namespace: 'default', name })
      }
    }
    await Promise.all(names.map(churn))
    await eventually(() => watch.seen.length === 8 * 5 * 3)
    watch.stop()
    await watch.ended
    const revisions = watch.seen.map((line) => Number(line.split(' ')[2]))
    assert.deepEqual(
      revisions,
      Array.from({ length: 120 }, (_, i) => i + 2),
    )
    for (const name of names) {
      const types = watch.seen.filter((line) => line.split(' ')[1] === name).map((line) => line.split(' ')[0])
      assert.deepEqual(types, Array.from({ length: 5 }, () => ['ADDED', 'MODIFIED', 'DELETED']).flat())
    }
  })

  it('is cut when its consumer stays too far behind', async () => {
    const server = await testServer({ store: memoryStore({ historyLimit: 1000 }) })
    const client = server.client('tester')
    const made = await client.create(ConfigMap, configMap('a'))
    const stop = new AbortController()
    const slow = server.watch(ConfigMap, { signal: stop.signal, resourceVersion: '0' })[Symbol.asyncIterator]()
    assert.equal((await slow.next()).done, false)
    for (let i = 0; i < 10_000; i++)
      await client.update(ConfigMap, { ...made, metadata: configMap('a').metadata, data: { i: String(i) } })
    assert.match(await refusal(slow.next()), /^410 Expired: too old resource version: 2 \(\d+\)$/)
    stop.abort()
  })
})
