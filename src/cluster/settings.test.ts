import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { dataDirAt } from './data-dir.ts'
import { Problem } from './problem.ts'
import { readSettings, type Settings, settingsFor, type Wishes, writeSettings } from './settings.ts'

const saved: Settings = { port: 7443, nodeName: 'box', runtime: { kind: 'containerd' }, schedulerProfile: 'upstream' }
const simulated: Settings = { ...saved, runtime: { kind: 'simulated', nodes: 3, handlers: ['runc', 'kata'] } }

describe('settings of the next start', () => {
  const rows: { name: string; wishes: Wishes; saved: Settings; want: Settings }[] = [
    { name: 'are the last ones when nothing is wished', wishes: {}, saved, want: saved },
    { name: 'take a wished port', wishes: { port: 1 }, saved, want: { ...saved, port: 1 } },
    {
      name: 'take a wished socket, without its scheme',
      wishes: { cri: 'unix:///run/x.sock' },
      saved,
      want: { ...saved, runtime: { kind: 'cri', socket: '/run/x.sock' } },
    },
    {
      name: 'are simulated when nodes are counted',
      wishes: { nodes: 5 },
      saved,
      want: { ...saved, runtime: { kind: 'simulated', nodes: 5, handlers: undefined } },
    },
    { name: 'keep simulated nodes and handlers', wishes: { simulated: true }, saved: simulated, want: simulated },
    {
      name: 'change handlers alone',
      wishes: { handlers: ['crun'] },
      saved,
      want: { ...saved, runtime: { kind: 'containerd', handlers: ['crun'] } },
    },
    {
      name: 'keep the profile unless another is wished',
      wishes: { schedulerProfile: 'default' },
      saved,
      want: { ...saved, schedulerProfile: 'default' },
    },
  ]
  cases(rows, (row) => assert.deepEqual(settingsFor(row.wishes, row.saved), row.want))
})

describe('the settings file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'polypod-settings-'))
  afterAll(() => rm(folder, { recursive: true }))
  const dir = dataDirAt(folder)

  it('is not there at first, and comes back as it was written', async () => {
    assert.equal(await readSettings(dir), undefined)
    await writeSettings(dir, simulated)
    assert.deepEqual(await readSettings(dir), simulated)
  })

  cases(
    [
      { name: 'is refused when it is not JSON', text: '{"port":', why: /cluster\.json is corrupt \(.*\): mend it, or delete it/ },
      { name: 'is refused without a port', text: '{}', why: /no valid port/ },
      {
        name: 'is refused with half a runtime',
        text: JSON.stringify({ ...saved, runtime: { kind: 'cri' } }),
        why: /no valid runtime\.socket/,
      },
    ],
    async (row) => {
      await writeFile(dir.settings, row.text)
      await assert.rejects(
        readSettings(dir),
        (error) => error instanceof Problem && error.exitCode === 7 && row.why.test(error.message),
      )
    },
  )
})

describe('kubelet settings', () => {
  const saved = { port: 1, nodeName: 'n', runtime: { kind: 'containerd' }, schedulerProfile: 'default' } as const
  it('are kept, each field by itself', () => {
    const before = { ...saved, kubelet: { maxPods: 5, evictionHard: { 'memory.available': '1Gi' } } }
    const now = settingsFor({ kubelet: { maxPods: 7 } }, before)
    assert.deepEqual(now.kubelet, { maxPods: 7, evictionHard: { 'memory.available': '1Gi' } })
    assert.deepEqual('kubelet' in settingsFor({}, saved), false)
  })
  it('refuses a soft threshold that nobody gave a grace period', () => {
    const wishes = { kubelet: { evictionSoft: { 'memory.available': '1Gi' } } }
    assert.throws(() => settingsFor(wishes, saved), /grace period must be specified/)
  })
})
