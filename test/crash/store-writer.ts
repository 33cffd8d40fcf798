// The victim of store.test.ts: 64 callers write as fast as they can; what was acknowledged goes to a file before the next write.
import { openSync, writeSync } from 'node:fs'
import { openLmdbStore } from '../../src/store/lmdb.ts'

const [folder = '', acks = '', round = ''] = process.argv.slice(2)
const store = await openLmdbStore({ path: folder, historyLimit: 2000 })
const ackFile = openSync(acks, 'a')

/** Large enough, now and then, to need pages of its own. */
const valueOf = (key: string, n: number) => Buffer.from(`${key}:${n}:`.repeat(n % 50 === 0 ? 2000 : 10))

async function put(key: string, expected: number, n: number): Promise<number> {
  const outcome = await store.set(key, expected, valueOf(key, n))
  if (!outcome.done) throw new Error(`${key} was refused at ${expected}`)
  writeSync(ackFile, `${key} ${n} ${outcome.revision}\n`)
  return outcome.revision
}

/** Creates keys that stay, and updates one key over and over, so that compaction has work. */
async function caller(id: number): Promise<void> {
  let counted = (await store.get(`/counter/${id}`))?.revision ?? 0
  for (let n = 0; ; n++) {
    if (n % 2 === 0) await put(`/kept/${round}/${id}/${n}`, 0, n)
    else counted = await put(`/counter/${id}`, counted, Number(round) * 1_000_000 + n)
  }
}

await Promise.all(Array.from({ length: 64 }, (_, id) => caller(id)))
