// exec and attach between a client's upgrade and the runtime's streaming URL: SPDY passes through, WebSocket is translated.
import { text } from 'node:stream/consumers'
import type { WebSocket } from 'ws'
import { spdySession, type SpdySession } from '../../lib/spdy.ts'
import type { SpdyStream } from '../../lib/spdy-stream.ts'
import type { UpgradeRequest } from '../../lib/upgrade.ts'
import { openTunnel } from './open-tunnel.ts'
import { channel, type CommandStreams, failureStatus, spdyProtocol } from './remote-command.ts'
import { channelProtocols, copyToChannel, feedFrom, sendChannel } from './web-socket.ts'

/**
 * Serves one exec or attach. `url` is what CRI Exec or Attach answered, `streams` what they were asked for.
 * Resolves when it is over or, for SPDY, joined; rejects, with nothing written, when the runtime's server cannot be reached.
 */
export async function tunnelCommand(upgrade: UpgradeRequest, url: URL, streams: CommandStreams): Promise<void> {
  const tunnel = await openTunnel(upgrade, url, { spoken: channelProtocols, spdy: spdyProtocol })
  if (!tunnel) return
  const { ws, runtime } = tunnel
  const session = spdySession(runtime, { role: 'client', flowControl: false })
  try {
    await translate(ws, session, streams)
  } finally {
    if (ws.readyState === ws.OPEN) ws.terminate()
    await session.close()
  }
}

async function translate(ws: WebSocket, session: SpdySession, streams: CommandStreams): Promise<void> {
  ws.on('error', () => ws.terminate())
  ws.on('close', () => void session.close())
  const open = (streamtype: string, wanted = true) => (wanted ? session.open({ streamtype }) : undefined)
  const error = session.open({ streamtype: 'error' })
  const stdin = open('stdin', streams.stdin)
  const stdout = open('stdout', streams.stdout)
  const stderr = open('stderr', streams.stderr && !streams.tty)
  const resize = open('resize', streams.tty)
  ws.on('message', (message: Buffer) => takeMessage(ws, message, { stdin, resize }))
  ws.resume()
  // k8s: an empty first message tells clients of older protocols that the connection stands
  await sendChannel(ws, streams.stdout ? channel.stdout : channel.stderr, Buffer.alloc(0))
  const [status] = await Promise.all([
    text(error.iterator({ destroyOnReturn: false })),
    copyToChannel(stdout, ws, channel.stdout),
    copyToChannel(stderr, ws, channel.stderr),
  ])
  const told = status || JSON.stringify(failureStatus('the connection to the container runtime ended before the command did'))
  await sendChannel(ws, channel.error, Buffer.from(told))
  ws.close(1000)
}

function takeMessage(
  ws: WebSocket,
  message: Buffer,
  to: { stdin?: SpdyStream | undefined; resize?: SpdyStream | undefined },
): void {
  const number = message[0]
  if (number === channel.stdin) feedFrom(ws, to.stdin, message.subarray(1))
  else if (number === channel.resize) feedFrom(ws, to.resize, message.subarray(1))
  else if (number === channel.close && message[1] === channel.stdin) to.stdin?.end()
}
