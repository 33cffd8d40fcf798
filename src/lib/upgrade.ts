// HTTP/1.1 protocol upgrades seen from the middle: dial one onwards, join two connections, answer one with a refusal.
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from './clock.ts'

/** What node:http gives to an `upgrade` listener. */
export interface UpgradeRequest {
  request: IncomingMessage
  socket: Duplex
  /** Bytes that came behind the request's head. */
  head: Buffer
}

/** Where to connect; `protocol` is `http:` or `https:`, TLS material as in node:tls. */
export type UpgradeTarget = https.RequestOptions & { protocol: string; path: string }

export type Dialled =
  | { accepted: true; response: IncomingMessage; socket: Duplex }
  | { accepted: false; response: IncomingMessage }

const lingerMs = 5_000

/** Asks for the upgrade; rejects only when no HTTP answer came at all. Bytes behind the answer's head are put back. */
export function dialUpgrade(target: UpgradeTarget, method: string, headers: OutgoingHttpHeaders): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const { request } = target.protocol === 'https:' ? https : http
    const dialling = request({ ...target, method, headers, agent: false })
    dialling.on('error', reject)
    dialling.on('response', (response) => resolve({ accepted: false, response }))
    dialling.on('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve({ accepted: true, response, socket })
    })
    dialling.end()
  })
}

/**
 * Carries an upgrade to `target` byte for byte; a plain answer is passed on as it is. `headers` replace the request's.
 * Resolves when the connections are joined or the refusal is written; rejects, with nothing written, when nobody answered.
 */
export async function tunnelUpgrade(upgrade: UpgradeRequest, target: UpgradeTarget, headers: OutgoingHttpHeaders): Promise<void> {
  const { request, socket, head } = upgrade
  socket.on('error', () => undefined)
  const dialled = await dialUpgrade(target, request.method ?? 'GET', headers)
  if (!dialled.accepted) return passRefusal(socket, dialled.response)
  socket.write(headOf(dialled.response))
  if (head.length > 0) socket.unshift(head)
  joinConnections(socket, dialled.socket)
}

/** The headers whose lower-case name matches, in every value they came with. */
export function pickHeaders({ rawHeaders }: IncomingMessage, names: RegExp): OutgoingHttpHeaders {
  const picked: Record<string, string[]> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (names.test(name)) (picked[name] ??= []).push(rawHeaders[i + 1] ?? '')
  }
  return Object.fromEntries(Object.entries(picked).map(([name, values]) => [name, values.length > 1 ? values : values[0]]))
}

/** Answers an upgrade with the plain answer somebody else gave. */
export async function passRefusal(socket: Duplex, response: IncomingMessage): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  const type = response.headers['content-type'] ?? 'text/plain; charset=utf-8'
  refuseUpgrade(socket, { code: response.statusCode ?? 502, type, text: Buffer.concat(parts).toString() })
}

export function refuseUpgrade(socket: Duplex, { code, type, text }: { code: number; type?: string; text: string }): void {
  const lines = [
    `HTTP/1.1 ${code} ${http.STATUS_CODES[code] ?? 'Unknown'}`,
    `Content-Type: ${type ?? 'text/plain; charset=utf-8'}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.on('error', () => undefined)
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`)
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Copies both ways until either side ends or breaks; then the other is ended too, after what was still under way to it.
 * What it goes on sending is read and dropped for up to 5 s: closing over unread bytes would reset the connection and cost
 * the peer the last of what we sent.
 */
export function joinConnections(a: Duplex, b: Duplex, clock: Clock = systemClock): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    let finished = false
    const finish = () => {
      if (finished) return
      finished = true
      finishOther(from, to, clock)
    }
    from.on('error', finish)
    from.once('end', finish)
    from.once('close', finish)
    from.pipe(to, { end: false })
  }
}

function finishOther(from: Duplex, to: Duplex, clock: Clock): void {
  if (to.destroyed) return void from.destroy()
  to.unpipe(from)
  to.resume()
  if (!to.writableEnded) to.end()
  const cancel = clock.after(lingerMs, () => to.destroy())
  to.once('close', () => {
    cancel()
    from.destroy()
  })
}
