// What every Client promises, whoever makes it: in the server's process or over HTTP.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { configMap } from '../testing/api-server.ts'
import { refusal } from '../testing/refusal.ts'
import type { Client, Watched } from './client.ts'

/** A client of an empty control plane with no admission plugins. */
export interface OpenClient {
  client: Client
  close(): Promise<void>
}

export function clientContract(name: string, open: () => Promise<OpenClient>): void {
  describe(`client: ${name}`, () => {
    const opened: OpenClient[] = []
    const fresh = async () => {
      const made = await open()
      opened.push(made)
      return made.client
    }
    afterEach(async () => {
      for (const made of opened.splice(0)) await made.close()
    })

    readsAndWrites(fresh)
    watches(fresh)
  })
}

type Fresh = () => Promise<Client>
const a = { namespace: 'default', name: 'a' }

function readsAndWrites(fresh: Fresh): void {
  it('creates, gets, lists, updates and deletes', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/)
    assert.match(made.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepEqual(await client.get(ConfigMap, a), made)
    const updated = await client.update(ConfigMap, { ...made, data: { k: '2' } })
    assert.deepEqual(updated.data, { k: '2' })
    assert.ok(Number(updated.metadata.resourceVersion) > Number(made.metadata.resourceVersion))
    assert.deepEqual((await client.list(ConfigMap, { namespace: 'default' })).items, [updated])
    assert.deepEqual((await client.list(ConfigMap, { namespace: 'other' })).items, [])
    await client.delete(ConfigMap, a)
    assert.equal(await refusal(client.get(ConfigMap, a)), '404 NotFound: configmaps "a" not found')
  })

  it('refuses a second creation and a stale update', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a'))
    assert.equal(await refusal(client.create(ConfigMap, configMap('a'))), '409 AlreadyExists: configmaps "a" already exists')
    await client.update(ConfigMap, { ...made, data: { k: '1' } })
    assert.equal(
      await refusal(client.update(ConfigMap, { ...made, data: { k: '2' } })),
      '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    )
  })

  it('hands out frozen objects', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.ok(Object.isFrozen(made) && Object.isFrozen(made.data))
  })
}

/** The first `count` events that are no bookmarks, as `TYPE name`. */
async function take(events: AsyncIterable<Watched<ConfigMap>>, count: number): Promise<string[]> {
  const seen: string[] = []
  for await (const event of events) {
    if (event.type === 'BOOKMARK') continue
    seen.push(`${event.type} ${event.object.metadata.name} ${JSON.stringify(event.object.data ?? {})}`)
    if (seen.length === count) break
  }
  return seen
}

function watches(fresh: Fresh): void {
  it('watches from a revision on, and ends when told to', async () => {
    const client = await fresh()
    const first = await client.create(ConfigMap, configMap('a'))
    const { resourceVersion } = await client.list(ConfigMap)
    const stop = new AbortController()
    const seen = take(client.watch(ConfigMap, resourceVersion, { signal: stop.signal }), 3)
    await client.update(ConfigMap, { ...first, data: { k: '1' } })
    await client.create(ConfigMap, configMap('b'))
    await client.delete(ConfigMap, a)
    assert.deepEqual(await seen, ['MODIFIED a {"k":"1"}', 'ADDED b {}', 'DELETED a {"k":"1"}'])
    const rest = take(client.watch(ConfigMap, resourceVersion, { signal: stop.signal }), 4)
    stop.abort()
    assert.ok((await rest).length <= 3)
  })
}
