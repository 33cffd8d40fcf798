import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { orphanShims } from './shims.ts'

describe('shims whose containerd is away', () => {
  it('are found by its socket, and are not while anybody serves there', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'polypod-shims-'))
    const socket = join(dir, 'containerd.sock')
    // ends with its standard input
    const shim = spawn('/bin/sh', ['-c', 'read line', '-address', socket], { argv0: '/opt/containerd-shim-mine-v1' })
    try {
      await once(shim, 'spawn')
      assert.deepEqual(await orphanShims(socket), [shim.pid])
      assert.deepEqual(await orphanShims(join(dir, 'other.sock')), [])
      const server = createServer().listen(socket)
      await once(server, 'listening')
      assert.deepEqual(await orphanShims(socket), [])
      server.close()
    } finally {
      shim.stdin.end()
      await once(shim, 'exit')
      await rm(dir, { recursive: true })
    }
  })
})
