// A CRI streaming server: the URLs that Exec, Attach and PortForward hand out, and what answers there.
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { refuseUpgrade } from '../../lib/upgrade.ts'
import { type Runtime, RuntimeError, type StreamRequest } from '../cri/runtime.ts'
import { portForwardProtocol, spdyProtocol } from './remote-command.ts'
import { type CommandRun, serveCommand } from './serve-command.ts'
import { servePortForward } from './serve-port-forward.ts'

export interface StreamHandlers {
  /** Resolves to the exit code; a rejection is reported to the client as an internal error. */
  exec(containerId: string, run: CommandRun & { command: string[] }): Promise<number>
  /** Resolves, to the exit code, when the container has ended or the client is gone. */
  attach(containerId: string, run: CommandRun): Promise<number>
  portForward(sandboxId: string, port: number, connection: Duplex): Promise<void>
}

export interface StreamingServer extends Pick<Runtime, 'exec' | 'attach' | 'portForward'> {
  close(): Promise<void>
}

interface Ticket {
  protocol: string
  serve(socket: Duplex): Promise<void>
}

const ticketMs = 60_000
const maxTickets = 1_000

/** Listens on a free port of 127.0.0.1. Each URL is good for one connection within a minute, as containerd's are. */
export async function startStreamingServer(handlers: StreamHandlers, clock: Clock = systemClock): Promise<StreamingServer> {
  const tickets = new Map<string, Ticket>()
  const sockets = new Set<Duplex>()
  const server = createServer((_request, response) => void response.writeHead(404).end('not found\n'))
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    if (head.length > 0) socket.unshift(head)
    accept(tickets, request, socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const issue = (verb: string, ticket: Ticket): string => {
    if (tickets.size >= maxTickets) throw new RuntimeError('Unknown', 'maximum number of in-flight requests exceeded')
    const token = randomBytes(9).toString('base64url')
    tickets.set(token, ticket)
    clock.after(ticketMs, () => tickets.delete(token))
    return `http://127.0.0.1:${port}/${verb}/${token}`
  }
  const command = (verb: string, request: StreamRequest, run: (run: CommandRun) => Promise<number>) =>
    issue(verb, { protocol: spdyProtocol, serve: (socket) => serveCommand(socket, request, run, clock) })
  return {
    exec: async (request) =>
      command('exec', request, (run) => handlers.exec(request.containerId, { ...run, command: request.command })),
    attach: async (request) => command('attach', request, (run) => handlers.attach(request.containerId, run)),
    portForward: async (sandboxId) =>
      issue('portforward', {
        protocol: portForwardProtocol,
        serve: (socket) => servePortForward(socket, (port, connection) => handlers.portForward(sandboxId, port, connection)),
      }),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function accept(tickets: Map<string, Ticket>, request: IncomingMessage, socket: Duplex): void {
  const token = request.url?.split('/')[2] ?? ''
  const ticket = tickets.get(token)
  if (!ticket) return refuseUpgrade(socket, { code: 404, text: 'no such stream, or its URL has expired\n' })
  const offered = request.rawHeaders
    .flatMap((name, i, all) => (i % 2 === 0 && name.toLowerCase() === 'x-stream-protocol-version' ? [all[i + 1] ?? ''] : []))
    .flatMap((line) => line.split(',').map((name) => name.trim()))
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1' || !offered.includes(ticket.protocol))
    return refuseUpgrade(socket, { code: 403, text: `only SPDY/3.1 with ${ticket.protocol} is spoken here\n` })
  tickets.delete(token)
  const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1']
  socket.write(`${[...head, `X-Stream-Protocol-Version: ${ticket.protocol}`].join('\r\n')}\r\n\r\n`)
  void ticket.serve(socket)
}
