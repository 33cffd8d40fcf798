// exec and attach between a client's upgrade and the runtime's streaming URL: SPDY passes through, WebSocket is translated.
import { text } from 'node:stream/consumers'
import type { WebSocket } from 'ws'
import { spdySession, type SpdySession } from '../../lib/spdy.ts'
import type { SpdyStream } from '../../lib/spdy-stream.ts'
import { dialUpgrade, passRefusal, pickHeaders, refuseUpgrade, tunnelUpgrade, type UpgradeRequest } from '../../lib/upgrade.ts'
import { channel, type CommandStreams, failureStatus, spdyProtocol } from './remote-command.ts'
import { runtimeTarget, spdyUpgradeHeaders, streamHeaders } from './runtime-target.ts'
import { acceptWebSocket, channelProtocols, copyToChannel, feedFrom, offeredProtocols, sendChannel } from './web-socket.ts'

/**
 * Serves one exec or attach. `url` is what CRI Exec or Attach answered, `streams` what they were asked for.
 * Resolves when it is over or, for SPDY, joined; rejects, with nothing written, when the runtime's server cannot be reached.
 */
export async function tunnelCommand(upgrade: UpgradeRequest, url: URL, streams: CommandStreams): Promise<void> {
  if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket')
    return tunnelUpgrade(upgrade, runtimeTarget(url), pickHeaders(upgrade.request, streamHeaders))
  const offered = offeredProtocols(upgrade.request)
  const protocol = channelProtocols.find((name) => offered.includes(name))
  if (!protocol)
    return refuseUpgrade(upgrade.socket, {
      code: 400,
      text: `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is among [${channelProtocols.join(' ')}]`,
    })
  // the runtime first: a refusal can be passed on only while the client still speaks HTTP
  const dialled = await dialUpgrade(runtimeTarget(url), 'POST', spdyUpgradeHeaders(spdyProtocol))
  if (!dialled.accepted) return passRefusal(upgrade.socket, dialled.response)
  const ws = await acceptWebSocket(upgrade, protocol)
  if (!ws) return void dialled.socket.destroy()
  const session = spdySession(dialled.socket, { role: 'client', flowControl: false })
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
