// The questions put to a shim, against servers that speak ttrpc as shims do, byte for byte.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { askShim } from './shim-api.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Answers a request that names `service` with `message`, every other one with Unimplemented; in pieces of two bytes. */
async function shim(service: string, message: Buffer): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'polypod-'))
  const server: Server = createServer((socket) => {
    socket.once('data', (request) => {
      const isKnown = request.includes(service)
      const refusal = Buffer.from('0a080' + '80c1204' + '6e6f6e65', 'hex')
      const body = isKnown ? Buffer.concat([Buffer.from([0x12, message.length]), message]) : refusal
      const head = Buffer.from([0, 0, 0, body.length, 0, 0, 0, 1, 2, 0])
      const answer = Buffer.concat([head, body])
      for (let at = 0; at < answer.length; at += 2) socket.write(answer.subarray(at, at + 2))
    })
  }).listen(join(dir, 's'))
  await new Promise((resolve) => void server.once('listening', resolve))
  closing.push(async () => {
    server.close()
    await rm(dir, { recursive: true })
  })
  return join(dir, 's')
}

describe('askShim', () => {
  it('learns from a shim of API v1 its pid, and that it knows no tasks of v2', async () => {
    const socket = await shim('containerd.runtime.linux.shim.v1.Shim', Buffer.from([0x08, 0x96, 0x01]))
    assert.deepEqual(await askShim(socket, 'abc', systemClock), [
      { service: 'containerd.runtime.linux.shim.v1.Shim', method: 'ShimInfo', shimPid: 150, taskPid: undefined, unknown: false },
      { service: 'containerd.task.v2.Task', method: 'Connect', error: 'none', unknown: true },
      { service: 'containerd.task.v3.Task', method: 'Connect', error: 'none', unknown: true },
    ])
  })

  it('learns from a shim of API v2 its pid and that of the task', async () => {
    const socket = await shim('containerd.task.v2.Task', Buffer.from([0x08, 0x07, 0x10, 0x09, 0x1a, 0x01, 0x32]))
    const [, answer] = await askShim(socket, 'abc', systemClock)
    assert.deepEqual(answer, { service: 'containerd.task.v2.Task', method: 'Connect', shimPid: 7, taskPid: 9, unknown: false })
  })

  it('says why when nobody answers', async () => {
    const answers = await askShim(join(tmpdir(), 'polypod-no-such-socket'), 'abc', systemClock)
    assert.deepEqual(
      answers.map(({ unknown, error }) => [unknown, error?.split(' ')[1]]),
      [
        [false, 'ENOENT'],
        [false, 'ENOENT'],
        [false, 'ENOENT'],
      ],
    )
  })
})
