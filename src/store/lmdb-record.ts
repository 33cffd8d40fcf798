// How the durable store lays its bytes out: every value lives once, in the log under its revision; an index names the present revision of each key.
import type { Revision } from './store.ts'

/** One line of the log. */
export interface LogRecord {
  key: string
  /** null: deleted. */
  value: Uint8Array | null
  /** The revision this one replaced; 0 when it created the key. */
  previousRevision: Revision
  /** Bytes of all records ever written, this one included: the difference of two is the size of the history between them. */
  totalBytes: number
}

const metaByte = 1
const indexByte = 2
const logByte = 3
const headerBytes = 19
const longestKeyBytes = 1900

export const formatKey = Buffer.from([metaByte, 0])
export const oldestKey = Buffer.from([metaByte, 1])

/** LMDB takes keys up to 1978 bytes; ours end a little earlier. */
export function indexKey(key: string): Buffer {
  const bytes = Buffer.byteLength(key)
  if (bytes > longestKeyBytes) throw new RangeError(`a key of ${bytes} bytes is longer than ${longestKeyBytes}`)
  const buffer = Buffer.allocUnsafe(bytes + 1)
  buffer[0] = indexByte
  buffer.write(key, 1)
  return buffer
}

export const keyOfIndex = (buffer: Buffer): string => buffer.toString('utf8', 1)

/** Bounds of the index keys that begin with `prefix`, and are after `after`. */
export function indexRange(prefix: string, after: string): { start: Buffer; end: Buffer } {
  const first = indexKey(prefix)
  const next = Buffer.concat([indexKey(after), Buffer.from([0])])
  // no UTF-8 holds the byte 255
  return { start: Buffer.compare(first, next) > 0 ? first : next, end: Buffer.concat([first, Buffer.from([255])]) }
}

export function logKey(revision: Revision): Buffer {
  const buffer = Buffer.allocUnsafe(9)
  buffer[0] = logByte
  writeNumber(buffer, revision, 1)
  return buffer
}

export const revisionOfLog = (key: Uint8Array): Revision => readNumber(key, 1)

export function encodeNumber(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(8)
  writeNumber(buffer, value, 0)
  return buffer
}

export const decodeNumber = (buffer: Uint8Array): number => readNumber(buffer, 0)

/** previous revision (8) | total bytes (8) | deleted (1) | key length (2) | key | value */
export function encodeRecord({ key, value, previousRevision, totalBytes }: LogRecord): Buffer {
  const keyBytes = Buffer.byteLength(key)
  const buffer = Buffer.allocUnsafe(headerBytes + keyBytes + (value?.length ?? 0))
  writeNumber(buffer, previousRevision, 0)
  writeNumber(buffer, totalBytes, 8)
  buffer[16] = value === null ? 1 : 0
  buffer.writeUInt16BE(keyBytes, 17)
  buffer.write(key, headerBytes)
  if (value) buffer.set(value, headerBytes + keyBytes)
  return buffer
}

/** The value is a view of `bytes`. */
export function decodeRecord(buffer: Buffer): LogRecord {
  const valueAt = headerBytes + buffer.readUInt16BE(17)
  return {
    key: buffer.toString('utf8', headerBytes, valueAt),
    value: buffer[16] === 1 ? null : buffer.subarray(valueAt),
    previousRevision: readNumber(buffer, 0),
    totalBytes: readNumber(buffer, 8),
  }
}

/** What a record adds to `totalBytes`. */
export const recordBytes = (key: string, value: Uint8Array | null): number =>
  headerBytes + Buffer.byteLength(key) + (value?.length ?? 0)

// JavaScript's whole numbers end at 2^53, long after any cluster's last write
function writeNumber(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  buffer.writeUInt32BE(value % 2 ** 32, at + 4)
}

// cost: several times per entry of a list, hence no DataView
function readNumber(b: Uint8Array, at: number): number {
  const high = b[at]! * 2 ** 24 + (b[at + 1]! << 16) + (b[at + 2]! << 8) + b[at + 3]!
  const low = b[at + 4]! * 2 ** 24 + (b[at + 5]! << 16) + (b[at + 6]! << 8) + b[at + 7]!
  return high * 2 ** 32 + low
}
