// Kubernetes' JavaScript client, which speaks WebSocket channels only, against the same chain as kubectl.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Exec, KubeConfig, PortForward, type V1Status } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startStreamingServer, type StreamingServer } from '../../src/node/streaming/streaming-server.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { startStub, type Stub } from './stream-stub.ts'

let streaming: StreamingServer
let stub: Stub
let config: KubeConfig

beforeAll(async () => {
  streaming = await startStreamingServer({
    async exec(_id, { command, stdin, stdout, stderr, resize }) {
      if (command[0] === 'size') for await (const { width, height } of resize) return width * 1000 + height
      if (stdin && stdout) await pipeline(stdin, stdout, { end: false })
      stderr?.write('warned')
      return Number(command[1])
    },
    attach: async () => 0,
    async portForward(_id, port, connection) {
      if (port !== 80) throw new Error('connection refused')
      await pipeline(connection, connection)
    },
  })
  const runtime = {
    exec: streaming.exec,
    attach: streaming.attach,
    portForward: streaming.portForward,
    containerStatus: () => Promise.reject(new Error('not asked for here')),
  }
  const main = { current: { id: 'c1', logPath: '/nowhere' }, tty: false }
  stub = await startStub({ sandboxId: 's1', containers: { main }, runtime })
  config = new KubeConfig()
  config.loadFromFile(stub.kubeconfig)
})

afterAll(async () => {
  await stub[Symbol.asyncDispose]()
  await streaming.close()
})

describe('client-node', () => {
  it('exec passes stdin through, keeps the two outputs apart, and hears the exit code', async () => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const status = new Promise<V1Status>((resolve) => {
      void new Exec(config).exec('default', 'web', 'main', ['cat', '5'], stdout, stderr, stdin, false, resolve)
    })
    stdin.end('to and fro')
    const { reason, details } = await status
    assert.deepEqual([reason, details?.causes], ['NonZeroExitCode', [{ reason: 'ExitCode', message: '5' }]])
    stdout.end()
    stderr.end()
    assert.deepEqual([await text(stdout), await text(stderr)], ['to and fro', 'warned'])
  })

  it('exec tells the size of its terminal', async () => {
    const stdout = Object.assign(new PassThrough(), { columns: 80, rows: 24 })
    const status = new Promise<V1Status>((resolve) => {
      void new Exec(config).exec('default', 'web', 'main', ['size'], stdout, null, new PassThrough(), true, resolve)
    })
    assert.equal((await status).details?.causes?.[0]?.message, '80024')
  })

  it('port-forward carries bytes, and says when the port is dead', async () => {
    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const socket = await new PortForward(config).portForward('default', 'web', [80], output, errors, input)
    input.write('there and back')
    await eventually(() => output.readableLength === 14)
    assert.equal(String(output.read()), 'there and back')
    ;(socket as unknown as { close(): void }).close()

    await new PortForward(config).portForward('default', 'web', [81], output, errors, new PassThrough())
    await once(errors, 'readable')
    assert.match(String(errors.read()), /error forwarding port 81: connection refused/)
  })
})
