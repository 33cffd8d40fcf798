import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, it } from 'vitest'
import { LockedError } from '../lib/pid-lock.ts'
import { type LmdbStoreOptions, openLmdbStore } from './lmdb.ts'
import { bytes, storeContract, written } from './store.contract.ts'
import { storeModelContract } from './store.model.contract.ts'
import { type Change, CompactedError, type Store } from './store.ts'

const root = await mkdtemp(join(tmpdir(), 'store-lmdb-'))
let folders = 0
const folder = () => join(root, `${folders++}.d`)
const fresh = () => openLmdbStore({ path: folder() })
afterAll(() => rm(root, { recursive: true }))

storeContract('lmdb', fresh)
storeModelContract('lmdb', fresh, 12)

describe('openLmdbStore', () => {
  let store: Store | undefined
  const open = async (options: LmdbStoreOptions) => (store = await openLmdbStore(options))
  afterEach(() => store?.close())

  it('goes on where it was closed: values, revisions, history, what was compacted', async () => {
    const path = folder()
    let old = await open({ path })
    const a = await written(old, '/a', '1')
    const b = await written(old, '/a', '2', a)
    const c = await written(old, '/b', 'x')
    const d = await written(old, '/b', null, c)
    await old.compact(b)
    await old.close()
    const again = await open({ path })
    assert.equal(await again.revision(), d)
    assert.deepEqual(
      (await again.list('/')).entries.map((e) => [e.key, e.revision]),
      [['/a', b]],
    )
    assert.deepEqual(
      (await again.list('/', { at: c })).entries.map((e) => [e.key, e.revision]),
      [
        ['/a', b],
        ['/b', c],
      ],
    )
    await assert.rejects(again.list('/', { at: a }), CompactedError)
    const stop = new AbortController()
    const seen: Change[] = []
    for await (const batch of again.watch('/', b, stop.signal))
      if (seen.push(...batch) >= 3) stop.abort()
      else if (seen.length === 2) await written(again, '/b', 'y')
    assert.deepEqual(
      seen.map((change) => [change.key, change.revision]),
      [
        ['/b', c],
        ['/b', d],
        ['/b', d + 1],
      ],
    )
    old = again
  })

  it('refuses a folder that is open, and opens it again when it is closed', async () => {
    const path = folder()
    const first = await open({ path })
    await assert.rejects(openLmdbStore({ path }), LockedError)
    await first.close()
    await open({ path })
  })

  it('refuses a key longer than LMDB can hold without harm to the writes beside it', async () => {
    const opened = await open({ path: folder() })
    const good = opened.set('/good', 0, bytes('1'))
    await assert.rejects(opened.set('x'.repeat(2000), 0, bytes('1')), RangeError)
    assert.equal((await good).done, true)
  })

  it('compacts by itself, so that the file stays small', async () => {
    const path = folder()
    const opened = await open({ path, historyLimit: 200 })
    const revisions = new Map<string, number>()
    for (let round = 0; round < 40; round++)
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const key = `/k${i}`
          revisions.set(key, await written(opened, key, 'x'.repeat(5000), revisions.get(key) ?? 0))
        }),
      )
    const newest = await opened.revision()
    await assert.rejects(opened.list('/', { at: newest - 500 }), CompactedError)
    assert.equal((await opened.list('/', { at: newest - 199 })).entries.length, 50)
    // 2000 values of 5 kB were written; 250 are kept
    const { size } = await stat(join(path, 'data.mdb'))
    assert.ok(size < 6_000_000, `${size} bytes`)
  })

  it('leaves nothing of deleted keys in the file', async () => {
    const path = folder()
    const opened = await open({ path, historyLimit: 100 })
    for (let round = 0; round < 60; round++) {
      const keys = Array.from({ length: 100 }, (_, i) => `/${round}/${i}/${'x'.repeat(1500)}`)
      await Promise.all(keys.map(async (key) => written(opened, key, null, await written(opened, key, 'x'))))
    }
    // 12,000 records of 1.5 kB were written; some 100 are kept, and room is taken ahead of writes
    const { size } = await stat(join(path, 'data.mdb'))
    assert.ok(size < 9_000_000, `${size} bytes`)
  })

  it('bounds the history by bytes as well', async () => {
    const opened = await open({ path: folder(), historyBytes: 500_000 })
    let revision = 0
    for (let i = 0; i < 30; i++) revision = await written(opened, '/a', 'x'.repeat(100_000), revision)
    await assert.rejects(opened.list('/', { at: revision - 10 }), CompactedError)
    assert.equal((await opened.list('/', { at: revision - 3 })).entries[0]?.revision, revision - 3)
  })
})
