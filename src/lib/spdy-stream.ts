// One stream of a SPDY/3.1 session as a node Duplex: half close is FIN, destroy is RST_STREAM.
import { Duplex } from 'node:stream'
import { callbackify } from 'node:util'
import { deferred } from './deferred.ts'
import { resetStatus, type Frame } from './spdy-frame.ts'
import type { Headers } from './spdy-headers.ts'

/** A RST_STREAM status, or that the session ended under the stream. */
export type ResetCause = number | 'connection lost'

export interface StreamFacts {
  readonly streamId: number
  /** What the opener sent. */
  readonly headers: Headers
  /** The peer's SYN_REPLY headers; rejects when the stream is reset or lost before. */
  readonly replied: Promise<Headers>
  /** Set once the stream ended by a reset; an `end` of reading after that may be a truncation. */
  readonly resetBy: () => ResetCause | undefined
  /** Ends both directions at once with this status; plain `destroy()` sends CANCEL. */
  readonly reset: (status: number) => void
}

/**
 * `end()` closes our half only. When the peer resets, reading ends after what had arrived, further writes are dropped
 * (writers are not punished for a race they cannot see) and the event `reset` is emitted with the cause.
 */
export type SpdyStream = Duplex & StreamFacts

/** Bytes one side may still send; waits in line when there are none. */
export interface Credit {
  take(wanted: number): Promise<number>
  give(bytes: number): void
}

export function credit(initial: number): Credit {
  let free = initial
  let waiting: (() => void)[] = []
  return {
    async take(wanted) {
      while (free <= 0) await new Promise<void>((resolve) => waiting.push(resolve))
      const taken = Math.min(free, wanted)
      free -= taken
      return taken
    },
    give(bytes) {
      free += bytes
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
  }
}

/** What a stream needs of its session. */
export interface Wire {
  /** Resolves when the socket takes more; never rejects. */
  send(frame: Frame): Promise<void>
  /** The session's own send window. */
  credit: Credit
  /** What a peer may send on one stream before we ask for more; undefined without flow control. */
  receiveWindow: number | undefined
  forget(streamId: number): void
}

/** The session's side of a stream. */
export interface StreamEnd {
  stream: SpdyStream
  credit: Credit
  /** Hands over received bytes; without flow control it resolves only when the reader wants more. */
  deliver(bytes: Buffer, fin: boolean): Promise<void>
  reply(headers: Headers): void
  lose(cause: ResetCause): void
}

interface State {
  streamId: number
  credit: Credit
  localEnded: boolean
  remoteEnded: boolean
  resetBy: ResetCause | undefined
  /** Received, but not yet allowed again by WINDOW_UPDATE. */
  owed: number
  /** Wakes a delivery that waits for the reader. */
  wanted: () => void
}

const maxDataBytes = 16 * 1024
const bufferBytes = 64 * 1024

export interface StreamSpec {
  streamId: number
  headers: Headers
  sendWindow: number
  localEnded: boolean
  remoteEnded: boolean
}

export function streamEnd(wire: Wire, spec: StreamSpec): StreamEnd {
  const { streamId, localEnded, remoteEnded } = spec
  const state: State = {
    streamId,
    localEnded,
    remoteEnded,
    credit: credit(spec.sendWindow),
    owed: 0,
    resetBy: undefined,
    wanted: () => undefined,
  }
  const reply = deferred<Headers>()
  const duplex = duplexOf(wire, state)
  const facts: StreamFacts = {
    streamId,
    headers: spec.headers,
    replied: reply.promise,
    resetBy: () => state.resetBy,
    reset(status) {
      abandon(wire, state, status)
      duplex.destroy()
    },
  }
  const stream = Object.assign(duplex, facts)
  stream.once('close', () => reply.reject(new Error(`stream ${streamId} is closed`)))
  if (localEnded) duplex.end()
  if (remoteEnded) duplex.push(null)
  return {
    stream,
    credit: state.credit,
    reply: reply.resolve,
    deliver: (bytes, fin) => deliver(wire, state, stream, { bytes, fin }),
    lose(cause) {
      reply.reject(new Error(`stream ${streamId} was reset: ${cause}`))
      lose(wire, state, stream, cause)
    },
  }
}

function duplexOf(wire: Wire, state: State): Duplex {
  return new Duplex({
    highWaterMark: bufferBytes,
    read() {
      state.wanted()
      repay(wire, state)
    },
    write(chunk: Buffer, _encoding, done) {
      callbackify(() => sendData(wire, state, chunk))(done)
    },
    final(done) {
      callbackify(() => sendFin(wire, state))(done)
    },
    destroy(error, done) {
      abandon(wire, state, resetStatus.cancel)
      done(error)
    },
  })
}

async function sendData(wire: Wire, state: State, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length && state.resetBy === undefined; ) {
    const mine = await state.credit.take(Math.min(chunk.length - at, maxDataBytes))
    const ours = await wire.credit.take(mine)
    state.credit.give(mine - ours)
    if (state.resetBy !== undefined) {
      wire.credit.give(ours)
      return
    }
    await wire.send({ type: 'data', streamId: state.streamId, fin: false, bytes: chunk.subarray(at, at + ours) })
    at += ours
  }
}

async function sendFin(wire: Wire, state: State): Promise<void> {
  if (state.localEnded) return
  state.localEnded = true
  if (state.remoteEnded) wire.forget(state.streamId)
  await wire.send({ type: 'data', streamId: state.streamId, fin: true, bytes: Buffer.alloc(0) })
}

async function deliver(wire: Wire, state: State, stream: SpdyStream, { bytes, fin }: { bytes: Buffer; fin: boolean }) {
  if (state.remoteEnded) return
  const window = wire.receiveWindow
  if (window !== undefined && state.owed + bytes.length > window) return stream.reset(resetStatus.flowControlError)
  state.owed += bytes.length
  const hungry = bytes.length === 0 || stream.push(bytes)
  if (fin) {
    state.remoteEnded = true
    if (state.localEnded) wire.forget(state.streamId)
    stream.push(null)
  } else if (hungry) repay(wire, state)
  else if (window === undefined) await new Promise<void>((resolve) => (state.wanted = resolve))
}

// Half a window at a time: a frame for every read would cost more than it frees.
function repay(wire: Wire, state: State): void {
  if (wire.receiveWindow === undefined) state.owed = 0
  else if (state.owed >= wire.receiveWindow / 2 && !state.remoteEnded) {
    void wire.send({ type: 'window-update', streamId: state.streamId, delta: state.owed })
    state.owed = 0
  }
}

function abandon(wire: Wire, state: State, status: number): void {
  state.wanted()
  if (state.localEnded && state.remoteEnded) return
  release(wire, state, status)
  void wire.send({ type: 'rst-stream', streamId: state.streamId, status })
}

function lose(wire: Wire, state: State, stream: SpdyStream, cause: ResetCause): void {
  const reading = !state.remoteEnded
  if (!reading && state.localEnded) return
  release(wire, state, cause)
  if (reading && !stream.destroyed) stream.push(null)
  stream.emit('reset', cause)
}

function release(wire: Wire, state: State, cause: ResetCause): void {
  state.resetBy ??= cause
  state.localEnded = true
  state.remoteEnded = true
  state.credit.give(Number.POSITIVE_INFINITY)
  wire.forget(state.streamId)
}
