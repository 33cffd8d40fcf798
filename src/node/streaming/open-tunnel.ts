// Between a client's upgrade and the runtime's streaming URL: SPDY passes through, a WebSocket is accepted once the runtime agreed.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { dialUpgrade, passRefusal, pickHeaders, refuseUpgrade, tunnelUpgrade, type UpgradeRequest } from '../../lib/upgrade.ts'
import { runtimeTarget, spdyUpgradeHeaders, streamHeaders } from './runtime-target.ts'
import { acceptWebSocket, offeredProtocols } from './web-socket.ts'

export interface TunnelProtocols {
  /** Subprotocols of a WebSocket, best first. */
  spoken: readonly string[]
  /** What the runtime is asked for over SPDY. */
  spdy: string
}

export interface Tunnel {
  /** Paused. */
  ws: WebSocket
  /** One of `spoken`. */
  protocol: string
  /** Speaks SPDY. */
  runtime: Duplex
}

/**
 * Undefined when nothing is left to do: SPDY was joined, or a refusal told.
 * Rejects, with nothing written, when the runtime's server cannot be reached.
 */
export async function openTunnel(upgrade: UpgradeRequest, url: URL, wanted: TunnelProtocols): Promise<Tunnel | undefined> {
  const { request, socket } = upgrade
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    await tunnelUpgrade(upgrade, runtimeTarget(url), pickHeaders(request, streamHeaders))
    return undefined
  }
  const offered = offeredProtocols(request)
  const protocol = wanted.spoken.find((name) => offered.includes(name))
  if (!protocol) {
    const text = `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is among [${wanted.spoken.join(' ')}]`
    refuseUpgrade(socket, { code: 400, text })
    return undefined
  }
  // the runtime first: a refusal can be passed on only while the client still speaks HTTP
  const dialled = await dialUpgrade(runtimeTarget(url), 'POST', spdyUpgradeHeaders(wanted.spdy))
  if (!dialled.accepted) {
    await passRefusal(socket, dialled.response)
    return undefined
  }
  const ws = await acceptWebSocket(upgrade, protocol)
  if (ws) return { ws, protocol, runtime: dialled.socket }
  dialled.socket.destroy()
  return undefined
}
