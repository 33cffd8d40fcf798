// A SPDY/3.1 session over any Duplex, as client or as server.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from './clock.ts'
import { type Deferred, deferred } from './deferred.ts'
import { encodeFrame, frameDecoder, initialWindowSetting, resetStatus, type Frame } from './spdy-frame.ts'
import { headerCompressor, headerDecompressor, type Headers } from './spdy-headers.ts'
import { credit, streamEnd, type SpdyStream, type StreamEnd, type Wire } from './spdy-stream.ts'

export interface SpdyOptions {
  role: 'client' | 'server'
  /**
   * False for peers that never send WINDOW_UPDATE (Go's spdystream: kubectl, containerd): windows are ignored both ways, and
   * a slow reader stops the whole connection instead of its stream.
   */
  flowControl: boolean
  /** Called for each stream the peer opens, before it is accepted; `reset` or throw in it to refuse. Absent: all refused. */
  onStream?: ((stream: SpdyStream) => void) | undefined
  /** The most streams the peer may have open; more are refused. */
  maxStreams?: number | undefined
  clock?: Clock | undefined
}

export interface SpdySession {
  /** Usable at once; `replied` tells when the peer has accepted. Throws when the session is over or going away. */
  open(headers: Headers): SpdyStream
  /** Resolves when the peer answers; rejects when the session ends first. */
  ping(): Promise<void>
  /** Sends GOAWAY, resets what is open, ends our half of the socket, and waits (at most 5 s) for the peer to end its own. */
  close(): Promise<void>
  /** Resolves, with the reason if it was not an orderly end, when the socket is done with. Never rejects. */
  readonly closed: Promise<Error | undefined>
}

const startWindow = 64 * 1024
const lingerMs = 5_000
const readAheadBytes = 256 * 1024
const maxStreamId = 0x7fffffff

interface World extends Wire {
  options: SpdyOptions
  socket: Duplex
  streams: Map<number, StreamEnd>
  compress: ReturnType<typeof headerCompressor>
  decompress: ReturnType<typeof headerDecompressor>
  enqueue(make: () => Buffer | Promise<Buffer>): Promise<void>
  pings: Map<number, Deferred<void>>
  nextStreamId: number
  nextPingId: number
  lastPeerStreamId: number
  peerWindow: number
  /** Bytes received on the session and not yet allowed again. */
  owed: number
  state: 'open' | 'going away' | 'over'
}

export function spdySession(socket: Duplex, options: SpdyOptions): SpdySession {
  const world = openWorld(socket, options)
  const closed = receive(world).then(
    () => finish(world, undefined),
    (error: unknown) => finish(world, error instanceof Error ? error : new Error(String(error))),
  )
  return {
    closed,
    open: (headers) => openStream(world, headers),
    ping: () => ping(world),
    async close() {
      if (world.state !== 'over') {
        world.state = 'over'
        const cancel = (options.clock ?? systemClock).after(lingerMs, () => socket.destroy())
        void closed.then(cancel)
        loseAll(world)
        await sendFrame(world, { type: 'goaway', lastStreamId: world.lastPeerStreamId, status: 0 })
        socket.end()
      }
      await closed
    },
  }
}

function openWorld(socket: Duplex, options: SpdyOptions): World {
  const parity = options.role === 'client' ? 1 : 2
  const window = options.flowControl ? startWindow : Number.POSITIVE_INFINITY
  const world: World = {
    options,
    socket,
    streams: new Map(),
    compress: headerCompressor(),
    decompress: headerDecompressor(),
    enqueue: writer(socket),
    pings: new Map(),
    nextStreamId: parity,
    nextPingId: parity,
    lastPeerStreamId: 0,
    peerWindow: window,
    owed: 0,
    state: 'open',
    credit: credit(window),
    receiveWindow: options.flowControl ? startWindow : undefined,
    send: (frame) => sendFrame(world, frame),
    forget: (streamId) => void world.streams.delete(streamId),
  }
  return world
}

/** Writes one thing after another; waits for the socket between them. Errors surface in the reading loop. */
function writer(socket: Duplex): World['enqueue'] {
  let tail = Promise.resolve()
  const write = async (make: () => Buffer | Promise<Buffer>) => {
    const bytes = await make()
    if (bytes.length === 0 || socket.destroyed || socket.writableEnded || socket.write(bytes)) return
    const stop = new AbortController()
    const gone = () => stop.abort()
    socket.once('close', gone)
    await once(socket, 'drain', { signal: stop.signal }).catch(() => undefined)
    socket.off('close', gone)
  }
  return (make) => (tail = tail.then(() => write(make)).catch((error: Error) => void socket.destroy(error)))
}

const sendFrame = (world: World, frame: Frame): Promise<void> => world.enqueue(() => encodeFrame(frame))

function openStream(world: World, headers: Headers): SpdyStream {
  if (world.state !== 'open') throw new Error(`SPDY session is ${world.state}`)
  if (world.nextStreamId > maxStreamId) throw new Error('SPDY session has used up its stream identifiers')
  const streamId = world.nextStreamId
  world.nextStreamId += 2
  const end = streamEnd(world, { streamId, headers, sendWindow: world.peerWindow, localEnded: false, remoteEnded: false })
  world.streams.set(streamId, end)
  void world.enqueue(async () => {
    const block = await world.compress.code(headers)
    return encodeFrame({ type: 'syn-stream', streamId, associatedTo: 0, priority: 0, fin: false, block })
  })
  return end.stream
}

function ping(world: World): Promise<void> {
  if (world.state === 'over') return Promise.reject(new Error('SPDY session is over'))
  const id = world.nextPingId
  world.nextPingId += 2
  const answer = deferred<void>()
  world.pings.set(id, answer)
  void sendFrame(world, { type: 'ping', id })
  return answer.promise
}

async function receive(world: World): Promise<void> {
  const { socket } = world
  // Nagle's algorithm holds back the small frames that windows wait for: 1.5 MB/s instead of 100 on loopback
  ;(socket as Partial<Socket>).setNoDelay?.(true)
  const decode = frameDecoder()
  for await (const chunk of arriving(socket)) for (const frame of decode(chunk)) await handle(world, frame)
}

/**
 * Chunks of the socket, taken off it before they are asked for, up to a bound that is the back-pressure. A socket that is reset
 * forgets what it has buffered, and Go peers close so roughly that a reset often follows right behind their last words.
 */
async function* arriving(socket: Duplex): AsyncGenerator<Buffer> {
  const queue: Buffer[] = []
  let ahead = 0
  let over: { error?: Error } | undefined
  let wake = () => undefined as void
  const end = (error?: Error) => {
    over ??= error ? { error } : {}
    wake()
  }
  socket.on('data', (chunk: Buffer) => {
    queue.push(chunk)
    ahead += chunk.length
    if (ahead > readAheadBytes) socket.pause()
    wake()
  })
  socket.on('end', () => end())
  socket.on('close', () => end())
  socket.on('error', end)
  for (;;) {
    const chunk = queue.shift()
    if (chunk) {
      yield chunk
      ahead -= chunk.length
      if (ahead <= readAheadBytes && socket.isPaused()) socket.resume()
    } else if (over?.error) throw over.error
    else if (over) return
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}

async function handle(world: World, frame: Frame): Promise<void> {
  switch (frame.type) {
    case 'data':
      return handleData(world, frame)
    case 'syn-stream':
      return acceptStream(world, frame)
    case 'syn-reply': {
      const headers = await world.decompress.code(frame.block)
      const end = world.streams.get(frame.streamId)
      end?.reply(headers)
      return frame.fin ? end?.deliver(Buffer.alloc(0), true) : undefined
    }
    case 'headers':
      // nobody here asks for late headers, but the shared zlib context has to see them
      await world.decompress.code(frame.block)
      return
    case 'rst-stream':
      return world.streams.get(frame.streamId)?.lose(frame.status)
    case 'ping':
      return answerPing(world, frame.id)
    case 'goaway':
      if (world.state === 'open') world.state = 'going away'
      return
    case 'settings':
      return applySettings(world, frame)
    case 'window-update':
      if (!world.options.flowControl) return
      return (frame.streamId === 0 ? world.credit : world.streams.get(frame.streamId)?.credit)?.give(frame.delta)
  }
}

async function handleData(world: World, frame: Extract<Frame, { type: 'data' }>): Promise<void> {
  if (world.options.flowControl) {
    world.owed += frame.bytes.length
    if (world.owed >= startWindow / 2) {
      void sendFrame(world, { type: 'window-update', streamId: 0, delta: world.owed })
      world.owed = 0
    }
  }
  // data of a stream that was reset a moment ago is no error
  await world.streams.get(frame.streamId)?.deliver(frame.bytes, frame.fin)
}

async function acceptStream(world: World, frame: Extract<Frame, { type: 'syn-stream' }>): Promise<void> {
  const { streamId, fin } = frame
  if (streamId % 2 === world.nextStreamId % 2 || streamId <= world.lastPeerStreamId)
    throw new Error(`SPDY peer opened stream ${streamId} after ${world.lastPeerStreamId}`)
  const headers = await world.decompress.code(frame.block)
  world.lastPeerStreamId = streamId
  const { onStream, maxStreams = 1_000 } = world.options
  if (world.state !== 'open' || !onStream || world.streams.size >= maxStreams) {
    void sendFrame(world, { type: 'rst-stream', streamId, status: resetStatus.refusedStream })
    return
  }
  const end = streamEnd(world, { streamId, headers, sendWindow: world.peerWindow, localEnded: false, remoteEnded: fin })
  world.streams.set(streamId, end)
  end.reply({})
  const replied = world.enqueue(async () =>
    end.stream.resetBy() === undefined
      ? encodeFrame({ type: 'syn-reply', streamId, fin: false, block: await world.compress.code({}) })
      : Buffer.alloc(0),
  )
  try {
    onStream(end.stream)
  } catch {
    end.stream.reset(resetStatus.refusedStream)
  }
  await replied
}

function answerPing(world: World, id: number): void {
  if (id % 2 !== world.nextPingId % 2) return void sendFrame(world, { type: 'ping', id })
  world.pings.get(id)?.resolve()
  world.pings.delete(id)
}

function applySettings(world: World, { settings }: Extract<Frame, { type: 'settings' }>): void {
  if (!world.options.flowControl) return
  for (const { id, value } of settings) {
    if (id !== initialWindowSetting) continue
    for (const end of world.streams.values()) end.credit.give(value - world.peerWindow)
    world.peerWindow = value
  }
}

function loseAll(world: World): void {
  for (const end of world.streams.values()) end.lose('connection lost')
  for (const { reject } of world.pings.values()) reject(new Error('SPDY session ended'))
  world.pings.clear()
}

function finish(world: World, error: Error | undefined): Error | undefined {
  const wasOver = world.state === 'over'
  world.state = 'over'
  loseAll(world)
  // writes that wait for the session's window have to see that their stream is gone
  world.credit.give(Number.POSITIVE_INFINITY)
  if (error) world.socket.destroy()
  else world.socket.end()
  world.compress.close()
  world.decompress.close()
  return wasOver ? undefined : error
}
