import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { openLmdbStore } from './lmdb.ts'

describe('a damaged database file', () => {
  let folder: string
  let whole: Buffer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lmdb-check-'))
    const store = await openLmdbStore({ path: folder })
    // beyond the room that is taken ahead
    await store.set('/a', 0, Buffer.alloc(3 * 1024 ** 2, 'a'))
    await store.close()
    whole = await readFile(join(folder, 'data.mdb'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const damaged = (from: number, to: number) =>
    Buffer.concat([whole.subarray(0, from), Buffer.alloc(to - from, 'x'), whole.subarray(to)])

  cases(
    [
      { name: 'that is something else', bytes: () => Buffer.from('junk\n'), want: /data\.mdb is corrupt \(it is no database\)$/ },
      { name: 'with a broken head', bytes: () => damaged(0, 4096), want: /data\.mdb is corrupt \(it is no database\)$/ },
      {
        name: 'with a broken second page',
        bytes: () => damaged(4096, 8192),
        want: /data\.mdb is corrupt \(it is no database\)$/,
      },
      {
        name: 'that was cut off',
        bytes: () => whole.subarray(0, 40_960),
        want: /data\.mdb is corrupt \(it ends after 40960 of \d+ bytes\)$/,
      },
    ],
    async (row) => {
      const path = join(folder, 'data.mdb')
      await writeFile(path, row.bytes())
      await assert.rejects(openLmdbStore({ path: folder }), row.want)
      assert.deepEqual(await readFile(path), row.bytes())
      await writeFile(path, whole)
      const store = await openLmdbStore({ path: folder })
      assert.equal((await store.get('/a'))?.value.length, 3 * 1024 ** 2)
      await store.close()
    },
  )
})
