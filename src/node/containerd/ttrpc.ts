// One question to a ttrpc server, such as a containerd shim, on its unix socket.
import { connect, type Socket } from 'node:net'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Clock } from '../../lib/clock.ts'

export interface TtrpcCall {
  /** Path of the socket. */
  socket: string
  /** `containerd.task.v2.Task` */
  service: string
  method: string
  /** A protobuf message. */
  payload: Uint8Array
}

/** A refusal, with its gRPC code; 12 is Unimplemented: the server does not speak this service. */
export class TtrpcError extends Error {
  override name = 'TtrpcError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export const unimplemented = 12
const unavailable = 14
const headerBytes = 10
const timeoutMs = 2000

/** The answer's protobuf message. Rejects with TtrpcError; code 14 when nobody answers in two seconds. */
export async function askTtrpc(call: TtrpcCall, clock: Clock): Promise<Uint8Array> {
  const socket = connect(call.socket)
  const cancel = clock.after(timeoutMs, () => socket.destroy(new Error('no answer')))
  try {
    // not ended: a server may take a half-closed connection for a closed one
    socket.write(frame(requestOf(call)))
    return answerOf(await firstMessage(socket))
  } finally {
    cancel()
    socket.destroy()
  }
}

function requestOf({ service, method, payload }: TtrpcCall): Uint8Array {
  const nanoseconds = BigInt(timeoutMs) * 1_000_000n
  const [one, two, three, four] = [1, 2, 3, 4]
  return new BinaryWriter()
    .tag(one, WireType.LengthDelimited)
    .string(service)
    .tag(two, WireType.LengthDelimited)
    .string(method)
    .tag(three, WireType.LengthDelimited)
    .bytes(payload)
    .tag(four, WireType.Varint)
    .int64(nanoseconds)
    .finish()
}

/** Length, stream 1, type request, no flags; then the message. */
function frame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(headerBytes)
  head.writeUInt32BE(message.length, 0)
  head.writeUInt32BE(1, 4)
  head.writeUInt8(1, 8)
  return Buffer.concat([head, message])
}

async function firstMessage(socket: Socket): Promise<Uint8Array> {
  let read = Buffer.alloc(0)
  try {
    for await (const part of socket) {
      read = Buffer.concat([read, part as Buffer])
      const end = headerBytes + (read.length < headerBytes ? 0 : read.readUInt32BE(0))
      if (read.length >= headerBytes && read.length >= end) return read.subarray(headerBytes, end)
    }
  } catch (error) {
    throw new TtrpcError(unavailable, (error as Error).message)
  }
  throw new TtrpcError(unavailable, 'the connection was closed')
}

function answerOf(message: Uint8Array): Uint8Array {
  const fields = messageFields(message)
  const status = fields.get(1)
  const { code, text } = status instanceof Uint8Array ? statusOf(status) : { code: 0, text: '' }
  if (code !== 0) throw new TtrpcError(code, text)
  const payload = fields.get(2)
  return payload instanceof Uint8Array ? payload : new Uint8Array()
}

function statusOf(message: Uint8Array): { code: number; text: string } {
  const fields = messageFields(message)
  const text = fields.get(2)
  return { code: Number(fields.get(1) ?? 0), text: text instanceof Uint8Array ? Buffer.from(text).toString() : '' }
}

/** By number, the last of each: numbers and texts are all that is asked for. */
export function messageFields(message: Uint8Array): Map<number, number | Uint8Array> {
  const reader = new BinaryReader(message)
  const found = new Map<number, number | Uint8Array>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.Varint) found.set(field, Number(reader.uint64()))
    else if (type === WireType.LengthDelimited) found.set(field, reader.bytes())
    else reader.skip(type)
  }
  return found
}

/** A message whose one field is a text. */
export const textMessage = (field: number, text: string): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish()
