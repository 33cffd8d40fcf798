import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { manualClock } from '../../testing/manual-clock.ts'
import { podPaths } from '../pod-paths.ts'
import { note, noted, podNotes } from './pod-notes.ts'

let dataDir = ''
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'polypod-'))))
afterEach(() => rm(dataDir, { recursive: true }))

describe('notes of a Pod', () => {
  it('tell how long work took, how it ended, and outlive whoever wrote them', async () => {
    const clock = manualClock()
    const about = { dataDir, uid: 'u', clock, simulated: false }
    const start = clock.now()
    const work = async () => {
      await clock.advance(120)
      return 'sandbox-id'
    }
    assert.equal(await noted(about, { what: 'RunPodSandbox', handler: 'crun' }, work), 'sandbox-id')
    const failing = () => Promise.reject(new Error('no such image'))
    await assert.rejects(noted(about, { what: 'CreateContainer', container: 'main' }, failing), /no such image/)
    assert.deepEqual(await podNotes(dataDir, 'u'), [
      { what: 'RunPodSandbox', handler: 'crun', atMs: start, tookMs: 120, id: 'sandbox-id' },
      { what: 'CreateContainer', container: 'main', atMs: start + 120, tookMs: 0, error: 'no such image' },
    ])
  })

  it('are not written of what is simulated, nor read where there are none', async () => {
    await noted({ dataDir, uid: 'u', clock: manualClock(), simulated: true }, { what: 'RunPodSandbox' }, async () => 'id')
    assert.deepEqual(await podNotes(dataDir, 'u'), [])
  })

  it('stay bounded, and keep the newest', async () => {
    const error = 'x'.repeat(10_000)
    for (let atMs = 0; atMs < 40; atMs += 1) await note(dataDir, 'u', { what: 'StartContainer', atMs, tookMs: 0, error })
    const { size } = await stat(join(podPaths(dataDir, 'u').dir, 'trace.jsonl'))
    assert.ok(size < 160_000, `${size} bytes`)
    assert.equal((await podNotes(dataDir, 'u')).at(-1)?.atMs, 39)
  })
})
