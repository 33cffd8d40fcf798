// Accepting a WebSocket on an upgrade that somebody else's HTTP server received.
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { UpgradeRequest } from '../../lib/upgrade.ts'

/** First byte of a message: its channel. Best first; only v5 can close a channel. */
export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

const maxMessageBytes = 32 * 1024 * 1024

/** The subprotocols a client offers, best first. */
export const offeredProtocols = ({ headers }: UpgradeRequest['request']): string[] =>
  (headers['sec-websocket-protocol'] ?? '').split(',').flatMap((name) => name.trim() || [])

/** Paused, so that nothing is lost before it is listened to. Undefined for a malformed handshake: ws has answered 400 itself. */
export async function acceptWebSocket(upgrade: UpgradeRequest, protocol: string): Promise<WebSocket | undefined> {
  const { request, socket, head } = upgrade
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageBytes })
  // k8s: port-forward's subprotocol holds a "/", which is no token, so ws would refuse it: it is answered past ws
  delete request.headers['sec-websocket-protocol']
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
  const accepted = new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, head, (ws) => {
      ws.pause()
      resolve(ws)
    }),
  )
  return Promise.race([accepted, once(socket, 'close').then(() => undefined)])
}

/** Resolves when the message has been handed to the socket; a closed connection drops it. */
export function sendChannel(ws: WebSocket, number: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => ws.send(Buffer.concat([Buffer.from([number]), bytes]), () => resolve()))
}

/** Copies until the stream ends, at the pace of the socket. Leaves the stream's other half alone. */
export async function copyToChannel(stream: Readable | undefined, ws: WebSocket, number: number): Promise<void> {
  if (!stream) return
  // no reset when it ends: the runtime is closing then, and bytes it does not read any more would break its last words
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) await sendChannel(ws, number, chunk as Buffer)
}

/** Writes a message's bytes; while the stream is full the whole WebSocket waits. */
export function feedFrom(ws: WebSocket, stream: Writable | undefined, bytes: Buffer): void {
  if (!stream || stream.writableEnded || stream.destroyed || bytes.length === 0) return
  if (stream.write(bytes)) return
  const resume = () => ws.resume()
  ws.pause()
  stream.once('drain', resume)
  stream.once('close', resume)
}
