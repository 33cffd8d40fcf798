// The runtime's half of port-forward over SPDY: pairs of streams, one connection each.
import type { Duplex } from 'node:stream'
import { spdySession } from '../../lib/spdy.ts'
import type { SpdyStream } from '../../lib/spdy-stream.ts'
import type { UpgradeRequest } from '../../lib/upgrade.ts'

/** Connects `connection` to a port of the sandbox; resolves when that connection is over. */
export type PortConnector = (port: number, connection: Duplex) => Promise<void>

/**
 * Speaks portforward.k8s.io on an upgraded connection until the client closes it. Streams come in pairs, `error` and `data`,
 * joined by `requestid`. A connector that rejects is told on the error stream. Never rejects.
 */
export async function servePortForward(socket: UpgradeRequest['socket'], connect: PortConnector): Promise<void> {
  const waiting = new Map<string, Partial<Record<'error' | 'data', SpdyStream>>>()
  const session = spdySession(socket, {
    role: 'server',
    flowControl: false,
    onStream(stream) {
      const { streamtype, port, requestid = port } = stream.headers
      if ((streamtype !== 'error' && streamtype !== 'data') || !requestid || !portOf(port)) return stream.reset(3)
      stream.on('error', () => undefined)
      const pair = { ...waiting.get(requestid), [streamtype]: stream }
      waiting.set(requestid, pair)
      if (!pair.error || !pair.data) return
      waiting.delete(requestid)
      void forward(pair.error, pair.data, portOf(port) ?? 0, connect)
    },
  })
  await session.closed
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}

async function forward(errors: SpdyStream, data: SpdyStream, port: number, connect: PortConnector): Promise<void> {
  errors.resume()
  try {
    await connect(port, data)
    errors.end()
  } catch (error) {
    errors.end(`error forwarding port ${port}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!data.writableEnded) data.end()
}
