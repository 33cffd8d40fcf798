import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { manualClock } from '../testing/manual-clock.ts'
import { rotateLog } from './log-rotation.ts'

describe('rotateLog', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polypod-logs-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const clock = manualClock(Date.UTC(2026, 0, 2, 3, 4, 5))
  const log = () => ({ id: 'c', logPath: join(folder, '0.log') })
  const reopen = { reopenContainerLog: () => writeFile(log().logPath, '') }
  const names = async () => (await readdir(folder)).toSorted()

  it('leaves small logs alone', async () => {
    await writeFile(log().logPath, 'short')
    await rotateLog(log(), { runtime: reopen, clock, maxBytes: 10 })
    assert.deepEqual(await names(), ['0.log'])
  })

  it('keeps the newest files, all but the last two compressed', async () => {
    for (let i = 0; i < 6; i++) {
      await writeFile(log().logPath, `text of round ${i}`)
      await rotateLog(log(), { runtime: reopen, clock, maxBytes: 10, maxFiles: 4 })
      await clock.advance(1000)
    }
    assert.deepEqual(await names(), ['0.log', '0.log.20260102-030408.gz', '0.log.20260102-030409.gz', '0.log.20260102-030410'])
    const oldest = gunzipSync(await readFile(join(folder, '0.log.20260102-030408.gz')))
    assert.equal(oldest.toString(), 'text of round 3')
    assert.equal(await readFile(join(folder, '0.log.20260102-030410'), 'utf8'), 'text of round 5')
  })

  it('removes what a crash left half compressed', async () => {
    await writeFile(log().logPath, 'long enough')
    await writeFile(`${log().logPath}.20260101-000000.tmp`, 'half')
    await rotateLog(log(), { runtime: reopen, clock, maxBytes: 10 })
    assert.equal(
      (await names()).some((name) => name.endsWith('.tmp')),
      false,
    )
  })

  it('puts the file back when the runtime goes on writing to it', async () => {
    await writeFile(log().logPath, 'long enough')
    const runtime = { reopenContainerLog: () => Promise.reject(new Error('no')) }
    await assert.rejects(rotateLog(log(), { runtime, clock, maxBytes: 10 }), new Error('no'))
    assert.deepEqual(await names(), ['0.log'])
  })
})
