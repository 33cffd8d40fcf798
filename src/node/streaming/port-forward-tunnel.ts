// port-forward between a client's upgrade and the runtime's streaming URL: SPDY frames both ways, bare or inside a WebSocket.
import { createWebSocketStream } from 'ws'
import { spdySession } from '../../lib/spdy.ts'
import { joinConnections, type UpgradeRequest } from '../../lib/upgrade.ts'
import { openTunnel } from './open-tunnel.ts'
import { forwardChannels } from './port-forward-channels.ts'
import { portForwardProtocol } from './remote-command.ts'
import { channelProtocols } from './web-socket.ts'

const webSocketProtocol = `SPDY/3.1+${portForwardProtocol}`

/**
 * Serves one port-forward. `url` is what CRI PortForward answered; `ports` matter only to clients of the older WebSocket form,
 * which name them beforehand. Rejects, with nothing written, when the runtime's server cannot be reached.
 */
export async function tunnelPortForward(upgrade: UpgradeRequest, url: URL, ports: readonly number[]): Promise<void> {
  const spoken = ports.length > 0 ? [webSocketProtocol, ...channelProtocols] : [webSocketProtocol]
  const tunnel = await openTunnel(upgrade, url, { spoken, spdy: portForwardProtocol })
  if (!tunnel) return
  const { ws, protocol, runtime } = tunnel
  if (protocol !== webSocketProtocol)
    return forwardChannels(ws, spdySession(runtime, { role: 'client', flowControl: false }), ports)
  const bytes = createWebSocketStream(ws)
  ws.resume()
  joinConnections(bytes, runtime)
}
