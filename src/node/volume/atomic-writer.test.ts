import assert from 'node:assert/strict'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { type Payload, writeAtomically } from './atomic-writer.ts'

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))

describe('writeAtomically', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atomic-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const visible = async () => (await readdir(folder)).filter((name) => !name.startsWith('..')).toSorted()
  const hidden = async () => (await readdir(folder)).filter((name) => name.startsWith('..'))

  it('shows every file through ..data, folders included', async () => {
    assert.equal(await writeAtomically(folder, payload({ a: '1', 'd/e/f': '2', 'd/g': '3' }, 0o400)), true)
    assert.deepEqual(await visible(), ['a', 'd'])
    assert.equal(await readlink(join(folder, 'a')), '..data/a')
    assert.equal(await readlink(join(folder, 'd')), '..data/d')
    assert.equal(await readFile(join(folder, 'd/e/f'), 'utf8'), '2')
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o400)
    assert((await lstat(join(folder, '..data'))).isSymbolicLink())
  })

  it('does nothing when all is as wanted', async () => {
    await writeAtomically(folder, payload({ a: '1' }))
    const before = await readlink(join(folder, '..data'))
    assert.equal(await writeAtomically(folder, payload({ a: '1' })), false)
    assert.equal(await readlink(join(folder, '..data')), before)
  })

  it('changes text, mode and set of files, and leaves nothing of the old', async () => {
    await writeAtomically(folder, payload({ a: '1', b: '2', 'd/x': '3' }))
    assert.equal(await writeAtomically(folder, payload({ a: '1', c: '4' }, 0o600)), true)
    assert.deepEqual(await visible(), ['a', 'c'])
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o600)
    assert.deepEqual((await hidden()).toSorted(), ['..data', await readlink(join(folder, '..data'))].toSorted())
  })

  it('turns a file into a folder of the same name', async () => {
    await writeAtomically(folder, payload({ a: '1' }))
    await writeAtomically(folder, payload({ 'a/b': '2' }))
    assert.equal(await readFile(join(folder, 'a/b'), 'utf8'), '2')
  })

  it('can be empty', async () => {
    assert.equal(await writeAtomically(folder, payload({})), true)
    assert.equal(await writeAtomically(folder, payload({})), false)
    assert.deepEqual(await visible(), [])
  })

  it('goes on after a crash between any two steps', async () => {
    await writeAtomically(folder, payload({ a: '1' }))
    await mkdir(join(folder, '..v-half'))
    await writeFile(join(folder, '..v-half/a'), 'cut')
    await symlink('..v-half', join(folder, '..data_tmp'))
    await rm(join(folder, 'a'))
    assert.equal(await writeAtomically(folder, payload({ a: '1' })), false)
    assert.equal(await readFile(join(folder, 'a'), 'utf8'), '1')
    assert.equal((await hidden()).length, 2)
  })

  it('is never seen half changed by a reader', async () => {
    const letters = ['x', 'y']
    await writeAtomically(folder, payload({ one: 'x', two: 'x' }))
    let done = false
    const reader = (async () => {
      while (!done) {
        // the folder is opened once, as a program does that wants a consistent set
        const data = join(folder, await readlink(join(folder, '..data')))
        const both = await Promise.all([readFile(join(data, 'one'), 'utf8'), readFile(join(data, 'two'), 'utf8')]).catch(() => [])
        if (both.length === 2) assert.equal(both[0], both[1])
      }
    })()
    for (let i = 0; i < 50; i++) {
      const text = letters[i % 2] ?? ''
      await writeAtomically(folder, payload({ one: text, two: text }))
      assert.equal(await readFile(join(folder, 'one'), 'utf8'), text)
    }
    done = true
    await reader
  })
})
