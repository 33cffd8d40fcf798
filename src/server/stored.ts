// Objects as bytes: how they are stored (without resourceVersion) and served (with it, spliced in once, never re-serialised).
import type { AnyKind, AnyObject } from '../api/kind.ts'
import type { Stored } from './api-server.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()

/** What a kind's stored bytes begin with, up to where metadata's first field stands. */
function headOf(kind: AnyKind): string {
  let head = heads.get(kind)
  if (head === undefined)
    heads.set(kind, (head = `{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(kind.apiVersion)},"metadata":{`))
  return head
}

const heads = new WeakMap<AnyKind, string>()

const versionField = (revision: number): string => `"resourceVersion":"${revision}",`

/** The object as it is stored: kind, apiVersion, metadata first, no resourceVersion. */
export function encode(kind: AnyKind, object: AnyObject): Uint8Array {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object
  const { resourceVersion: _version, name, ...meta } = metadata
  return utf8.encode(JSON.stringify({ kind: kind.kind, apiVersion: kind.apiVersion, metadata: { name, ...meta }, ...rest }))
}

/** Freezes plain JSON through and through. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const key in value) freeze(value[key])
    Object.freeze(value)
  }
  return value
}

/** Bytes are spliced and the object is parsed on first use: a start with many objects touches none of them. */
export const storedFrom = (kind: AnyKind, value: Uint8Array, revision: number): Stored =>
  lazily(revision, () => splice(value, headOf(kind).length, 0, versionField(revision)))

/** The same content under a later revision: what a DELETED event carries. */
export const restamped = (kind: AnyKind, stored: Stored, revision: number): Stored =>
  lazily(revision, () => splice(stored.bytes, headOf(kind).length, versionField(stored.revision).length, versionField(revision)))

function lazily(revision: number, make: () => Uint8Array): Stored {
  // let go after its one use, with the bytes it was made from
  let maker: (() => Uint8Array) | undefined = make
  let bytes: Uint8Array | undefined
  let object: AnyObject | undefined
  const bytesOnce = (): Uint8Array => {
    bytes ??= maker?.() ?? new Uint8Array()
    maker = undefined
    return bytes
  }
  return {
    revision,
    get bytes() {
      return bytesOnce()
    },
    get object() {
      return (object ??= freeze(JSON.parse(text.decode(bytesOnce())) as AnyObject))
    },
  }
}

/** What a dry run answers: the object as it would be, under the revision that is there now (none for a creation). */
export function unstored(kind: AnyKind, object: AnyObject, revision = 0): Stored {
  const value = encode(kind, object)
  if (revision > 0) return storedFrom(kind, value, revision)
  return { revision: 0, bytes: value, object: freeze(JSON.parse(text.decode(value)) as AnyObject) }
}

/** Whether writing `value` would change nothing. The order of map keys does not count. */
export function sameAsStored(kind: AnyKind, value: Uint8Array, stored: Stored): boolean {
  const next = splice(value, headOf(kind).length, 0, versionField(stored.revision))
  if (next.length !== stored.bytes.length) return false
  return Buffer.compare(next, stored.bytes) === 0 || sameJson(JSON.parse(text.decode(next)), stored.object)
}

export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && sameJson(value, right.get(key)))
}

function splice(from: Uint8Array, at: number, drop: number, insert: string): Uint8Array {
  const added = utf8.encode(insert)
  const made = new Uint8Array(from.length - drop + added.length)
  made.set(from.subarray(0, at))
  made.set(added, at)
  made.set(from.subarray(at + drop), at + added.length)
  return made
}
