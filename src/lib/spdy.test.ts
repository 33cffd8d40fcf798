import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { spdySession, type SpdySession } from './spdy.ts'
import { encodeFrame, resetStatus } from './spdy-frame.ts'
import type { SpdyStream } from './spdy-stream.ts'

async function socketPair(): Promise<[Socket, Socket]> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const far = once(listener, 'connection')
  const near = connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  await once(near, 'connect')
  const [accepted] = (await far) as [Socket]
  listener.close()
  return [near, accepted]
}

interface Pair extends AsyncDisposable {
  client: SpdySession
  server: SpdySession
  sockets: [Socket, Socket]
}

async function pair(onStream: (stream: SpdyStream) => void, flowControl = true): Promise<Pair> {
  const sockets = await socketPair()
  const client = spdySession(sockets[0], { role: 'client', flowControl, onStream })
  const server = spdySession(sockets[1], { role: 'server', flowControl, onStream })
  const done = async () => {
    await client.close()
    await server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { client, server, sockets, [Symbol.asyncDispose]: done }
}

const echo = (stream: SpdyStream) => void pipeline(stream, stream).catch(() => undefined)

function hashed(): { sink: Writable; size: () => number; digest: () => string } {
  const hash = createHash('sha256')
  let size = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length
      hash.update(chunk)
      done()
    },
  })
  return { sink, size: () => size, digest: () => hash.digest('hex') }
}

describe('SPDY session', () => {
  it('opens streams both ways, with headers, and closes each half by itself', async () => {
    const seen: string[] = []
    await using both = await pair((stream) => {
      seen.push(`${stream.streamId} ${stream.headers.streamtype}`)
      void text(stream.iterator({ destroyOnReturn: false })).then((said) => stream.end(`heard ${said}`))
    })
    const ask = async (session: SpdySession, streamtype: string) => {
      const stream = session.open({ streamtype })
      assert.deepEqual(await stream.replied, {})
      stream.end('hello')
      return text(stream)
    }
    assert.deepEqual(await Promise.all([ask(both.client, 'one'), ask(both.client, 'two'), ask(both.server, 'three')]), [
      'heard hello',
      'heard hello',
      'heard hello',
    ])
    assert.deepEqual(seen.sort(), ['1 one', '2 three', '3 two'])
  })

  for (const flowControl of [true, false]) {
    it(`echoes 32 MiB unharmed ${flowControl ? 'with' : 'without'} flow control`, async () => {
      await using both = await pair(echo, flowControl)
      const stream = both.client.open({})
      const block = randomBytes(1024 * 1024)
      const sent = createHash('sha256')
      const got = hashed()
      const upload = async function* () {
        for (let i = 0; i < 32; i++) {
          sent.update(block)
          yield block
        }
      }
      await Promise.all([pipeline(Readable.from(upload()), stream as Writable), pipeline(stream as Readable, got.sink)])
      assert.deepEqual([got.size(), got.digest()], [32 * 1024 * 1024, sent.digest('hex')])
    })
  }

  it('lets a stream nobody reads hold up only itself, and bounds what it holds', async () => {
    const accepted: SpdyStream[] = []
    await using both = await pair((stream) => {
      accepted.push(stream)
      if (stream.headers.kind === 'echo') echo(stream)
    })
    const stuck = both.client.open({ kind: 'stuck' })
    let taken = 0
    const chunk = Buffer.alloc(16 * 1024)
    const pump = () => stuck.write(chunk, () => stuck.resetBy() ?? ((taken += chunk.length), pump()))
    pump()
    await eventually(() => taken >= 64 * 1024)
    // what the reader buffers (64 KiB) and what the window allows beyond that
    const most = 128 * 1024
    const lively = both.client.open({ kind: 'echo' })
    lively.end('still here')
    assert.equal(await text(lively), 'still here')
    assert.ok(taken <= most, `${taken} bytes taken`)
    const first = accepted[0]!
    first.resume()
    await eventually(() => taken > 1024 * 1024)
    first.reset(resetStatus.cancel)
  })

  it('tells the peer of a reset after what was sent before it', async () => {
    await using both = await pair((stream) => {
      stream.write('before', () => stream.reset(resetStatus.internalError))
    })
    const stream = both.client.open({})
    const reset = once(stream, 'reset')
    assert.equal(await text(stream), 'before')
    assert.deepEqual([await reset, stream.resetBy()], [[resetStatus.internalError], resetStatus.internalError])
    // dropped, not an error
    await new Promise((resolve) => stream.write('late', resolve))
  })

  it('takes destroy() for a reset, also when the peer waits for its window', async () => {
    const accepted: SpdyStream[] = []
    await using both = await pair((stream) => void accepted.push(stream))
    const stream = both.client.open({})
    const written = new Promise((resolve) => stream.write(Buffer.alloc(200_000), resolve))
    await eventually(() => (accepted[0]?.readableLength ?? 0) > 0)
    accepted[0]?.destroy()
    await written
    assert.equal(stream.resetBy(), resetStatus.cancel)
  })

  it('refuses streams nobody wants', async () => {
    const sockets = await socketPair()
    const client = spdySession(sockets[0], { role: 'client', flowControl: true })
    const server = spdySession(sockets[1], { role: 'server', flowControl: true })
    const stream = client.open({})
    await assert.rejects(stream.replied, /was reset: 3/)
    await Promise.all([client.close(), server.close()])
  })

  it('answers pings from both sides', async () => {
    await using both = await pair(echo)
    await Promise.all([both.client.ping(), both.server.ping(), both.client.ping()])
  })

  it('ends every stream and ping when the connection breaks', async () => {
    await using both = await pair(() => undefined)
    const stream = both.client.open({})
    await stream.replied
    both.sockets[1].destroy()
    assert.equal(await text(stream), '')
    assert.equal(stream.resetBy(), 'connection lost')
    await both.client.closed
    await assert.rejects(both.client.ping(), /over/)
    assert.throws(() => both.client.open({}), /over/)
  })

  it('keeps what had arrived when the connection is reset right behind it', async () => {
    for (let round = 0; round < 20; round++) {
      const sockets = await socketPair()
      spdySession(sockets[1], {
        role: 'server',
        flowControl: false,
        onStream: (stream) => void stream.write('last words', () => sockets[1].resetAndDestroy()),
      })
      const client = spdySession(sockets[0], { role: 'client', flowControl: false })
      assert.equal(await text(client.open({})), 'last words')
      await client.closed
    }
  })

  it('gives up a session that does not speak SPDY', async () => {
    const [near, far] = await socketPair()
    const session = spdySession(near, { role: 'server', flowControl: true })
    far.end(Buffer.from('8002000100000004', 'hex'))
    assert.match(String(await session.closed), /not SPDY/)
  })

  it('gives up a session that reuses a stream identifier', async () => {
    const [near, far] = await socketPair()
    const session = spdySession(near, { role: 'server', flowControl: true, onStream: echo })
    const peer = spdySession(far, { role: 'client', flowControl: true })
    await peer.open({}).replied
    far.write(encodeFrame({ type: 'syn-stream', streamId: 1, associatedTo: 0, priority: 0, fin: false, block: Buffer.alloc(0) }))
    assert.match(String(await session.closed), /opened stream 1 after 1/)
    await peer.close()
  })

  it('closes in order: what was ended before is still delivered', async () => {
    const received: Promise<Buffer>[] = []
    const sockets = await socketPair()
    const client = spdySession(sockets[0], { role: 'client', flowControl: false })
    const server = spdySession(sockets[1], { role: 'server', flowControl: false, onStream: (s) => void received.push(buffer(s)) })
    const stream = client.open({})
    const sent = randomBytes(300_000)
    await pipeline(Readable.from([sent]), stream as Writable)
    await Promise.all([client.close(), server.closed])
    assert.deepEqual(await received[0], sent)
  })
})
