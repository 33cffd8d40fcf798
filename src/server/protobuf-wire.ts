// Protobuf on the wire: the fields of a message, one after another. Knows no message.

/** A varint, or the bytes of a text, a message or a packed list. Numbers that fit in 28 bits come as such. */
export type WireValue = number | bigint | Uint8Array
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

/** Fixed-width fields are passed over: Kubernetes has none that are read. Throws a WireError. */
export function* fieldsOf(bytes: Uint8Array): Generator<WireField> {
  const reader = readerOf(bytes)
  while (reader.more()) {
    const tag = Number(reader.varint())
    const number = Math.floor(tag / 8)
    const wireType = tag % 8
    if (number < 1 || number > 0x1fff_ffff) throw illegal(`illegal tag ${number} (wire type ${wireType})`)
    if (wireType === 0) yield { number, value: reader.varint() }
    else if (wireType === 1) reader.take(8)
    else if (wireType === 2) yield { number, value: reader.take(Number(reader.varint())) }
    else if (wireType === 5) reader.take(4)
    else throw illegal(`illegal wireType ${wireType}`)
  }
}

/** A packed list of varints. */
export function* varintsOf(bytes: Uint8Array): Generator<number | bigint> {
  const reader = readerOf(bytes)
  while (reader.more()) yield reader.varint()
}

export function bytesOf(value: WireValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw illegal('wrong wireType = 0')
  return value
}

function readerOf(bytes: Uint8Array) {
  let at = 0
  const next = (): number => {
    const byte = bytes[at++]
    if (byte === undefined) throw illegal('unexpected EOF')
    return byte
  }
  return {
    more: () => at < bytes.length,
    take(length: number): Uint8Array {
      if (length > bytes.length - at) throw illegal('unexpected EOF')
      at += length
      return bytes.subarray(at - length, at)
    },
    /** Unsigned, of 64 bits. */
    varint(): number | bigint {
      let low = 0
      for (let shift = 0; shift < 28; shift += 7) {
        const byte = next()
        low += (byte & 0x7f) << shift
        if (byte < 0x80) return low
      }
      let result = BigInt(low)
      for (let shift = 28n; shift < 70n; shift += 7n) {
        const byte = next()
        result |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return BigInt.asUintN(64, result)
      }
      throw illegal('integer overflow')
    },
  }
}
