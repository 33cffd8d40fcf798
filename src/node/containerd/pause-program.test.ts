import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { eventually } from '../../testing/eventually.ts'
import { pauseProgram } from './pause-program.ts'

const own = process.platform === 'linux' ? pauseProgram(process.arch) : undefined

describe('pause program', () => {
  it.skipIf(!own)('runs on this machine, waits, leaves children to the kernel, and ends by a signal', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'polypod-pause-'))
    const path = join(dir, 'pause')
    await writeFile(path, own ?? '', { mode: 0o755 })
    const child = spawn(path)
    const ended = once(child, 'exit')
    const status = await eventually(async () => {
      const text = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return /^Name:\s*pause$/m.test(text) && /^State:\s*S/m.test(text) ? text : undefined
    })
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [null, 'SIGTERM'])
    // bit 16 of SigIgn is SIGCHLD
    assert.equal(Number.parseInt(/^SigIgn:\s*([0-9a-f]+)/m.exec(status)?.[1]?.slice(-8) ?? '0', 16) & 0x10000, 0x10000)
    await rm(dir, { recursive: true })
  })

  it('is a few hundred bytes for every machine we know', () => {
    const sizes = ['x64', 'arm64'].map((arch) => (pauseProgram(arch)?.length ?? 0) < 300)
    assert.deepEqual(sizes, [true, true])
    assert.equal(pauseProgram('mips'), undefined)
  })
})
