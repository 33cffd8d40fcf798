// port-forward between a client's upgrade and the runtime's streaming URL: SPDY frames both ways, bare or inside a WebSocket.
import { createWebSocketStream } from 'ws'
import { spdySession } from '../../lib/spdy.ts'
import {
  dialUpgrade,
  joinConnections,
  passRefusal,
  pickHeaders,
  refuseUpgrade,
  tunnelUpgrade,
  type UpgradeRequest,
} from '../../lib/upgrade.ts'
import { forwardChannels } from './port-forward-channels.ts'
import { portForwardProtocol } from './remote-command.ts'
import { runtimeTarget, spdyUpgradeHeaders, streamHeaders } from './runtime-target.ts'
import { acceptWebSocket, channelProtocols, offeredProtocols } from './web-socket.ts'

const webSocketProtocol = `SPDY/3.1+${portForwardProtocol}`

/**
 * Serves one port-forward. `url` is what CRI PortForward answered; `ports` matter only to clients of the older WebSocket form,
 * which name them beforehand. Rejects, with nothing written, when the runtime's server cannot be reached.
 */
export async function tunnelPortForward(upgrade: UpgradeRequest, url: URL, ports: readonly number[]): Promise<void> {
  if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket')
    return tunnelUpgrade(upgrade, runtimeTarget(url), pickHeaders(upgrade.request, streamHeaders))
  const offered = offeredProtocols(upgrade.request)
  const spoken = ports.length > 0 ? [webSocketProtocol, ...channelProtocols] : [webSocketProtocol]
  const protocol = spoken.find((name) => offered.includes(name))
  if (!protocol)
    return refuseUpgrade(upgrade.socket, {
      code: 400,
      text: `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is among [${spoken.join(' ')}]`,
    })
  const dialled = await dialUpgrade(runtimeTarget(url), 'POST', spdyUpgradeHeaders(portForwardProtocol))
  if (!dialled.accepted) return passRefusal(upgrade.socket, dialled.response)
  const ws = await acceptWebSocket(upgrade, protocol)
  if (!ws) return void dialled.socket.destroy()
  if (protocol !== webSocketProtocol)
    return forwardChannels(ws, spdySession(dialled.socket, { role: 'client', flowControl: false }), ports)
  const bytes = createWebSocketStream(ws)
  ws.resume()
  joinConnections(bytes, dialled.socket)
}
