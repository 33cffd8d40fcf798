// The mirror on a real API server in process; faults are real ones: closed servers, cut watches, compacted stores.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { unavailable } from '../api/status.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { eventually } from '../testing/eventually.ts'
import { type ManualClock, manualClock } from '../testing/manual-clock.ts'
import type { Client, Where } from './client.ts'
import { type Change, type Mirror, mirror } from './mirror.ts'

type Line = Pick<Client, 'list' | 'watch'>

interface Bench {
  clock: ManualClock
  /** Reaches whatever server is up. */
  client(): Client
  line: Line
  /** While true, the server cannot be reached. */
  down: boolean
  /** Ends every watch that is open. */
  cut(): void
  restart(): Promise<void>
  compact(): Promise<void>
  errors: string[]
  told: string[]
  mirrored(where?: Where): Promise<Mirror<ConfigMap>>
  stop: AbortController
  /** Moves time on until the mirror has told `count` changes. */
  heard(count: number): Promise<void>
}

const open: { close(): Promise<void> | void }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function bench(): Promise<Bench> {
  const clock = manualClock()
  const store = memoryStore()
  let server = await openApiServer({ store, plugins: [], clock })
  let cutter = new AbortController()
  const stop = new AbortController()
  open.push({ close: () => server.close() }, { close: () => stop.abort() })
  const reach = (): Client => {
    if (self.down) throw unavailable('down')
    return server.client('tester')
  }
  const self: Bench = {
    ...{ clock, down: false, errors: [], told: [], stop },
    client: () => server.client('tester'),
    line: {
      list: async (kind, where) => reach().list(kind, where),
      async *watch(kind, since, where) {
        const signal = AbortSignal.any([where.signal, cutter.signal])
        yield* reach().watch(kind, since, { ...where, signal })
      },
    },
    cut() {
      cutter.abort()
      cutter = new AbortController()
    },
    async restart() {
      await server.close()
      server = await openApiServer({ store, plugins: [], clock })
    },
    compact: async () => store.compact(await store.revision()),
    mirrored(where) {
      const onChange = ({ type, object, old }: Change<ConfigMap>) =>
        self.told.push(`${type} ${object.metadata.name} ${old ? `${textOf(old)} -> ` : ''}${textOf(object)}`)
      const onError = (error: unknown) => self.errors.push(String(error))
      return mirror(self.line, ConfigMap, { where, clock, signal: stop.signal, onChange, onError })
    },
    heard: (count) =>
      eventually(async () => {
        await clock.advance(1000)
        return self.told.length >= count
      }, 2000).then(() => undefined),
  }
  return self
}

const textOf = ({ data = {} }: ConfigMap): string => data.text ?? ''
const map = (name: string, text: string, namespace = 'ns'): ConfigMap =>
  ConfigMap.decode({ metadata: { name, namespace, labels: { text } }, data: { text } }, { unknown: [] })
const textsOf = (m: Mirror<ConfigMap>) => m.list().map((object) => `${object.metadata.name}=${textOf(object)}`)

describe('a mirror', () => {
  it('tells the first list, then every change, and shows what is there', async () => {
    const b = await bench()
    await b.client().create(ConfigMap, map('a', '1'))
    const m = await b.mirrored()
    assert.deepEqual(b.told, ['ADDED a 1'])
    await b.client().create(ConfigMap, map('b', '1'))
    await b.client().update(ConfigMap, map('a', '2'))
    await b.client().delete(ConfigMap, { namespace: 'ns', name: 'b' })
    await b.heard(4)
    assert.deepEqual(b.told, ['ADDED a 1', 'ADDED b 1', 'MODIFIED a 1 -> 2', 'DELETED b 1 -> 1'])
    assert.deepEqual(textsOf(m), ['a=2'])
    assert.equal(textOf(m.get({ namespace: 'ns', name: 'a' }) ?? map('', 'missing')), '2')
    assert.equal(m.get({ namespace: 'ns', name: 'b' }), undefined)
    assert.equal(m.get({ namespace: 'other', name: 'a' }), undefined)
    assert.equal(m.list(), m.list())
    assert.deepEqual(b.errors, [])
  })

  it('keeps to its selection: what leaves it is deleted', async () => {
    const b = await bench()
    const m = await b.mirrored({ namespace: 'ns', labelSelector: 'text=in' })
    await b.client().create(ConfigMap, map('a', 'in', 'other'))
    await b.client().create(ConfigMap, map('a', 'in'))
    await b.client().update(ConfigMap, map('a', 'out'))
    await b.heard(2)
    assert.deepEqual(b.told.length, 2)
    assert.deepEqual(
      b.told.map((line) => line.split(' ')[0]),
      ['ADDED', 'DELETED'],
    )
    assert.deepEqual(textsOf(m), [])
  })

  it('goes on where it was when a watch is cut, without a gap or a repetition', async () => {
    const b = await bench()
    await b.client().create(ConfigMap, map('a', '1'))
    const m = await b.mirrored()
    b.down = true
    b.cut()
    await b.client().update(ConfigMap, map('a', '2'))
    await b.client().update(ConfigMap, map('a', '3'))
    await b.clock.advance(60_000)
    assert.deepEqual(textsOf(m), ['a=1'])
    b.down = false
    await b.heard(3)
    assert.deepEqual(b.told, ['ADDED a 1', 'MODIFIED a 1 -> 2', 'MODIFIED a 2 -> 3'])
    assert.ok(b.errors.length > 3)
  })

  it('survives a restart of the server', async () => {
    const b = await bench()
    await b.client().create(ConfigMap, map('a', '1'))
    await b.mirrored()
    await b.restart()
    await b.client().create(ConfigMap, map('b', '1'))
    await b.heard(2)
    assert.deepEqual(b.told, ['ADDED a 1', 'ADDED b 1'])
  })

  it('lists again when its place is compacted away, and tells the differences only', async () => {
    const b = await bench()
    for (const name of ['same', 'changed', 'gone', 'replaced']) await b.client().create(ConfigMap, map(name, '1'))
    const m = await b.mirrored()
    const before = b.told.length
    b.down = true
    b.cut()
    await b.client().update(ConfigMap, map('changed', '2'))
    await b.client().update(ConfigMap, map('changed', '3'))
    await b.client().delete(ConfigMap, { namespace: 'ns', name: 'gone' })
    await b.client().delete(ConfigMap, { namespace: 'ns', name: 'replaced' })
    await b.client().create(ConfigMap, map('replaced', '2'))
    await b.client().create(ConfigMap, map('fresh', '1'))
    await b.compact()
    await b.restart()
    b.down = false
    await b.heard(before + 5)
    await b.client().create(ConfigMap, map('last', '1'))
    await b.heard(before + 6)
    assert.deepEqual(b.told.slice(before).sort(), [
      'ADDED fresh 1',
      'ADDED last 1',
      'ADDED replaced 2',
      'DELETED gone 1 -> 1',
      'DELETED replaced 1 -> 1',
      'MODIFIED changed 1 -> 3',
    ])
    assert.deepEqual(textsOf(m).sort(), ['changed=3', 'fresh=1', 'last=1', 'replaced=2', 'same=1'])
  })

  it('tries the first list until the server is there', async () => {
    const b = await bench()
    await b.client().create(ConfigMap, map('a', '1'))
    b.down = true
    const opening = b.mirrored()
    await b.clock.advance(5000)
    assert.deepEqual(b.told, [])
    b.down = false
    await b.heard(1)
    assert.deepEqual(textsOf(await opening), ['a=1'])
  })

  it('ends when its signal aborts, even before the first list', async () => {
    const b = await bench()
    const m = await b.mirrored()
    b.stop.abort()
    await b.client().create(ConfigMap, map('a', '1'))
    await b.clock.advance(60_000)
    assert.deepEqual([b.told, m.list(), b.errors], [[], [], []])
    assert.deepEqual((await b.mirrored()).list(), [])
  })

  it('does not ask a server that ends every watch at once again and again', async () => {
    const b = await bench()
    let watches = 0
    b.line.watch = (kind, since, where) => {
      watches += 1
      return b.client().watch(kind, since, { ...where, signal: AbortSignal.abort() })
    }
    await b.mirrored()
    await b.clock.advance(10_000)
    assert.ok(watches > 3 && watches < 12, `${watches} watches in ten seconds`)
  })
})
