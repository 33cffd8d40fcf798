// port-forward between a client's upgrade and the runtime's streaming URL: SPDY frames both ways, bare or inside a WebSocket.
import { createWebSocketStream } from 'ws'
import {
  dialUpgrade,
  joinConnections,
  passRefusal,
  pickHeaders,
  refuseUpgrade,
  tunnelUpgrade,
  type UpgradeRequest,
} from '../../lib/upgrade.ts'
import { portForwardProtocol } from './remote-command.ts'
import { runtimeTarget, spdyUpgradeHeaders, streamHeaders } from './runtime-target.ts'
import { acceptWebSocket, offeredProtocols } from './web-socket.ts'

const webSocketProtocol = `SPDY/3.1+${portForwardProtocol}`

/** `url` is what CRI PortForward answered. Rejects, with nothing written, when the runtime's server cannot be reached. */
export async function tunnelPortForward(upgrade: UpgradeRequest, url: URL): Promise<void> {
  if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket')
    return tunnelUpgrade(upgrade, runtimeTarget(url), pickHeaders(upgrade.request, streamHeaders))
  const offered = offeredProtocols(upgrade.request)
  if (!offered.includes(webSocketProtocol))
    return refuseUpgrade(upgrade.socket, {
      code: 400,
      text: `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is ${webSocketProtocol}`,
    })
  const dialled = await dialUpgrade(runtimeTarget(url), 'POST', spdyUpgradeHeaders(portForwardProtocol))
  if (!dialled.accepted) return passRefusal(upgrade.socket, dialled.response)
  const ws = await acceptWebSocket(upgrade, webSocketProtocol)
  if (!ws) return void dialled.socket.destroy()
  const bytes = createWebSocketStream(ws)
  ws.resume()
  joinConnections(bytes, dialled.socket)
}
