import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { sampleSandbox } from './cri/sample-config.ts'
import { simulatedRuntime } from './cri/sim.ts'
import { removeOrphans } from './orphans.ts'
import { ownerLabel } from './remove-pods.ts'

it('removes what is ours and belongs to nobody, and nothing else', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'polypod-orphans-'))
  const logRoot = join(dataDir, 'logs')
  const runtime = simulatedRuntime({ handlers: ['runc'], clock: systemClock })
  const start = async (uid: string, owner: string | undefined) => {
    const sandbox = sampleSandbox(uid)
    const labels = owner === undefined ? sandbox.labels : { ...sandbox.labels, [ownerLabel]: owner }
    await runtime.runSandbox({ ...sandbox, labels }, '')
  }
  try {
    await start('kept', 'me')
    await start('orphan', 'me')
    await start('foreign', 'other')
    await start('unmarked', undefined)
    for (const uid of ['kept', 'orphan', 'long-gone']) {
      await mkdir(join(dataDir, 'pods', uid, 'volumes'), { recursive: true })
      await mkdir(join(logRoot, `default_web_${uid}`), { recursive: true })
    }
    const isKnown = (uid: string) => uid === 'kept'
    const log = (line: string) => assert.fail(line)
    await removeOrphans({ runtime, owner: 'me', dataDir, logRoot, cgroups: undefined, isKnown, log })
    assert.deepEqual((await runtime.listSandboxes()).map((s) => s.metadata.uid).toSorted(), ['foreign', 'kept', 'unmarked'])
    assert.deepEqual(await readdir(join(dataDir, 'pods')), ['kept'])
    assert.deepEqual(await readdir(logRoot), ['default_web_kept'])
  } finally {
    await runtime.close()
    await rm(dataDir, { recursive: true })
  }
})
