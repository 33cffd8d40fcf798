// The runtime's half of exec and attach over SPDY, for runtimes that are written here (the simulated one).
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { spdySession } from '../../lib/spdy.ts'
import type { SpdyStream } from '../../lib/spdy-stream.ts'
import type { UpgradeRequest } from '../../lib/upgrade.ts'
import { type CommandStreams, exitStatus, failureStatus } from './remote-command.ts'

export interface TerminalSize {
  width: number
  height: number
}

/** A running exec or attach. Streams that were not asked for are absent. */
export interface CommandRun {
  stdin?: Readable | undefined
  stdout?: Writable | undefined
  stderr?: Writable | undefined
  tty: boolean
  /** Sizes of the client's terminal as they change; empty without one. */
  resize: AsyncIterable<TerminalSize>
  /** Aborts when the client is gone. */
  signal: AbortSignal
}

const streamCreationMs = 30_000

/**
 * Speaks v4.channel.k8s.io on an upgraded connection: waits for the streams that were asked for, runs, reports the exit code,
 * closes. A `run` that rejects is reported as an internal error. Never rejects.
 */
export async function serveCommand(
  socket: UpgradeRequest['socket'],
  asked: CommandStreams,
  run: (command: CommandRun) => Promise<number>,
  clock: Clock = systemClock,
): Promise<void> {
  const wanted = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => asked[name])]
  if (asked.tty) wanted.push('resize')
  const arrived = new Map<string, SpdyStream>()
  const complete = deferred<'complete' | 'gone'>()
  const session = spdySession(socket, {
    role: 'server',
    flowControl: false,
    onStream(stream) {
      const name = stream.headers.streamtype ?? ''
      if (!wanted.includes(name) || arrived.has(name)) return stream.reset(3)
      stream.on('error', () => undefined)
      arrived.set(name, stream)
      if (arrived.size === wanted.length) complete.resolve('complete')
    },
  })
  const stop = new AbortController()
  void session.closed.then(() => {
    stop.abort()
    complete.resolve('gone')
  })
  const cancel = clock.after(streamCreationMs, () => complete.resolve('gone'))
  if ((await complete.promise) === 'complete') await runOn(arrived, asked.tty, stop.signal, run)
  cancel()
  await session.close()
}

async function runOn(
  streams: Map<string, SpdyStream>,
  tty: boolean,
  signal: AbortSignal,
  run: (command: CommandRun) => Promise<number>,
): Promise<void> {
  const [stdin, stdout, stderr] = [streams.get('stdin'), streams.get('stdout'), streams.get('stderr')]
  const status = await run({ stdin, stdout, stderr, tty, resize: terminalSizes(streams.get('resize')), signal }).then(
    exitStatus,
    (error: unknown) =>
      failureStatus(`error executing command in container: ${error instanceof Error ? error.message : String(error)}`),
  )
  const ends = [stdout, stderr].map((stream) => ended(stream))
  await Promise.all(ends)
  await ended(streams.get('error'), JSON.stringify(status))
}

/** Resolves when everything written has gone out; also when nobody can receive it any more. */
async function ended(stream: SpdyStream | undefined, last = ''): Promise<void> {
  if (!stream || stream.destroyed) return
  if (!stream.writableEnded) stream.end(last)
  await finished(stream, { readable: false }).catch(() => undefined)
}

async function* terminalSizes(stream: SpdyStream | undefined): AsyncIterable<TerminalSize> {
  if (!stream) return
  let rest = ''
  for await (const chunk of stream) {
    rest += String(chunk)
    // sizes are flat JSON objects, written one behind the other
    for (const [whole] of rest.matchAll(/\{[^{}]*\}/g)) {
      yield terminalSize(whole)
    }
    rest = rest.slice(rest.lastIndexOf('}') + 1).slice(0, 1024)
  }
}

/** Names in any case, as Go reads them: kubectl writes Width, the JavaScript client width. */
function terminalSize(json: string): TerminalSize {
  const size = JSON.parse(json.toLowerCase()) as Partial<TerminalSize>
  return { width: Number(size.width ?? 0), height: Number(size.height ?? 0) }
}
