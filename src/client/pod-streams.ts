// exec and port-forward of a Pod over WebSockets, as far as a check of them needs: bytes in, bytes out, once.
import WebSocket from 'ws'
import type { Ref } from './client.ts'
import type { HttpTarget } from './http-connection.ts'

export interface ExecDone {
  stdout: string
  stderr: string
  /** Undefined: the server did not say. */
  exitCode: number | undefined
}

// k8s: the first byte of a message is its channel
const channels = { stdout: 1, stderr: 2, status: 3 }
const timeoutMs = 20_000

/** Runs a command in the first container. Rejects with what the server says when it refuses. */
export async function execInPod(target: HttpTarget, ref: Ref, command: readonly string[]): Promise<ExecDone> {
  const words = new URLSearchParams({ stdout: 'true', stderr: 'true' })
  for (const word of command) words.append('command', word)
  const found: Record<number, string> = {}
  await conversation(open(target, ref, `exec?${words.toString()}`), {
    onMessage(number, bytes) {
      found[number] = (found[number] ?? '') + bytes.toString()
    },
  })
  const status = JSON.parse(found[channels.status] ?? '{}') as { status?: string; details?: { causes?: { message: string }[] } }
  const failed = status.status === undefined ? undefined : Number(status.details?.causes?.[0]?.message ?? 1)
  return {
    stdout: found[channels.stdout] ?? '',
    stderr: found[channels.stderr] ?? '',
    exitCode: status.status === 'Success' ? 0 : failed,
  }
}

/** Sends `request` to a port of the Pod and returns what comes back until the other side closes or `enough` says so. */
export async function throughPodPort(
  target: HttpTarget,
  ref: Ref,
  { port, request, enough }: { port: number; request: string; enough: (answer: string) => boolean },
): Promise<string> {
  let answer = ''
  let errors = ''
  const begun = [false, false]
  const ws = open(target, ref, `portforward?ports=${port}`)
  await conversation(ws, {
    onOpen: () => ws.send(Buffer.concat([Buffer.from([0]), Buffer.from(request)])),
    onMessage(number, bytes) {
      // k8s: the first message on each channel is the port, in two bytes
      const rest = begun[number] ? bytes : bytes.subarray(2)
      begun[number] = true
      if (number === 0) answer += rest.toString()
      else errors += rest.toString()
      if (errors !== '' || enough(answer)) ws.close(1000)
    },
  })
  if (errors !== '') throw new Error(errors)
  return answer
}

function open({ url, tls }: HttpTarget, { namespace = 'default', name }: Ref, rest: string): WebSocket {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/${rest}`
  return new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, ['v4.channel.k8s.io'], { ...tls, handshakeTimeout: timeoutMs })
}

interface Listeners {
  onOpen?: () => void
  onMessage: (channel: number, bytes: Buffer) => void
}

/** Resolves when the WebSocket has closed. */
function conversation(ws: WebSocket, { onOpen, onMessage }: Listeners): Promise<void> {
  return new Promise((resolve, reject) => {
    ws.on('open', () => onOpen?.())
    ws.on('message', (message: Buffer) => onMessage(message[0] ?? 0, message.subarray(1)))
    ws.on('close', () => resolve())
    ws.on('error', reject)
    ws.on('unexpected-response', (_, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => reject(new Error(messageIn(body) ?? `HTTP ${response.statusCode}`)))
    })
  })
}

function messageIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message
  } catch {
    return body.trim() || undefined
  }
}
