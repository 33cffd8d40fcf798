import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { openRoom } from './lmdb-room.ts'

const step = 1024 ** 2

describe('room for LMDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lmdb-room-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is taken in steps, and only when there is not enough', () => {
    const path = join(folder, 'steps')
    writeFileSync(path, Buffer.alloc(8192))
    const sizes = [1, step, step + 1, 5 * step].map((bytes) => {
      const room = openRoom(path, () => 8192)
      room.take(bytes)
      room.take(bytes)
      room.close()
      return statSync(path).size
    })
    assert.deepEqual(sizes, [8192 + step, 8192 + step, 8192 + 2 * step, 8192 + 5 * step])
  })

  it('is refused in the words of the file system, and enough is enough', () => {
    const path = join(folder, 'full')
    writeFileSync(path, '')
    let left = 5000
    const room = openRoom(
      path,
      () => 0,
      (fd, bytes, length, position) => {
        if (left === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        const written = writeSync(fd, bytes, 0, Math.min(left, length), position)
        left -= written
        return written
      },
    )
    assert.throws(() => room.take(6000), { code: 'ENOSPC' })
    room.take(5000)
    left = 1000
    room.take(6000)
    assert.throws(() => room.take(6001), { code: 'ENOSPC' })
    room.close()
    assert.equal(statSync(path).size, 6000)
  })
})
