import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { environmentOf, flagOf, listenerOf, processFacts } from './process.ts'

describe('processFacts', () => {
  it('tells of this process what Node tells of it', async () => {
    const now = Date.now()
    const found = await processFacts(process.pid, now)
    assert.deepEqual(
      { ...found, startedAtMs: undefined, argv: found?.argv[0] },
      {
        pid: process.pid,
        parent: process.ppid,
        startedAtMs: undefined,
        argv: process.argv0,
        exe: process.execPath,
        cwd: process.cwd(),
      },
    )
    const startedAtMs = now - process.uptime() * 1000
    assert.ok(Math.abs((found?.startedAtMs ?? 0) - startedAtMs) < 500, `${found?.startedAtMs} is not about ${startedAtMs}`)
  })

  it('knows nothing of a process that is not there', async () => {
    assert.equal(await processFacts(2 ** 30, 0), undefined)
    assert.deepEqual(await environmentOf(2 ** 30), new Map())
  })
})

describe('listenerOf', () => {
  it('finds who listens at a socket, by the name of its program', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'polypod-'))
    const socket = join(dir, 's')
    const server = createServer().listen(socket)
    try {
      await new Promise((resolve) => void server.once('listening', resolve))
      assert.equal(await listenerOf(socket, [basename(process.argv0)]), process.pid)
      assert.equal(await listenerOf(socket, ['containerd-of-somebody-else']), undefined)
      assert.equal(await listenerOf(`${socket}2`, [basename(process.argv0)]), undefined)
    } finally {
      server.close()
      await rm(dir, { recursive: true })
    }
  })
})

describe('flagOf', () => {
  const argv = ['containerd', '--config', '/a.toml', '-id', 'x', '--root=/r', '--last']
  cases(
    [
      { name: 'reads a flag with two dashes', flag: 'config', value: '/a.toml' },
      { name: 'reads a flag with one dash', flag: 'id', value: 'x' },
      { name: 'reads a flag with its value joined', flag: 'root', value: '/r' },
      { name: 'finds no value behind the last word', flag: 'last', value: undefined },
      { name: 'finds nothing of a flag that is not there', flag: 'state', value: undefined },
    ],
    ({ flag, value }) => assert.equal(flagOf(argv, flag), value),
  )
})
