// Writes Kubernetes' protobuf, as client-go does: what the server reads in tests.
import { numbersOf } from '../api/protobuf/numbers.ts'
import type { AnyKind } from '../api/kind.ts'
import type { AnyType } from '../api/schema.ts'
import { undeclaredType } from '../api/protobuf/undeclared-types.ts'

function varint(value: bigint): number[] {
  const rest = BigInt.asUintN(64, value)
  return rest < 128n ? [Number(rest)] : [Number(rest & 127n) + 128, ...varint(rest >> 7n)]
}

/** One field: a number as a varint, texts and bytes with their length. */
export function field(number: number, value: string | Uint8Array | bigint | number): Buffer {
  if (typeof value === 'bigint' || typeof value === 'number')
    return Buffer.from([...varint(BigInt(number * 8)), ...varint(BigInt(value))])
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([...varint(BigInt(number * 8 + 2)), ...varint(BigInt(bytes.length))]), bytes])
}

/** The four bytes and the envelope around an object's bytes. */
export const envelope = (apiVersion: string, kind: string, raw: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])),
    ...[field(2, raw), field(3, ''), field(4, '')],
  ])

/** A whole body out of plain JSON. */
export const protobufOf = (kind: AnyKind, object: Record<string, unknown>): Buffer =>
  envelope(kind.apiVersion, kind.kind, messageOf(kind.openapiName, kind.type, object))

export function messageOf(typeName: string, { shape }: AnyType, object: Record<string, unknown>): Buffer {
  const numbers = numbersOf(typeName) ?? {}
  const inline = new Map<number, Buffer[]>()
  const parts: Buffer[] = []
  for (const [name, value] of Object.entries(object)) {
    const number = numbers[name]
    const declared = shape.is === 'object' ? shape.fields[name] : undefined
    if (number === undefined || !declared || value === undefined) continue
    const written = (at: number) => fieldOf(at, declared, value, undeclaredType(typeName, name))
    if (typeof number === 'number') parts.push(...written(number))
    else inline.set(number[0], [...(inline.get(number[0]) ?? []), ...written(number[1])])
  }
  return Buffer.concat([...parts, ...[...inline].map(([number, its]) => field(number, Buffer.concat(its)))])
}

function fieldOf(number: number, type: AnyType, value: unknown, behind: AnyType | undefined): Buffer[] {
  const { shape } = type
  if (shape.is === 'list') return (value as unknown[]).flatMap((item) => fieldOf(number, shape.of, item, behind))
  if (shape.is === 'map')
    return Object.entries(value as object).map(([key, item]) =>
      field(number, Buffer.concat([field(1, key), ...fieldOf(2, shape.of, item, undefined)])),
    )
  if (shape.is === 'any') {
    if (behind) return fieldOf(number, behind, value, undefined)
    return [field(number, field(1, JSON.stringify(value)))]
  }
  if (shape.is === 'object') return [field(number, messageOf(String(type.openapi.$ref), type, value as Record<string, unknown>))]
  return [field(number, scalarOf(type.openapi, value as Scalar))]
}

type Scalar = string | number | boolean | null

function scalarOf({ $ref, format }: Readonly<Record<string, unknown>>, value: Scalar): Buffer | string | bigint {
  const name = String($ref).split('.').at(-1)
  if (name === 'Quantity') return field(1, String(value))
  if (name === 'IntOrString')
    return typeof value === 'number'
      ? Buffer.concat([field(1, 0), field(2, value), field(3, '')])
      : Buffer.concat([field(1, 1), field(2, 0), field(3, String(value))])
  if (name === 'Time' || name === 'MicroTime') return value === null ? Buffer.alloc(0) : instantOf(String(value))
  if (format === 'byte') return Buffer.from(String(value), 'base64')
  return typeof value === 'string' ? value : BigInt(value ?? 0)
}

function instantOf(text: string): Buffer {
  const ms = Date.parse(text)
  const micros = Number((/\.(\d{6})Z$/.exec(text)?.[1] ?? '0').padEnd(6, '0'))
  return Buffer.concat([field(1, Math.floor(ms / 1000)), field(2, micros * 1000)])
}
