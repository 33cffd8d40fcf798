// How fast the stores are: writes by 1 and 64 callers, a list of 10,000, a write seen by 50 watchers.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median, percentile } from '../src/lib/statistics.ts'
import { openLmdbStore } from '../src/store/lmdb.ts'
import { memoryStore } from '../src/store/memory.ts'
import type { Store } from '../src/store/store.ts'

interface Row {
  store: string
  openMs: number
  puts1: number
  puts1MedianMs: number
  puts64: number
  puts64MedianMs: number
  puts64P99Ms: number
  list10kMs: number
  fanOut50Ms: number
}

const value = Buffer.alloc(1024, 'p')

export async function run(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-store-'))
  try {
    const rows = [
      await measure('memory', async () => memoryStore()),
      await measure('lmdb', () => openLmdbStore({ path: join(folder, 'lmdb') })),
    ]
    console.table(rows)
    console.log(JSON.stringify({ bench: 'store', node: process.version, valueBytes: value.length, rows }))
    return rows
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measure(name: string, open: () => Promise<Store>): Promise<Row> {
  const opening = performance.now()
  const store = await open()
  const openMs = performance.now() - opening
  await puts(store, 64, 500)
  const one = await puts(store, 1, 2000)
  const many = await puts(store, 64, 3000)
  const row = {
    store: name,
    openMs,
    puts1: one.perSecond,
    puts1MedianMs: one.medianMs,
    puts64: many.perSecond,
    puts64MedianMs: many.medianMs,
    puts64P99Ms: many.p99Ms,
    list10kMs: await listing(store),
    fanOut50Ms: await fanOut(store),
  }
  await store.close()
  return Object.fromEntries(Object.entries(row).map(([k, v]) => [k, typeof v === 'number' ? round(v) : v])) as unknown as Row
}

const round = (n: number) => (n > 100 ? Math.round(n) : Math.round(n * 100) / 100)

/** `callers` callers, each creating keys one after the other for `ms`, each write awaited. */
async function puts(store: Store, callers: number, ms: number) {
  const took: number[] = []
  const start = performance.now()
  const caller = async (id: number) => {
    for (let n = 0; ; n++) {
      const before = performance.now()
      if (before - start > ms) return
      const outcome = await store.set(`/puts/${start}/${callers}/${id}/${n}`, 0, value)
      if (!outcome.done) throw new Error('a fresh key was refused')
      took.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, id) => caller(id)))
  const elapsed = performance.now() - start
  return { perSecond: (took.length / elapsed) * 1000, medianMs: median(took), p99Ms: percentile(took, 0.99) }
}

async function listing(store: Store): Promise<number> {
  await Promise.all(Array.from({ length: 10_000 }, (_, n) => store.set(`/list/${n}`, 0, value)))
  const took: number[] = []
  for (let i = 0; i < 7; i++) {
    const before = performance.now()
    const { entries } = await store.list('/list/')
    took.push(performance.now() - before)
    if (entries.length !== 10_000) throw new Error(`${entries.length} entries`)
  }
  return median(took)
}

/** From `set` to the last of 50 watchers that has the change; median of 100. */
async function fanOut(store: Store): Promise<number> {
  const stop = new AbortController()
  let [seen, all] = [0, () => {}]
  const since = await store.revision()
  const watchers = Array.from({ length: 50 }, async () => {
    for await (const batch of store.watch('/fan/', since, stop.signal)) if ((seen += batch.length) === 50) all()
  })
  const took: number[] = []
  for (let n = 0; n < 100; n++) {
    const before = performance.now()
    seen = 0
    const everybody = new Promise<void>((resolve) => (all = resolve))
    await Promise.all([store.set(`/fan/${n}`, 0, value), everybody])
    took.push(performance.now() - before)
  }
  stop.abort()
  await Promise.all(watchers)
  return median(took)
}
