// SPDY/3.1 frames as bytes. Header blocks stay compressed here; spdy-headers.ts opens them.

export interface Setting {
  id: number
  flags: number
  value: number
}

export type ControlFrame =
  | { type: 'syn-stream'; streamId: number; associatedTo: number; priority: number; fin: boolean; block: Buffer }
  | { type: 'syn-reply'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'headers'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'rst-stream'; streamId: number; status: number }
  | { type: 'settings'; settings: Setting[] }
  | { type: 'ping'; id: number }
  | { type: 'goaway'; lastStreamId: number; status: number }
  | { type: 'window-update'; streamId: number; delta: number }

/** A DATA frame may be delivered in several pieces; only the last one carries its `fin`. */
export type Frame = ControlFrame | { type: 'data'; streamId: number; fin: boolean; bytes: Buffer }

/** RST_STREAM status codes (GOAWAY has its own: 0 is OK there). */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamAlreadyClosed: 9,
} as const

/** SETTINGS id of the window every new stream starts with. */
export const initialWindowSetting = 7

const typeNumber = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  'window-update': 9,
} as const

const version = 0x8003
const flagFin = 1
const low31 = 0x7fffffff
const maxControlBytes = 256 * 1024

/** Stream identifiers and windows are 31 bits. `bytes` of a data frame must be shorter than 16 MiB. */
export function encodeFrame(frame: Frame): Buffer {
  if (frame.type === 'data') {
    const header = Buffer.allocUnsafe(8)
    header.writeUInt32BE(frame.streamId & low31, 0)
    header.writeUInt32BE(frame.bytes.length, 4)
    header[4] = frame.fin ? flagFin : 0
    return Buffer.concat([header, frame.bytes])
  }
  const body = encodeBody(frame)
  const header = Buffer.allocUnsafe(8)
  header.writeUInt16BE(version, 0)
  header.writeUInt16BE(typeNumber[frame.type], 2)
  header.writeUInt32BE(body.length, 4)
  header[4] = 'fin' in frame && frame.fin ? flagFin : 0
  return Buffer.concat([header, body])
}

function encodeBody(frame: ControlFrame): Buffer {
  switch (frame.type) {
    case 'syn-stream':
      return Buffer.concat([words(frame.streamId, frame.associatedTo), Buffer.from([frame.priority << 5, 0]), frame.block])
    case 'syn-reply':
    case 'headers':
      return Buffer.concat([words(frame.streamId), frame.block])
    case 'rst-stream':
      return words(frame.streamId, frame.status)
    case 'settings':
      return words(frame.settings.length, ...frame.settings.flatMap((s) => [((s.flags << 24) | s.id) >>> 0, s.value]))
    case 'ping':
      return words(frame.id)
    case 'goaway':
      return words(frame.lastStreamId, frame.status)
    case 'window-update':
      return words(frame.streamId, frame.delta)
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4)
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4))
  return bytes
}

interface Pending {
  header: Buffer
  left: number
  parts: Buffer[]
}

/**
 * Cuts a byte stream into frames: call it with each chunk as it arrives. Data is passed on as it comes, never gathered.
 * Throws RangeError on what is not SPDY/3.1; frame types it does not know are skipped, as the draft asks.
 */
export function frameDecoder(): (chunk: Buffer) => Frame[] {
  let rest = Buffer.alloc(0)
  let pending: Pending | undefined
  return (chunk) => {
    const frames: Frame[] = []
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    for (;;) {
      if (!pending) {
        if (bytes.length < 8) break
        pending = startFrame(bytes.subarray(0, 8))
        bytes = bytes.subarray(8)
      }
      if (bytes.length === 0 && pending.left > 0) break
      const part = bytes.subarray(0, pending.left)
      bytes = bytes.subarray(part.length)
      pending.left -= part.length
      const frame = isControl(pending.header) ? controlPiece(pending, part) : dataPiece(pending, part)
      if (frame) frames.push(frame)
      if (pending.left === 0) pending = undefined
    }
    rest = Buffer.from(bytes)
    return frames
  }
}

const isControl = (header: Buffer) => (header[0] ?? 0) >= 0x80

function startFrame(header: Buffer): Pending {
  const left = header.readUIntBE(5, 3)
  if (isControl(header)) {
    if (header.readUInt16BE(0) !== version)
      throw new RangeError(`not SPDY/3: control frame starts ${header.toString('hex', 0, 4)}`)
    if (left > maxControlBytes) throw new RangeError(`control frame of ${left} bytes`)
  }
  return { header: Buffer.from(header), left, parts: [] }
}

function dataPiece({ header, left }: Pending, bytes: Buffer): Frame {
  return { type: 'data', streamId: header.readUInt32BE(0), fin: left === 0 && ((header[4] ?? 0) & flagFin) !== 0, bytes }
}

function controlPiece(pending: Pending, part: Buffer): Frame | undefined {
  pending.parts.push(part)
  return pending.left > 0 ? undefined : decodeControl(pending.header, Buffer.concat(pending.parts))
}

function decodeControl(header: Buffer, body: Buffer): Frame | undefined {
  const fin = ((header[4] ?? 0) & flagFin) !== 0
  const word = (at: number) => body.readUInt32BE(at)
  const id = (at: number) => word(at) & low31
  switch (header.readUInt16BE(2)) {
    case typeNumber['syn-stream']:
      return {
        type: 'syn-stream',
        streamId: id(0),
        associatedTo: id(4),
        priority: body.readUInt8(8) >> 5,
        fin,
        block: body.subarray(10),
      }
    case typeNumber['syn-reply']:
      return { type: 'syn-reply', streamId: id(0), fin, block: body.subarray(4) }
    case typeNumber.headers:
      return { type: 'headers', streamId: id(0), fin, block: body.subarray(4) }
    case typeNumber['rst-stream']:
      return { type: 'rst-stream', streamId: id(0), status: word(4) }
    case typeNumber.settings:
      return { type: 'settings', settings: decodeSettings(body) }
    case typeNumber.ping:
      return { type: 'ping', id: word(0) }
    case typeNumber.goaway:
      return { type: 'goaway', lastStreamId: id(0), status: word(4) }
    case typeNumber['window-update']:
      return { type: 'window-update', streamId: id(0), delta: id(4) }
    default:
      return undefined
  }
}

function decodeSettings(body: Buffer): Setting[] {
  return Array.from({ length: body.readUInt32BE(0) }, (_, i) => ({
    flags: body.readUInt8(4 + i * 8),
    id: body.readUIntBE(5 + i * 8, 3),
    value: body.readUInt32BE(8 + i * 8),
  }))
}
