// What every Client promises, whoever makes it: in the server's process or over HTTP.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { Binding } from '../api/core/binding.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { Eviction } from '../api/policy/eviction.ts'
import { isConflict } from '../api/status.ts'
import { memoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { configMap, podOf } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { refusal } from '../testing/refusal.ts'
import type { Client, PatchType, Watched, Where } from './client.ts'

/** A client of a control plane over `store`, without admission plugins; the store is the suite's. */
export interface OpenClient {
  client: Client
  close(): Promise<void>
}

type Fresh = () => Promise<Client>
const a = { namespace: 'default', name: 'a' }
const stale =
  '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again'

export function clientContract(name: string, open: (store: Store) => Promise<OpenClient>): void {
  describe(`client: ${name}`, () => {
    const opened: OpenClient[] = []
    const fresh = async () => {
      const made = await open(await storeWithoutPast())
      opened.push(made)
      return made.client
    }
    afterEach(async () => {
      for (const made of opened.splice(0)) await made.close()
    })

    describe('writes', () => writes(fresh))
    describe('refusals', () => refusals(fresh))
    describe('lists', () => lists(fresh))
    describe('watches', () => watches(fresh))
    describe('patches', () => patches(fresh))
    describe('deletes', () => deletes(fresh))
    describe('bindings', () => bindings(fresh))
  })
}

/** Revisions 1 and 2 are past and forgotten. */
async function storeWithoutPast(): Promise<Store> {
  const store = memoryStore()
  for (const revision of [0, 1, 2]) await store.set('/before', revision, new Uint8Array())
  await store.compact(3)
  return store
}

function writes(fresh: Fresh): void {
  it('creates, gets, lists, updates and deletes', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/)
    assert.match(made.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepEqual(await client.get(ConfigMap, a), made)
    const updated = await client.update(ConfigMap, { ...made, data: { k: '2' } })
    const { resourceVersion } = updated.metadata
    assert.deepEqual(updated, { ...made, metadata: { ...made.metadata, resourceVersion }, data: { k: '2' } })
    assert.ok(Number(resourceVersion) > Number(made.metadata.resourceVersion))
    await client.delete(ConfigMap, a)
    assert.equal(await refusal(client.get(ConfigMap, a)), '404 NotFound: configmaps "a" not found')
  })

  it('does the same for what has no namespace', async () => {
    const client = await fresh()
    const wish = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'gvisor' }, handler: 'runsc' }
    const made = await client.create(RuntimeClass, wish)
    assert.deepEqual(await client.get(RuntimeClass, { name: 'gvisor' }), made)
    assert.deepEqual((await client.list(RuntimeClass)).items, [made])
    await client.delete(RuntimeClass, { name: 'gvisor' })
    assert.deepEqual((await client.list(RuntimeClass)).items, [])
  })

  it('makes a name', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, {
      ...configMap('', { metadata: { name: '', namespace: 'default', generateName: 'web-' } }),
    })
    assert.match(made.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  it('hands out objects that nobody can change', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    const [listed] = (await client.list(ConfigMap)).items
    for (const object of [made, listed, await client.get(ConfigMap, a)])
      assert.ok(Object.isFrozen(object) && Object.isFrozen(object?.metadata) && Object.isFrozen(object?.data))
  })

  it('writes status and the rest apart', async () => {
    const client = await fresh()
    const made = await client.create(Pod, podOf('a'))
    const running = { ...made, status: { ...made.status, phase: 'Running' } }
    assert.equal((await client.update(Pod, running)).status.phase, 'Pending')
    assert.equal((await client.update(Pod, running, { subresource: 'status' })).status.phase, 'Running')
  })

  it('only tries in a dry run', async () => {
    const client = await fresh()
    const would = await client.create(ConfigMap, configMap('a'), { dryRun: true })
    assert.deepEqual([would.metadata.name, would.metadata.resourceVersion], ['a', undefined])
    assert.deepEqual((await client.list(ConfigMap)).items, [])
    const made = await client.create(ConfigMap, configMap('a'))
    assert.deepEqual((await client.update(ConfigMap, { ...made, data: { k: '1' } }, { dryRun: true })).data, { k: '1' })
    const patch = { type: 'merge' as const, body: { data: { k: '1' } }, dryRun: true }
    assert.deepEqual((await client.patch(ConfigMap, a, patch)).data, { k: '1' })
    await client.delete(ConfigMap, a, { dryRun: true })
    assert.deepEqual(await client.get(ConfigMap, a), made)
  })
}

function refusals(fresh: Fresh): void {
  it('are Statuses: what is there already, what is stale, what is not there', async () => {
    const client = await fresh()
    const made = await client.create(ConfigMap, configMap('a'))
    assert.equal(await refusal(client.create(ConfigMap, configMap('a'))), '409 AlreadyExists: configmaps "a" already exists')
    await client.update(ConfigMap, { ...made, data: { k: '1' } })
    assert.equal(await refusal(client.update(ConfigMap, { ...made, data: { k: '2' } })), stale)
    const none = '404 NotFound: configmaps "b" not found'
    assert.equal(await refusal(client.update(ConfigMap, configMap('b'))), none)
    assert.equal(await refusal(client.delete(ConfigMap, { ...a, name: 'b' })), none)
    assert.equal(await refusal(client.patch(ConfigMap, { ...a, name: 'b' }, { type: 'merge', body: {} })), none)
  })

  it('carry every fault of an object', async () => {
    const client = await fresh()
    const wish = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'a' }, handler: 'No.Label' }
    assert.match(
      await refusal(client.create(RuntimeClass, wish)),
      /^422 Invalid: RuntimeClass\.node\.k8s\.io "a" is invalid: handler: Invalid value: "No\.Label": a lowercase RFC 1123 label must/,
    )
  })

  it('let writers who try again lose nothing', async () => {
    const client = await fresh()
    await client.create(ConfigMap, configMap('a', { data: {} }))
    const add = async (key: string): Promise<void> => {
      const now = await client.get(ConfigMap, a)
      try {
        await client.update(ConfigMap, { ...now, data: { ...now.data, [key]: '1' } })
      } catch (error) {
        if (!isConflict(error)) throw error
        await add(key)
      }
    }
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    await Promise.all(keys.map(add))
    assert.deepEqual(Object.keys((await client.get(ConfigMap, a)).data ?? {}).sort(), [...keys].sort())
  })
}

async function coloured(client: Client): Promise<void> {
  for (const [name, colour] of [
    ['a', 'red'],
    ['b', 'blue'],
    ['c', 'red'],
  ] as const)
    await client.create(ConfigMap, configMap(name, { metadata: { name, namespace: 'default', labels: { colour } } }))
}

function lists(fresh: Fresh): void {
  cases<{ name: string; where: Where; want: string[] }>(
    [
      { name: 'all', where: {}, want: ['a', 'b', 'c'] },
      { name: 'by namespace', where: { namespace: 'other' }, want: [] },
      { name: 'by label', where: { namespace: 'default', labelSelector: 'colour in (red)' }, want: ['a', 'c'] },
      { name: 'by field', where: { fieldSelector: 'metadata.name!=a' }, want: ['b', 'c'] },
    ],
    async ({ where, want }) => {
      const client = await fresh()
      await coloured(client)
      assert.deepEqual(
        (await client.list(ConfigMap, where)).items.map(({ metadata }) => metadata.name),
        want,
      )
    },
  )

  it('by pages of one moment', async () => {
    const client = await fresh()
    await coloured(client)
    const first = await client.list(ConfigMap, { limit: 2 })
    await client.delete(ConfigMap, { namespace: 'default', name: 'c' })
    const second = await client.list(ConfigMap, { limit: 2, continue: first.continue })
    assert.equal(first.remainingItemCount, 1)
    assert.deepEqual(
      second.items.map(({ metadata }) => metadata.name),
      ['c'],
    )
    assert.equal(second.continue, undefined)
  })

  it('not by what makes no sense', async () => {
    const client = await fresh()
    assert.match(await refusal(client.list(ConfigMap, { labelSelector: '!' })), /^400 BadRequest: /)
  })
}

/** The first `count` events that are no bookmarks, as `TYPE name data`. */
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
  it('see every change after a revision, and end when told to', async () => {
    const client = await fresh()
    const first = await client.create(ConfigMap, configMap('a'))
    const { resourceVersion } = await client.list(ConfigMap)
    const stop = new AbortController()
    const seen = take(client.watch(ConfigMap, resourceVersion, { signal: stop.signal }), 4)
    await client.update(ConfigMap, { ...first, data: { k: '1' } })
    await client.create(ConfigMap, configMap('b'))
    await client.delete(ConfigMap, a)
    await client.create(ConfigMap, configMap('c'))
    assert.deepEqual(await seen, ['MODIFIED a {"k":"1"}', 'ADDED b {}', 'DELETED a {"k":"1"}', 'ADDED c {}'])
    const rest = take(client.watch(ConfigMap, resourceVersion, { signal: stop.signal }), 5)
    stop.abort()
    assert.ok((await rest).length <= 4)
  })

  it('see what comes into their selection and what leaves it', async () => {
    const client = await fresh()
    const { resourceVersion } = await client.list(ConfigMap)
    const labels = (colour: string) => ({ metadata: { name: 'a', namespace: 'default', labels: { colour } } })
    await client.create(ConfigMap, configMap('a', labels('blue')))
    await client.update(ConfigMap, configMap('a', labels('red')))
    await client.update(ConfigMap, configMap('a', labels('blue')))
    const stop = new AbortController()
    const where = { labelSelector: 'colour=red', signal: stop.signal }
    assert.deepEqual(await take(client.watch(ConfigMap, resourceVersion, where), 2), ['ADDED a {}', 'DELETED a {}'])
    stop.abort()
  })

  it('cannot begin in a past that is forgotten', async () => {
    const client = await fresh()
    await client.create(ConfigMap, configMap('a'))
    const stop = new AbortController()
    const watch = take(client.watch(ConfigMap, '1', { signal: stop.signal }), 1)
    assert.equal(await refusal(watch), '410 Expired: too old resource version: 1 (3)')
    stop.abort()
  })

  it('that are aborted before they begin end at once', async () => {
    const client = await fresh()
    assert.deepEqual(await take(client.watch(ConfigMap, '3', { signal: AbortSignal.abort() }), 1), [])
  })
}

function patches(fresh: Fresh): void {
  cases<{ name: string; type: PatchType; body: unknown; want: string }>(
    [
      { name: 'json', type: 'json', body: [{ op: 'replace', path: '/spec/containers/0/image', value: 'x' }], want: 'a x,b i' },
      {
        name: 'merge',
        type: 'merge',
        body: {
          spec: {
            containers: [
              { name: 'a', image: 'x' },
              { name: 'b', image: 'y' },
            ],
          },
        },
        want: 'a x,b y',
      },
      { name: 'strategic', type: 'strategic', body: { spec: { containers: [{ name: 'b', image: 'y' }] } }, want: 'a i,b y' },
    ],
    async ({ type, body, want }) => {
      const client = await fresh()
      const containers = ['a', 'b'].map((name) => ({ name, image: 'i' }))
      await client.create(Pod, podOf('a', { spec: { containers } }))
      const { spec } = await client.patch(Pod, a, { type, body })
      assert.equal(spec.containers.map(({ name, image }) => `${name} ${image}`).join(), want)
    },
  )

  it('reach status through its subresource', async () => {
    const client = await fresh()
    await client.create(Pod, podOf('a'))
    const body = { status: { phase: 'Running' } }
    assert.equal((await client.patch(Pod, a, { type: 'merge', body })).status.phase, 'Pending')
    assert.equal((await client.patch(Pod, a, { type: 'merge', body, subresource: 'status' })).status.phase, 'Running')
  })

  it('are refused when they name a stale version', async () => {
    const client = await fresh()
    await client.create(ConfigMap, configMap('a'))
    const body = { metadata: { resourceVersion: '1' }, data: { k: '1' } }
    assert.equal(await refusal(client.patch(ConfigMap, a, { type: 'merge', body })), stale)
  })
}

function deletes(fresh: Fresh): void {
  it('give a Pod on a node its time, and take it when that is over', async () => {
    const client = await fresh()
    const { metadata } = await client.create(Pod, podOf('a', { spec: { nodeName: 'n' } }))
    await client.delete(Pod, a, { gracePeriodSeconds: 9 })
    const marked = await client.get(Pod, a)
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 9)
    assert.match(
      await refusal(client.delete(Pod, a, { preconditions: { uid: 'other' } })),
      /^409 Conflict: Operation cannot be fulfilled on pods "a": the UID in the precondition \(other\) does not match/,
    )
    await client.delete(Pod, a, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } })
    assert.equal(await refusal(client.get(Pod, a)), '404 NotFound: pods "a" not found')
  })

  it('take a Namespace when its last finalizer is gone', async () => {
    const client = await fresh()
    const ns = { name: 'ns' }
    await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: ns, spec: {}, status: {} })
    await client.delete(Namespace, ns)
    const marked = await client.get(Namespace, ns)
    assert.deepEqual([marked.status.phase, marked.spec.finalizers], ['Terminating', ['kubernetes']])
    await client.update(Namespace, { ...marked, spec: {} }, { subresource: 'finalize' })
    assert.equal(await refusal(client.get(Namespace, ns)), '404 NotFound: namespaces "ns" not found')
  })

  it('take what a selector takes', async () => {
    const client = await fresh()
    await coloured(client)
    await client.deleteCollection(ConfigMap, { namespace: 'default', labelSelector: 'colour=red' })
    assert.deepEqual(
      (await client.list(ConfigMap)).items.map(({ metadata }) => metadata.name),
      ['b'],
    )
  })
}

function bindings(fresh: Fresh): void {
  it('put a Pod on a node, once', async () => {
    const client = await fresh()
    await client.create(Pod, podOf('a'))
    const bind = (name: string) =>
      client.createSubresource(Pod, a, 'binding', {
        ...{ apiVersion: Binding.apiVersion, kind: Binding.kind, metadata: a },
        target: { kind: 'Node', name },
      })
    await bind('n1')
    assert.equal((await client.get(Pod, a)).spec.nodeName, 'n1')
    assert.equal(
      await refusal(bind('n2')),
      '409 Conflict: Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
    )
  })
  it('evict Pods', async () => {
    const client = await fresh()
    await client.create(Pod, podOf('a'))
    const { apiVersion, kind } = Eviction
    const evict = (name: string) => client.createSubresource(Pod, a, 'eviction', { apiVersion, kind, metadata: { ...a, name } })
    assert.equal(await refusal(evict('b')), '400 BadRequest: name in URL does not match name in Eviction object')
    await evict('a')
    assert.equal(await refusal(client.get(Pod, a)), '404 NotFound: pods "a" not found')
  })
}
