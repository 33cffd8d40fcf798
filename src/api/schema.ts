// The schema language: one declaration gives the TypeScript type, decoding with defaults, value checks and OpenAPI.
import { canonicalBase64 } from './base64.ts'
import { canonicalQuantity, quantityError } from './quantity.ts'
import { type FieldError, notSupported, required } from './field-error.ts'

/** Collects what decoding tolerates but reports: fields the schema does not know (kubectl asks to warn or refuse). */
export interface Decoding {
  unknown: string[]
  /** What the value was made from, as it was decoded before: parts that are still the same are taken as they are. */
  was?: unknown
}

/** For a part of the value, which was decoded to `was` before. */
const within = (into: Decoding, was: unknown): Decoding => (into.was === undefined ? into : { unknown: into.unknown, was })

/** A value of the wrong JSON type. The server answers 400. */
export class DecodeError extends Error {
  override name = 'DecodeError'
}

/** What a patch or an OpenAPI reader needs to walk a type. */
export type Shape =
  | { is: 'scalar' }
  | { is: 'any' }
  | { is: 'object'; fields: Fields; retainKeys?: boolean | undefined; granularity?: 'atomic' | undefined }
  | { is: 'map'; of: AnyType; granularity?: 'atomic' | undefined }
  | { is: 'list'; of: AnyType; merge?: ListMerge | undefined }

/** `keys`: list of objects merged by these (patchMergeKey is the first); 'set': list of scalars merged as a set. Absent: atomic. */
export type ListMerge = { keys: readonly [string, ...string[]] } | 'set'

/** `value`: zero values are dropped (Go omitempty); `pointer`: kept whenever present; `embedded`: always there; `required`: always there. */
export type Presence = 'required' | 'value' | 'pointer' | 'embedded'

export interface Type<T, Opt extends boolean = false> {
  readonly optional: Opt
  readonly presence: Presence
  readonly shape: Shape
  readonly openapi: Readonly<Record<string, unknown>>
  readonly default?: T | undefined
  /** Keeps known fields, fills defaults, shares nothing with `value` but what `into.was` has too. Throws DecodeError on a wrong JSON type. */
  decode(value: unknown, path: string, into: Decoding): T
  /** What an absent required field decodes to. */
  readonly zero: T
  /** Reports every value the declaration itself forbids. */
  check(value: T, path: string, errors: FieldError[]): void
}

export type AnyType = Type<unknown, boolean>
export type Fields = Record<string, AnyType>
export type Infer<X> = X extends Type<infer T, boolean> ? T : never
type OptionalKeys<F> = { [K in keyof F]: F[K] extends Type<unknown, true> ? K : never }[keyof F]
type Simplify<T> = { [K in keyof T]: T[K] } & {}
export type InferFields<F> = Simplify<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { [K in OptionalKeys<F>]?: Infer<F[K]> | undefined }
>

const wrongType = (path: string, wanted: string, value: unknown): DecodeError => {
  const got = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return new DecodeError(`json: cannot unmarshal ${got} into field ${path || '.'} of type ${wanted}`)
}

interface ScalarOptions<T> {
  default?: T
  description?: string
}

function scalar<T>(
  zero: T,
  openapi: Record<string, unknown>,
  decode: (value: unknown, path: string) => T,
  options: ScalarOptions<T> & { check?: (value: T, path: string, errors: FieldError[]) => void } = {},
): Type<T> {
  const { check = () => {}, default: byDefault } = options
  const shown = byDefault === undefined ? openapi : { ...openapi, default: byDefault }
  return {
    optional: false,
    presence: 'required',
    shape: { is: 'scalar' },
    openapi: shown,
    default: byDefault,
    decode,
    zero,
    check,
  }
}

export interface TextOptions extends ScalarOptions<string> {
  /** Allowed values; anything else is reported as `Unsupported value`. */
  enum?: readonly string[]
  /** An empty value is reported as `Required value`. */
  required?: boolean
  /** Further checks of a non-empty value. */
  check?: (value: string, path: string) => FieldError[]
}

export function text(options: TextOptions = {}): Type<string> {
  const openapi = { type: 'string', ...(options.enum ? { enum: options.enum } : {}) }
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'string') throw wrongType(path, 'string', value)
    return value
  }
  const check = (value: string, path: string, errors: FieldError[]) => {
    if (value === '') {
      if (options.required) errors.push(required(path))
    } else if (options.enum && !options.enum.includes(value)) errors.push(notSupported(path, value, options.enum))
    else if (options.check) errors.push(...options.check(value, path))
  }
  return scalar('', openapi, decode, { ...options, check })
}

/** Text limited to these values, typed as their union. */
export function oneOf<const V extends string>(
  values: readonly V[],
  options: Omit<TextOptions, 'enum'> & { default?: V } = {},
): Type<V> {
  return text({ ...options, enum: values }) as unknown as Type<V>
}

export function integer(format: 'int32' | 'int64' = 'int32', options: ScalarOptions<number> = {}): Type<number> {
  const max = format === 'int32' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < -max - 1 || value > max)
      throw wrongType(path, format, value)
    return value
  }
  return scalar(0, { type: 'integer', format }, decode, options)
}

export function bool(options: ScalarOptions<boolean> = {}): Type<boolean> {
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'boolean') throw wrongType(path, 'bool', value)
    return value
  }
  return scalar(false, { type: 'boolean' }, decode, options)
}

/** An exact amount; decodes to its canonical spelling, as upstream re-serialises it. */
export function quantity(options: ScalarOptions<string> = {}): Type<string> {
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'string' && typeof value !== 'number') throw wrongType(path, 'resource.Quantity', value)
    const canonical = canonicalQuantity(String(value))
    if (canonical === undefined) throw new DecodeError(quantityError)
    return canonical
  }
  return scalar('0', { $ref: 'io.k8s.apimachinery.pkg.api.resource.Quantity' }, decode, options)
}

export type IntOrString = number | string
export function intOrString(options: ScalarOptions<IntOrString> = {}): Type<IntOrString> {
  const decode = (value: unknown, path: string): IntOrString => {
    if (typeof value !== 'string' && !Number.isInteger(value)) throw wrongType(path, 'intstr.IntOrString', value)
    return value as IntOrString
  }
  return scalar<IntOrString>(0, { $ref: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString' }, decode, options)
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const seconds = (local: string, zone: string): string | undefined => {
  const ms = Date.parse(`${local}${zone}`)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().slice(0, 19)
}

/** `render` gets the whole seconds in UTC, without a zone, and the fraction as it was written (`.5` or nothing). */
function instant(name: string, render: (whole: string, fraction: string) => string): Type<string> {
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'string') throw wrongType(path, `v1.${name}`, value)
    const [, local = '', fraction = '', zone = ''] = rfc3339.exec(value) ?? []
    const whole = seconds(local, zone)
    // JavaScript would let 30 February be 2 March
    if (whole === undefined || seconds(local, 'Z') !== local)
      throw new DecodeError(`parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse`)
    return render(whole, fraction)
  }
  return scalar('', { $ref: `io.k8s.apimachinery.pkg.apis.meta.v1.${name}` }, decode)
}
/** metav1.Time: RFC 3339 in whole seconds, UTC. */
export const time = (): Type<string> => instant('Time', (whole) => `${whole}Z`)
/** metav1.MicroTime: six fractional digits. */
export const microTime = (): Type<string> =>
  instant('MicroTime', (whole, fraction) => `${whole}.${fraction.slice(1, 7).padEnd(6, '0')}Z`)

/** base64 text on the wire and in memory. */
export function bytes(): Type<string> {
  const decode = (value: unknown, path: string) => {
    if (typeof value !== 'string') throw wrongType(path, '[]uint8', value)
    const canonical = canonicalBase64(value)
    if (canonical === undefined) throw new DecodeError(`illegal base64 data in field ${path}`)
    return canonical
  }
  return scalar('', { type: 'string', format: 'byte' }, decode)
}

/** Any JSON, kept as it is. */
export function anyJson(): Type<unknown> {
  return {
    ...scalar<unknown>(undefined, { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, (v) => v),
    shape: { is: 'any' },
  }
}

const mergeFacts = (merge: ListMerge | undefined): Record<string, unknown> => {
  if (merge === undefined) return { 'x-kubernetes-list-type': 'atomic' }
  if (merge === 'set') return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' }
  const facts = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': merge.keys }
  return { ...facts, 'x-kubernetes-patch-merge-key': merge.keys[0], 'x-kubernetes-patch-strategy': 'merge' }
}

export function listOf<T>(of: Type<T>, options: { merge?: ListMerge } = {}): Type<T[]> {
  return {
    optional: false,
    presence: 'required',
    zero: [],
    shape: {
      is: 'list',
      of,
      merge: options.merge,
    },
    openapi: {
      type: 'array',
      items: of.openapi,
      ...mergeFacts(options.merge),
    },
    decode(value, path, into) {
      if (!Array.isArray(value)) throw wrongType(path, 'array', value)
      const was = into.was as unknown[] | undefined
      return value.map((item, i) => {
        if (item === null) return structuredClone(of.zero)
        return item === was?.[i] ? (item as T) : of.decode(item, `${path}[${i}]`, within(into, was?.[i]))
      })
    },
    check(value, path, errors) {
      for (const [i, item] of value.entries()) of.check(item, `${path}[${i}]`, errors)
    },
  }
}

export function mapOf<T>(of: Type<T>, options: { atomic?: boolean } = {}): Type<Record<string, T>> {
  return {
    optional: false,
    presence: 'required',
    zero: {},
    shape: {
      is: 'map',
      of,
      granularity: options.atomic ? 'atomic' : undefined,
    },
    openapi: {
      type: 'object',
      additionalProperties: of.openapi,
      ...(options.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    },
    decode(value, path, into) {
      if (!isRecord(value)) throw wrongType(path, 'map', value)
      const entries = Object.entries(value).map(
        ([k, v]) => [k, v === null ? of.zero : of.decode(v, `${path}.${k}`, within(into, undefined))] as const,
      )
      return Object.fromEntries(entries) as Record<string, T>
    },
    check(value, path, errors) {
      for (const [key, item] of Object.entries(value)) of.check(item, `${path}[${key}]`, errors)
    },
  }
}

export interface ObjectOptions<T> {
  /** Name in the OpenAPI document, such as `io.k8s.api.core.v1.Container`; nameless objects are written inline. */
  name?: string
  /** Fills defaults that depend on other fields; may change the fresh object it is given. */
  complete?: (value: T) => void
  check?: (value: T, path: string) => FieldError[]
  retainKeys?: boolean
  atomic?: boolean
}

/** Every named object type that was declared, for the OpenAPI document. */
export const namedTypes = new Map<string, AnyType>()

export function object<F extends Fields>(fields: F, options: ObjectOptions<InferFields<F>> = {}): Type<InferFields<F>> {
  type T = InferFields<F>
  const known = new Map(Object.entries(fields))
  const granularity = options.atomic ? 'atomic' : undefined
  const type: Type<T> = {
    optional: false,
    presence: 'required',
    shape: {
      is: 'object',
      fields,
      retainKeys: options.retainKeys,
      granularity,
    },
    openapi: options.name ? { $ref: options.name } : {},
    get zero() {
      return decodeFields({}, '', { unknown: [] })
    },
    decode: (value, path, into) => decodeFields(value, path, into),
    check(value, path, errors) {
      for (const [name, field] of known) {
        const present = (value as Record<string, unknown>)[name]
        if (present !== undefined) field.check(present, path === '' ? name : `${path}.${name}`, errors)
      }
      if (options.check) errors.push(...options.check(value, path))
    },
  }
  function decodeFields(value: unknown, path: string, into: Decoding): T {
    if (!isRecord(value)) throw wrongType(path, options.name?.split('.').at(-1) ?? 'object', value)
    const at = (name: string) => (path === '' ? name : `${path}.${name}`)
    for (const name of Object.keys(value)) if (!known.has(name)) into.unknown.push(at(name))
    const was = into.was as Record<string, unknown> | undefined
    const fresh: Record<string, unknown> = {}
    for (const [name, field] of known) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      const before = was?.[name]
      let decoded = given
      // of a Pod's fields most are absent: no path is spelled for them
      if (given === undefined || given === null) decoded = absent(field)
      else if (given !== before) decoded = decodeField(field, given, at(name), within(into, before))
      if (decoded !== undefined) fresh[name] = decoded
    }
    options.complete?.(fresh as T)
    return fresh as T
  }
  if (options.name) namedTypes.set(options.name, type)
  return type
}

/** What a field is that was not given. k8s: null is absence everywhere. */
function absent(field: AnyType): unknown {
  if (field.presence === 'embedded') return field.decode({}, '', { unknown: [] })
  if (field.default !== undefined) return field.default
  // a list's or map's zero is one object for all
  return field.presence === 'required' ? structuredClone(field.zero) : undefined
}

/** k8s: a non-pointer omitempty field cannot hold its zero value. */
function decodeField(field: AnyType, given: unknown, path: string, into: Decoding): unknown {
  const decoded = field.decode(given, path, into)
  return field.presence === 'value' && isZero(decoded) ? field.default : decoded
}

const isZero = (value: unknown): boolean => {
  if (value === '' || value === 0 || value === false) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** JSON object: not null, not an array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An omitempty field: zero values ('' 0 false [] {}) are dropped. For structs use `pointer` or `embedded`. */
export const optional = <T>(type: Type<T>): Type<T, true> => ({ ...copyOf(type), optional: true, presence: 'value' })
/** A Go pointer (or a nil-able map whose emptiness matters): kept whenever present, zero included. */
export const pointer = <T>(type: Type<T>): Type<T, true> => ({ ...copyOf(type), optional: true, presence: 'pointer' })
/** A Go struct field without pointer: always there, `{}` at least. */
export const embedded = <T>(type: Type<T>): Type<T> => ({ ...copyOf(type), presence: 'embedded' })

// `zero` of an object is computed; spreading would compute it once and share it
function copyOf<T>(type: Type<T>): Type<T> {
  const { zero: _, ...rest } = { ...type, zero: undefined }
  return Object.defineProperty(rest, 'zero', { get: () => type.zero, enumerable: true, configurable: true }) as Type<T>
}
