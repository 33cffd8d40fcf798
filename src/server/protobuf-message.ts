// A protobuf message becomes the plain JSON value it would have been, led by our schema and upstream's field numbers.
// Nesting is bounded by the types themselves: none contains itself.
import { numbersOf } from '../api/protobuf/numbers.ts'
import { undeclaredType } from '../api/protobuf/undeclared-types.ts'
import type { AnyType, Fields } from '../api/schema.ts'
import { scanJson } from './json-scan.ts'
import {
  base64Of,
  fieldsOf,
  illegal,
  partOf,
  textOf,
  varintsOf,
  type Wire,
  WireError,
  type WireValue,
  wholeOf,
} from './protobuf-wire.ts'

type Plain = Record<string, unknown>
/** What a field number stands for. `inline`: a message whose fields belong to the one around it. */
type Slot = { name: string; type: AnyType } | { inline: Slots }
type Slots = Map<number, Slot>

/** Fields we do not know are passed over, as upstream does. Throws WireError. */
export function decodeMessage(typeName: string, fields: Fields, wire: Wire): Plain {
  return readMessage(slotsOf(typeName, fields), wire, {})
}

const slotsByType = new Map<string, Slots>()

function slotsOf(typeName: string, fields: Fields): Slots {
  const known = slotsByType.get(typeName)
  if (known) return known
  const slots: Slots = new Map()
  for (const [name, number] of Object.entries(numbersOf(typeName) ?? {})) {
    const declared = fields[name]
    if (!declared) continue
    const slot = { name, type: declaredOr(declared, undeclaredType(typeName, name)) }
    if (typeof number === 'number') slots.set(number, slot)
    else inlineAt(slots, number[0]).set(number[1], slot)
  }
  slotsByType.set(typeName, slots)
  return slots
}

/** The type behind a field of any JSON, or behind the items of a list of it. */
function declaredOr(declared: AnyType, behind: AnyType | undefined): AnyType {
  if (!behind) return declared
  const { shape, presence } = declared
  return shape.is === 'list' ? { ...declared, shape: { ...shape, of: behind } } : { ...behind, presence }
}

function inlineAt(slots: Slots, number: number): Slots {
  const slot = slots.get(number)
  if (slot && 'inline' in slot) return slot.inline
  const inline: Slots = new Map()
  slots.set(number, { inline })
  return inline
}

/** Reads into `object`: a message that comes twice adds to what it was. */
function readMessage(slots: Slots, wire: Wire, object: Plain): Plain {
  for (const { number, value } of fieldsOf(wire)) {
    const slot = slots.get(number)
    if (!slot) continue
    if ('inline' in slot) readMessage(slot.inline, partOf(value), object)
    else {
      const its = readNamed(slot, value, object[slot.name])
      // k8s: fields that are no pointers always come, zero or not; JSON leaves zeros out
      if (slot.type.presence === 'value' && (its === '' || its === 0 || its === false)) delete object[slot.name]
      else put(object, slot.name, its)
    }
  }
  return object
}

function readNamed({ name, type }: { name: string; type: AnyType }, value: WireValue, before: unknown): unknown {
  try {
    return read(type, value, before)
  } catch (error) {
    if (error instanceof WireError) throw new WireError(error.why, error.path === '' ? name : `${name}.${error.path}`)
    throw error
  }
}

/** `before`: what earlier occurrences of the field came to. */
function read(type: AnyType, value: WireValue, before: unknown): unknown {
  const { shape, openapi } = type
  switch (shape.is) {
    case 'list': {
      const list = (before as unknown[] | undefined) ?? []
      for (const item of items(shape.of, value)) list.push(item)
      return list
    }
    case 'map': {
      const map = (before as Plain | undefined) ?? {}
      const { key, entry } = readEntry(shape.of, partOf(value))
      put(map, key, entry)
      return map
    }
    case 'object':
      return readMessage(slotsOf(String(openapi.$ref), shape.fields), partOf(value), (before as Plain | undefined) ?? {})
    case 'any':
      return rawJson(partOf(value))
    case 'scalar':
      return readScalar(openapi, value)
  }
}

/** One item; several of a packed list of numbers. */
function* items(of: AnyType, value: WireValue): Generator<unknown> {
  if (of.openapi.type !== 'integer' || typeof value !== 'object') yield read(of, value, undefined)
  else for (const item of varintsOf(value)) yield read(of, item, undefined)
}

/** A map comes as messages of a key and a value; what is left out is empty. */
function readEntry(of: AnyType, wire: Wire): { key: string; entry: unknown } {
  let key = ''
  let entry = of.zero
  for (const { number, value } of fieldsOf(wire)) {
    if (number === 1) key = textOf(value)
    else if (number === 2) entry = read(of, value, undefined)
  }
  return { key, entry }
}

/** `__proto__` is a key like any other. */
function put(object: Plain, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

function readScalar({ $ref, type, format }: Readonly<Record<string, unknown>>, value: WireValue): unknown {
  switch (typeof $ref === 'string' ? $ref.split('.').at(-1) : (format ?? type)) {
    case 'Quantity':
      return readQuantity(partOf(value))
    case 'IntOrString':
      return readIntOrString(partOf(value))
    case 'Time':
      return readTime(partOf(value), 0)
    case 'MicroTime':
      return readTime(partOf(value), 6)
    case 'int32':
      return Number(BigInt.asIntN(32, BigInt(wholeOf(value))))
    case 'int64':
      return Number(BigInt.asIntN(64, BigInt(wholeOf(value))))
    case 'boolean':
      return Number(wholeOf(value)) !== 0
    case 'byte':
      return base64Of(value)
    default:
      return textOf(value)
  }
}

function readQuantity(wire: Wire): string {
  let text = '0'
  for (const { number, value } of fieldsOf(wire)) if (number === 1) text = textOf(value)
  return text
}

function readIntOrString(wire: Wire): number | string {
  let [type, integer, text] = [0, 0, '']
  for (const { number, value } of fieldsOf(wire)) {
    if (number === 1) type = Number(wholeOf(value))
    else if (number === 2) integer = Number(BigInt.asIntN(32, BigInt(wholeOf(value))))
    else if (number === 3) text = textOf(value)
  }
  if (type !== 0 && type !== 1) throw illegal('impossible IntOrString.Type')
  return type === 0 ? integer : text
}

const earliest = Date.parse('0001-01-01T00:00:00Z') / 1000
const latest = Date.parse('9999-12-31T23:59:59Z') / 1000

/** k8s: an empty message is no time, and the nanoseconds of a Time are not read. */
function readTime(wire: Wire, digits: 0 | 6): string | null {
  if (wire.at === wire.end) return null
  let [seconds, nanos] = [0, 0]
  for (const { number, value } of fieldsOf(wire)) {
    if (number === 1) seconds = Number(BigInt.asIntN(64, BigInt(wholeOf(value))))
    else if (number === 2) nanos = Number(BigInt.asIntN(32, BigInt(wholeOf(value))))
  }
  if (seconds < earliest || seconds > latest) throw illegal(`a time of ${seconds} seconds is not between the years 1 and 9999`)
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (digits === 0) return `${text}Z`
  if (nanos < 0 || nanos > 999_999_999) throw illegal(`a time of ${nanos} nanoseconds`)
  return `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

/** FieldsV1: JSON in a message of its own. */
function rawJson(wire: Wire): unknown {
  let text = '{}'
  for (const { number, value } of fieldsOf(wire)) if (number === 1) text = textOf(value)
  if (scanJson(text).tooDeep) throw illegal('JSON that is nested too deep')
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw illegal('a text is not valid JSON')
  }
}
