// The durable store under kill -9 and on a full disk.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb.ts'
import { type Entry, type Store, StoreFullError } from '../../src/store/store.ts'
import { eventually } from '../../src/testing/eventually.ts'

const root = resolve(import.meta.dirname, '../..')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-crash-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Acknowledged {
  n: number
  revision: number
}

/** What the file of acknowledgements says of each key last; a torn last line does not count. */
function acknowledgedIn(path: string): Map<string, Acknowledged> {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return new Map(
    lines.map((line) => {
      const [key = '', n, revision] = line.split(' ')
      return [key, { n: Number(n), revision: Number(revision) }]
    }),
  )
}

const valueOf = (key: string, n: number) => `${key}:${n}:`.repeat(n % 50 === 0 ? 2000 : 10)

/** A later write than the last acknowledged one may be there too, but whole. */
function check(entry: Entry | undefined, key: string, { n, revision }: Acknowledged): void {
  assert.ok(entry, `${key} is gone`)
  const text = Buffer.from(entry.value).toString()
  const there = Number(/:(\d+):/.exec(text)?.[1])
  assert.equal(text, valueOf(key, there), `${key} is torn`)
  if (entry.revision === revision) assert.equal(there, n)
  else assert.ok(key.startsWith('/counter/') && entry.revision > revision && there > n, `${key} is at ${there}, not ${n}`)
}

describe('the durable store under kill -9', () => {
  it('keeps every acknowledged write whole, and goes on at a higher revision', async () => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const writer = join(folder, 'writer.mjs')
    const entry = join(root, 'test/crash/store-writer.ts')
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: writer })
    const [data, acks] = [join(folder, 'data'), join(folder, 'acks')]
    writeFileSync(acks, '')
    for (let round = 0; round < 6; round++) {
      const before = statSync(acks).size
      const child = spawn(process.execPath, [writer, data, acks, `${round}`], { stdio: ['ignore', 'ignore', 'inherit'] })
      const exit = once(child, 'exit')
      await eventually(() => statSync(acks).size > before)
      await systemClock.sleep(randomInt(20, 500))
      child.kill('SIGKILL')
      assert.deepEqual(await exit, [null, 'SIGKILL'])
      await checkAll(data, acknowledgedIn(acks))
    }
    assert.ok(acknowledgedIn(acks).size > 1000)
  })
})

async function checkAll(data: string, acknowledged: Map<string, Acknowledged>): Promise<void> {
  // the dead process' lock does not keep us out
  const store = await openLmdbStore({ path: data, historyLimit: 2000 })
  try {
    const { entries, revision } = await store.list('/')
    const found = new Map(entries.map((entry) => [entry.key, entry]))
    for (const [key, last] of acknowledged) check(found.get(key), key, last)
    for (const entry of entries) assert.equal((await store.get(entry.key))?.revision, entry.revision)
    const newest = Math.max(0, ...[...acknowledged.values()].map((last) => last.revision))
    assert.ok(revision >= newest)
    await checkHistory(store, revision)
    const outcome = await store.set(`/probe/${revision}`, 0, Buffer.from(`/probe/${revision}:1:`.repeat(10)))
    assert.ok(outcome.done && outcome.revision > revision)
  } finally {
    await store.close()
  }
}

/** The last changes come without a gap and end at the newest revision. */
async function checkHistory(store: Store, revision: number): Promise<void> {
  const since = Math.max(0, revision - 1500)
  const stop = new AbortController()
  const seen: number[] = []
  for await (const batch of store.watch('/', since, stop.signal)) {
    seen.push(...batch.map((change) => change.revision))
    if (seen.at(-1) === revision) stop.abort()
  }
  assert.deepEqual(
    seen,
    Array.from({ length: revision - since }, (_, i) => since + 1 + i),
  )
}

const mounts = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/proc/self/mounts')

describe('the durable store on a full disk', () => {
  let disk = ''
  beforeEach((context) => {
    if (!mounts) context.skip('a small tmpfs needs root on Linux')
    disk = join(folder, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { stdio: 'pipe' })
    } catch (error) {
      disk = ''
      context.skip(`mount is not allowed here: ${String(error)}`)
    }
  })
  afterEach(() => {
    if (disk !== '') execFileSync('umount', [disk])
    disk = ''
  })

  it('refuses writes clearly, serves reads, and writes again when there is space', async () => {
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(4 * 1024 ** 2))
    const store = await openLmdbStore({ path: join(disk, 'data') })
    try {
      const kept = await fill(store)
      assert.ok(kept.size > 10)
      const since = await store.revision()
      // LMDB itself would corrupt its memory when it is told of a full disk this often
      for (let n = 0; n < 300; n++) await assert.rejects(store.set('/refused', 0, Buffer.alloc(300_000)), StoreFullError)
      for (const [key, revision] of kept) assert.equal((await store.get(key))?.revision, revision)
      assert.equal((await store.list('/fill/')).entries.length, kept.size)
      rmSync(filler)
      const outcome = await store.set('/after', 0, Buffer.alloc(100_000, 'x'))
      assert.deepEqual(outcome, { done: true, revision: since + 1 })
    } finally {
      await store.close()
    }
    const again = await openLmdbStore({ path: join(disk, 'data') })
    assert.equal((await again.get('/after'))?.value.length, 100_000)
    await again.close()
  })

  it('says so when there is not even space to open', async () => {
    await (await openLmdbStore({ path: join(disk, 'old') })).close()
    assert.throws(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(16 * 1024 ** 2)), { code: 'ENOSPC' })
    await assert.rejects(openLmdbStore({ path: join(disk, 'old') }), StoreFullError)
    await assert.rejects(openLmdbStore({ path: join(disk, 'new') }), StoreFullError)
    rmSync(join(disk, 'filler'))
    for (const name of ['old', 'new']) await (await openLmdbStore({ path: join(disk, name) })).close()
  })
})

/** Writes until there is no space, several callers at once; the keys that were acknowledged, with their revisions. */
async function fill(store: Store): Promise<Map<string, number>> {
  const kept = new Map<string, number>()
  let full = false
  const caller = async (id: number) => {
    for (let n = 0; !full; n++) {
      const key = `/fill/${id}/${n}`
      try {
        const outcome = await store.set(key, 0, Buffer.alloc(50_000, 'x'))
        assert.ok(outcome.done)
        kept.set(key, outcome.revision)
      } catch (error) {
        assert.ok(error instanceof StoreFullError, `not StoreFullError: ${String(error)}`)
        assert.equal(error.code, 'ENOSPC')
        full = true
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, (_, id) => caller(id)))
  return kept
}
