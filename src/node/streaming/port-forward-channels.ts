// The older WebSocket form of port-forward, which client libraries still use: one connection per port, named beforehand.
import type { WebSocket } from 'ws'
import type { SpdySession } from '../../lib/spdy.ts'
import { channel, portForwardProtocol } from './remote-command.ts'
import { copyToChannel, feedFrom, sendChannel } from './web-socket.ts'

/**
 * Port number i has channel 2i for its data and 2i+1 for what went wrong; on each, the first two bytes are the port.
 * Resolves when the last of the connections has ended.
 */
export async function forwardChannels(ws: WebSocket, session: SpdySession, ports: readonly number[]): Promise<void> {
  const streams = ports.map((port, index) => {
    const headers = { port: String(port), requestid: `${portForwardProtocol}-${index}` }
    const error = session.open({ ...headers, streamtype: 'error' })
    error.end()
    return { error, data: session.open({ ...headers, streamtype: 'data' }) }
  })
  ws.on('error', () => ws.terminate())
  ws.on('close', () => void session.close())
  ws.on('message', (message: Buffer) => {
    const number = message[0] ?? channel.close
    if (number === channel.close) streams[(message[1] ?? 1) / 2]?.data.end()
    else if (number % 2 === 0) feedFrom(ws, streams[number / 2]?.data, message.subarray(1))
  })
  ws.resume()
  const copies = streams.map(async ({ error, data }, index) => {
    const port = Buffer.alloc(2)
    port.writeUInt16LE(ports[index] ?? 0)
    await sendChannel(ws, index * 2, port)
    await sendChannel(ws, index * 2 + 1, port)
    await Promise.all([copyToChannel(data, ws, index * 2), copyToChannel(error, ws, index * 2 + 1)])
  })
  await Promise.all(copies)
  ws.close(1000)
  await session.close()
}
