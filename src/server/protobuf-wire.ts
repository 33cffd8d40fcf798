// Protobuf on the wire: the fields of a message, one after another. Knows no message.

/** A part of a body that is still to be read, once. Parts share the body's bytes. */
export interface Wire {
  readonly body: Buffer
  at: number
  readonly end: number
}

/** A varint, or what a text, a message or a packed list is made of. Numbers that fit in 28 bits come as such. */
export type WireValue = number | bigint | Wire
export interface WireField {
  number: number
  value: WireValue
}

/** Bytes that make no sense. `path`: the fields that lead to them. */
export class WireError extends Error {
  override name = 'WireError'
  readonly why: string
  readonly path: string
  constructor(why: string, path = '') {
    super(path === '' ? `proto: ${why}` : `proto: ${path}: ${why}`)
    this.why = why
    this.path = path
  }
}
export const illegal = (why: string): WireError => new WireError(why)

export const wireOf = (bytes: Uint8Array): Wire => ({
  body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  ...{ at: 0, end: bytes.byteLength },
})

/** Fixed-width fields are passed over: Kubernetes has none that are read. Throws a WireError. */
export function* fieldsOf(wire: Wire): Generator<WireField> {
  while (wire.at < wire.end) {
    const tag = Number(varint(wire))
    const number = Math.floor(tag / 8)
    const wireType = tag % 8
    if (number < 1 || number > 0x1fff_ffff) throw illegal(`illegal tag ${number} (wire type ${wireType})`)
    if (wireType === 0) yield { number, value: varint(wire) }
    else if (wireType === 1) take(wire, 8)
    else if (wireType === 2) yield { number, value: take(wire, Number(varint(wire))) }
    else if (wireType === 5) take(wire, 4)
    else throw illegal(`illegal wireType ${wireType}`)
  }
}

/** A packed list of varints. */
export function* varintsOf(wire: Wire): Generator<number | bigint> {
  while (wire.at < wire.end) yield varint(wire)
}

export function partOf(value: WireValue): Wire {
  if (typeof value !== 'object') throw illegal('wrong wireType = 0')
  return value
}
export function wholeOf(value: WireValue): number | bigint {
  if (typeof value === 'object') throw illegal('wrong wireType = 2')
  return value
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function textOf(value: WireValue): string {
  const { body, at, end } = partOf(value)
  const text = body.toString('utf8', at, end)
  // stands for what is no UTF-8, unless it was sent
  if (!text.includes('\ufffd')) return text
  try {
    return strict.decode(body.subarray(at, end))
  } catch {
    throw illegal('a text is not valid UTF-8')
  }
}

export function base64Of(value: WireValue): string {
  const { body, at, end } = partOf(value)
  return body.toString('base64', at, end)
}

function take(wire: Wire, length: number): Wire {
  const { body, at } = wire
  if (length > wire.end - at) throw illegal('unexpected EOF')
  wire.at = at + length
  return { body, at, end: wire.at }
}

/** Unsigned, of 64 bits. */
function varint(wire: Wire): number | bigint {
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = next(wire)
    low += (byte & 0x7f) << shift
    if (byte < 0x80) return low
  }
  let result = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = next(wire)
    result |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asUintN(64, result)
  }
  throw illegal('integer overflow')
}

function next(wire: Wire): number {
  if (wire.at >= wire.end) throw illegal('unexpected EOF')
  return wire.body[wire.at++] ?? 0
}
