// What every maker of a Store promises; each maker's test runs all of it.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { type Change, CompactedError, type Entry, type Outcome, type Revision, type Store } from './store.ts'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (value: Uint8Array | null | undefined) => value && new TextDecoder().decode(value)
const forever = () => new AbortController().signal

/** Writes and returns the revision; fails the test when the store refuses. */
export async function written(store: Store, key: string, value: string | null, expected: Revision = 0): Promise<Revision> {
  const outcome = await store.set(key, expected, value === null ? null : bytes(value))
  assert.ok(outcome.done, `set ${key} at ${expected} was refused`)
  return outcome.revision
}

const plain = (entry: Entry | undefined) => entry && [entry.key, textOf(entry.value), entry.revision]

function plainChange({ key, value, revision, previous }: Change) {
  return { key, value: textOf(value), revision, ...(previous && { previous: textOf(previous) }) }
}

/** The first `count` changes of a watch, flat. */
async function firstChanges(store: Store, count: number, prefix: string, since: Revision) {
  const stop = new AbortController()
  const seen: ReturnType<typeof plainChange>[] = []
  for await (const batch of store.watch(prefix, since, stop.signal)) {
    seen.push(...batch.map(plainChange))
    if (seen.length >= count) stop.abort()
  }
  return seen
}

const compacted = (oldest: Revision) => (error: unknown) => {
  assert.ok(error instanceof CompactedError)
  assert.equal(error.oldest, oldest)
  return true
}

/** `open` gives an empty store; it is closed after each case. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  const opened: Store[] = []
  const fresh = async () => {
    const store = await open()
    opened.push(store)
    return store
  }
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
  })
  describe(`store: ${name}`, () => {
    describe('set', () => setContract(fresh))
    describe('list', () => listContract(fresh))
    describe('watch', () => watchContract(fresh))
    describe('compact', () => compactContract(fresh))
    describe('close', () => closeContract(fresh))
  })
}

function setContract(fresh: () => Promise<Store>): void {
  it('creates, updates and deletes by one verb, each at a higher revision', async () => {
    const store = await fresh()
    const created = await written(store, '/a', '1')
    assert.deepEqual(plain(await store.get('/a')), ['/a', '1', created])
    const updated = await written(store, '/a', '2', created)
    assert.deepEqual(plain(await store.get('/a')), ['/a', '2', updated])
    const deleted = await written(store, '/a', null, updated)
    assert.equal(await store.get('/a'), undefined)
    const again = await written(store, '/a', '3')
    assert.ok(created < updated && updated < deleted && deleted < again)
    assert.equal(await store.revision(), again)
  })

  it('refuses a write whose expected revision is stale, and says what is there', async () => {
    const store = await fresh()
    const first = await written(store, '/a', '1')
    const refused = async (expected: Revision, value: string | null, key = '/a') => {
      const outcome = await store.set(key, expected, value === null ? null : bytes(value))
      assert.ok(!outcome.done)
      return plain(outcome.current)
    }
    const there = ['/a', '1', first]
    assert.deepEqual(await refused(0, '2'), there)
    assert.deepEqual(await refused(first + 1, '2'), there)
    assert.deepEqual(await refused(first + 1, null), there)
    assert.equal(await refused(first, '2', '/absent'), undefined)
    assert.equal(await refused(first, null, '/absent'), undefined)
    const deleted = await written(store, '/a', null, first)
    assert.equal(await refused(first, '2'), undefined)
    assert.equal(await refused(deleted, '2'), undefined)
    assert.equal(await store.revision(), deleted)
  })

  it('changes nothing when what is absent is deleted', async () => {
    const store = await fresh()
    const before = await written(store, '/a', '1')
    assert.deepEqual(await store.set('/b', 0, null), { done: true, revision: before })
    assert.equal(await store.revision(), before)
  })

  it('lets exactly one of many concurrent writers of a key win', async () => {
    const store = await fresh()
    let expected = 0
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, (_, i) => store.set('/contended', expected, bytes(`${round}-${i}`))),
      )
      const won = outcomes.filter((outcome): outcome is Outcome & { done: true } => outcome.done)
      assert.equal(won.length, 1)
      const entry = await store.get('/contended')
      assert.equal(entry?.revision, won[0]?.revision)
      for (const outcome of outcomes) if (!outcome.done) assert.deepEqual(plain(outcome.current), plain(entry))
      expected = won[0]!.revision
    }
  })

  it('gives every write a revision of its own', async () => {
    const store = await fresh()
    const revisions = await Promise.all(Array.from({ length: 300 }, (_, i) => written(store, `/k${i}`, 'x')))
    assert.equal(new Set(revisions).size, 300)
    assert.equal(await store.revision(), Math.max(...revisions))
  })

  it('keeps large, empty and binary values whole', async () => {
    const store = await fresh()
    const large = Buffer.alloc(1_500_000, 'polypod')
    const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await Promise.all([store.set('/large', 0, large), store.set('/empty', 0, Buffer.alloc(0)), store.set('/binary', 0, binary)])
    for (const [key, value] of Object.entries({ '/large': large, '/empty': Buffer.alloc(0), '/binary': binary }))
      assert.ok(value.equals((await store.get(key))?.value ?? Buffer.from('absent')), key)
    assert.equal((await store.list('/large')).entries[0]?.value.length, large.length)
  })

  it('does not let a reader in the middle of a watch or a list stop a writer', async () => {
    const store = await fresh()
    const start = await store.revision()
    let revision = await written(store, '/a', '0')
    const reader = store.watch('/', start, forever())[Symbol.asyncIterator]()
    await reader.next()
    for (let i = 1; i <= 50; i++) {
      const listing = store.list('/')
      revision = await written(store, '/a', `${i}`, revision)
      await listing
    }
    assert.deepEqual(plain(await store.get('/a')), ['/a', '50', revision])
    await reader.return?.()
  })
}

function listContract(fresh: () => Promise<Store>): void {
  const keysOf = async (store: Store, ...args: Parameters<Store['list']>) => {
    const { entries, more } = await store.list(...args)
    return [entries.map((entry) => entry.key).join(' '), more]
  }

  it('gives what is under the prefix, in byte order of the keys', async () => {
    const store = await fresh()
    for (const key of ['/b/2', '/b/10', '/a', '/b', '/b/😀', '/b/\uf8ff', '/c', '/b/é', '/b/Z', '/b-'])
      await written(store, key, key)
    assert.deepEqual(await keysOf(store, '/b/'), ['/b/10 /b/2 /b/Z /b/é /b/\uf8ff /b/😀', false])
    assert.deepEqual(await keysOf(store, '/b'), ['/b /b- /b/10 /b/2 /b/Z /b/é /b/\uf8ff /b/😀', false])
    assert.deepEqual(await keysOf(store, '/nothing/'), ['', false])
  })

  it('gives values, their revisions, and the newest revision of the whole store', async () => {
    const store = await fresh()
    const a = await written(store, '/a', '1')
    const b = await written(store, '/b', '2')
    const { entries, revision, more } = await store.list('/a')
    assert.deepEqual([entries.map(plain), revision, more], [[['/a', '1', a]], b, false])
  })

  it('pages through with after and limit', async () => {
    const store = await fresh()
    for (const key of ['/p/a', '/p/b', '/p/c', '/p/d', '/q']) await written(store, key, '')
    assert.deepEqual(await keysOf(store, '/p/', { limit: 3 }), ['/p/a /p/b /p/c', true])
    assert.deepEqual(await keysOf(store, '/p/', { limit: 3, after: '/p/c' }), ['/p/d', false])
    assert.deepEqual(await keysOf(store, '/p/', { limit: 1, after: '/p/bb' }), ['/p/c', true])
    assert.deepEqual(await keysOf(store, '/p/', { limit: 4 }), ['/p/a /p/b /p/c /p/d', false])
    assert.deepEqual(await keysOf(store, '/p/', { after: '/q' }), ['', false])
    assert.deepEqual(await keysOf(store, '/p/', { after: '/a', limit: 1 }), ['/p/a', true])
  })

  it('shows the world as it was at an old revision, page by page', async () => {
    const store = await fresh()
    const kept = await written(store, '/p/kept', 'k')
    const changed = await written(store, '/p/changed', 'old')
    const gone = await written(store, '/p/gone', 'g')
    const before = await store.revision()
    await written(store, '/p/changed', 'new', await written(store, '/p/changed', 'newer', changed))
    await written(store, '/p/gone', null, gone)
    await written(store, '/p/gone', 'reborn')
    await written(store, '/p/added', 'a')
    const whole = await store.list('/p/', { at: before })
    assert.deepEqual(whole.entries.map(plain), [
      ['/p/changed', 'old', changed],
      ['/p/gone', 'g', gone],
      ['/p/kept', 'k', kept],
    ])
    assert.deepEqual([whole.revision, whole.more], [before, false])
    assert.deepEqual(await keysOf(store, '/p/', { at: before, limit: 2 }), ['/p/changed /p/gone', true])
    assert.deepEqual(await keysOf(store, '/p/', { at: before, limit: 2, after: '/p/gone' }), ['/p/kept', false])
    assert.deepEqual(await keysOf(store, '/p/', { at: kept }), ['/p/kept', false])
    assert.deepEqual(await keysOf(store, '/p/'), ['/p/added /p/changed /p/gone /p/kept', false])
  })

  it('does not show the future', async () => {
    const store = await fresh()
    const revision = await written(store, '/a', '1')
    await assert.rejects(store.list('/', { at: revision + 1 }), RangeError)
  })
}

function watchContract(fresh: () => Promise<Store>): void {
  it('tells every change after a revision in order, deletions with the value before', async () => {
    const store = await fresh()
    const since = await written(store, '/w/old', 'o')
    const a = await written(store, '/w/a', '1')
    await written(store, '/elsewhere', 'x')
    const b = await written(store, '/w/a', '2', a)
    const c = await written(store, '/w/a', null, b)
    assert.deepEqual(await firstChanges(store, 3, '/w/', since), [
      { key: '/w/a', value: '1', revision: a },
      { key: '/w/a', value: '2', revision: b, previous: '1' },
      { key: '/w/a', value: null, revision: c, previous: '2' },
    ])
  })

  it('goes on from the past into the present, to several watchers alike', async () => {
    const store = await fresh()
    const since = await store.revision()
    for (let i = 0; i < 10; i++) await written(store, `/w/past${i}`, `${i}`)
    const watchers = [
      firstChanges(store, 60, '/w/', since),
      firstChanges(store, 60, '/w/', since),
      firstChanges(store, 50, '/w/n', since),
    ]
    await Promise.all(Array.from({ length: 50 }, (_, i) => written(store, `/w/now${i}`, `${i}`)))
    const [one, two, now] = await Promise.all(watchers)
    assert.equal(one?.length, 60)
    assert.deepEqual(one, two)
    assert.deepEqual(one?.slice(10), now)
    const revisions = one?.map((change) => change.revision) ?? []
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].toSorted((a, b) => a - b),
    )
  })

  it('hands over many waiting changes as few batches', async () => {
    const store = await fresh()
    const since = await store.revision()
    await Promise.all(Array.from({ length: 200 }, (_, i) => written(store, `/w/${i}`, 'x')))
    const stop = new AbortController()
    let [changes, batches] = [0, 0]
    for await (const batch of store.watch('/w/', since, stop.signal)) {
      batches++
      changes += batch.length
      if (changes === 200) stop.abort()
    }
    assert.ok(batches <= 20, `${batches} batches`)
  })

  it('shows a change to watchers only when a reader sees it too', async () => {
    const store = await fresh()
    const stop = new AbortController()
    const changes = store.watch('/', await store.revision(), stop.signal)[Symbol.asyncIterator]()
    const next = changes.next()
    void store.set('/a', 0, bytes('1'))
    const { value } = await next
    assert.deepEqual(
      value?.map(plainChange),
      [plain(await store.get('/a'))].map((e) => ({ key: '/a', value: '1', revision: e?.[2] })),
    )
    stop.abort()
  })

  it('waits for a revision that is still to come', async () => {
    const store = await fresh()
    const first = await written(store, '/a', '1')
    const watched = firstChanges(store, 1, '/', first + 1)
    const second = await written(store, '/a', '2', first)
    const third = await written(store, '/a', '3', second)
    const want = [{ key: '/a', value: '3', revision: third, previous: '2' }]
    // revisions may leave gaps: then the second write is already after the one asked for
    assert.deepEqual((await watched).slice(-1), second > first + 1 ? (await watched).slice(-1) : want)
  })

  it('ends, and does not throw, when its signal aborts before, between or during waits', async () => {
    const store = await fresh()
    const since = await store.revision()
    await written(store, '/a', '1')
    for await (const _ of store.watch('/', since, AbortSignal.abort())) assert.fail('a change after the abort')
    const stop = new AbortController()
    let batches = 0
    setImmediate(() => stop.abort())
    for await (const _ of store.watch('/', since, stop.signal)) batches++
    assert.equal(batches, 1)
  })
}

function compactContract(fresh: () => Promise<Store>): void {
  const history = async (store: Store) => {
    const a = await written(store, '/a', '1')
    const b = await written(store, '/a', '2', a)
    const gone = await written(store, '/gone', 'g')
    const c = await written(store, '/gone', null, gone)
    const d = await written(store, '/b', '3')
    return { a, b, gone, c, d }
  }

  it('forgets what was before, and keeps what is', async () => {
    const store = await fresh()
    const { a, b, c, d } = await history(store)
    await store.compact(c)
    await assert.rejects(store.list('/', { at: a }), compacted(c))
    await assert.rejects(firstChanges(store, 1, '/', a), compacted(c))
    const { entries, revision } = await store.list('/')
    assert.deepEqual(
      [entries.map(plain), revision],
      [
        [
          ['/a', '2', b],
          ['/b', '3', d],
        ],
        d,
      ],
    )
    assert.deepEqual((await store.list('/', { at: c })).entries.map(plain), [['/a', '2', b]])
    assert.deepEqual(plain(await store.get('/a')), ['/a', '2', b])
  })

  it('keeps the first revision it names: its state, its change, the value before it', async () => {
    const store = await fresh()
    const { c, d } = await history(store)
    await store.compact(c)
    assert.deepEqual(await firstChanges(store, 2, '/', c - 1), [
      { key: '/gone', value: null, revision: c, previous: 'g' },
      { key: '/b', value: '3', revision: d },
    ])
  })

  it('does not disturb a watch that is past it', async () => {
    const store = await fresh()
    const { d } = await history(store)
    const watched = firstChanges(store, 2, '/', d)
    const e = await written(store, '/b', '4', d)
    await store.compact(e)
    const f = await written(store, '/b', '5', e)
    await store.compact(f)
    assert.deepEqual(
      (await watched).map((change) => change.revision),
      [e, f],
    )
  })

  it('ends a watch that fell behind with the oldest revision to ask for', async () => {
    const store = await fresh()
    const since = await store.revision()
    const { c } = await history(store)
    const watch = store.watch('/', since, forever())
    await store.compact(c)
    await assert.rejects(watch[Symbol.asyncIterator]().next(), compacted(c))
  })

  it('never goes back, nor beyond the present', async () => {
    const store = await fresh()
    const { a, c, d } = await history(store)
    await store.compact(a)
    assert.deepEqual((await store.list('/', { at: a })).entries.map(plain), [['/a', '1', a]])
    await store.compact(c)
    await store.compact(c - 1)
    await assert.rejects(store.list('/', { at: c - 1 }), compacted(c))
    await store.compact(d + 1000)
    assert.equal(await store.revision(), d)
    const e = await written(store, '/b', '4', d)
    assert.equal((await firstChanges(store, 1, '/', d))[0]?.revision, e)
    await written(store, '/b', null, e)
  })
}

function closeContract(fresh: () => Promise<Store>): void {
  it('ends watches, refuses further calls, and may be called twice', async () => {
    const store = await fresh()
    await written(store, '/a', '1')
    const watched = firstChanges(store, 1, '/', await store.revision())
    await store.close()
    await store.close()
    assert.deepEqual(await watched, [])
    await assert.rejects(store.get('/a'), /closed/)
    await assert.rejects(store.set('/a', 0, null), /closed/)
  })

  it('answers the writes that were under way', async () => {
    const store = await fresh()
    const writes = Promise.all(Array.from({ length: 10 }, (_, i) => written(store, `/k${i}`, 'x')))
    await store.close()
    assert.equal(new Set(await writes).size, 10)
  })
}
