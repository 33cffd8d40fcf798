import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { LockedError, pidLockHolder, takePidLock } from './pid-lock.ts'

describe('takePidLock', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pid-lock-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('holds off a second taker until it is closed, and leaves nothing behind', async () => {
    const path = join(folder, 'deep/er/lock')
    const lock = await takePidLock(path)
    assert.equal(await pidLockHolder(path), process.pid)
    await assert.rejects(takePidLock(path), new LockedError(path, process.pid))
    await lock.close()
    assert.equal(await pidLockHolder(path), undefined)
    await (await takePidLock(path)).close()
    assert.deepEqual(await readdir(join(folder, 'deep/er')), [])
  })

  it('names the other process that holds it, and takes over when that one is killed', async () => {
    const path = join(folder, 'lock')
    const holder = spawn('sleep', ['100'])
    const pid = holder.pid!
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    await writeFile(path, `${pid} ${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}\n`)
    await assert.rejects(takePidLock(path), new LockedError(path, pid))
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await (await takePidLock(path)).close()
  })

  it('takes over from an earlier process of the same pid, an earlier boot, and an unreadable file', async () => {
    const path = join(folder, 'lock')
    for (const text of [`${process.pid} other-boot 1\n`, '4194304 x\n', '', 'nonsense']) {
      await writeFile(path, text)
      await (await takePidLock(path)).close()
    }
    assert.deepEqual(await readdir(folder), [])
  })

  it('lets exactly one of many takers break a stale lock', async () => {
    const path = join(folder, 'lock')
    await writeFile(path, '4194304 x\n')
    const takers = await Promise.allSettled(Array.from({ length: 8 }, () => takePidLock(path)))
    assert.equal(takers.filter((taker) => taker.status === 'fulfilled').length, 1)
  })
})
