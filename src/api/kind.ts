// What a resource kind declares: its names, fields, rules and columns, all in one place.
import type { FieldError } from './field-error.ts'
import { type ObjectMeta, objectMeta } from './meta.ts'
import { dnsSubdomain, type NameCheck } from './name.ts'
import { type Decoding, embedded, type Fields, type InferFields, object, optional, text, type Type } from './schema.ts'

export type ObjectOfFields<F> = { apiVersion: string; kind: string; metadata: ObjectMeta } & InferFields<F>

/** A kubectl column. `wide` ones show with `-o wide` only. `now` is in milliseconds, for ages. */
export interface Column<T> {
  name: string
  type?: 'string' | 'integer' | 'date'
  wide?: boolean
  cell(object: T, now: number): string | number
}

// the type of a method, so that (as with Kind below) particular fields can stand where any are wanted
type FieldText<T> = { of(object: T): string }['of']

export interface KindDeclaration<F extends Fields> {
  group: string
  version: string
  kind: string
  plural: string
  shortNames?: readonly string[]
  categories?: readonly string[]
  scope: 'namespaced' | 'cluster'
  /** Name in the OpenAPI document, such as `io.k8s.api.core.v1.Pod`. */
  openapiName: string
  fields: F
  /** The rule for metadata.name; default a DNS subdomain. */
  name?: NameCheck
  /** Has /status: plain updates cannot write `status`, /status cannot write the rest. Creation: `prepareCreate` says. */
  hasStatus?: boolean
  /** PUT to a name that does not exist creates it. */
  createOnUpdate?: boolean
  /** PUT without resourceVersion overwrites; default true. */
  unconditionalUpdate?: boolean
  /** Verbs that are not served; default none left out. */
  without?: readonly Verb[]
  /** What the server fills in on create (status, generation); may change the fresh object. */
  prepareCreate?(object: ObjectOfFields<F>): void
  /** What the server keeps or bumps on update; may change the fresh `next`. */
  prepareUpdate?(next: ObjectOfFields<F>, old: ObjectOfFields<F>): void
  /** The same for a write to /status, after the server has put the old object's other fields back. */
  prepareStatusUpdate?(next: ObjectOfFields<F>, old: ObjectOfFields<F>): void
  validate?(object: ObjectOfFields<F>): FieldError[]
  /** Rules for new objects alone, on top of `validate`. */
  validateCreate?(object: ObjectOfFields<F>): FieldError[]
  validateUpdate?(next: ObjectOfFields<F>, old: ObjectOfFields<F>): FieldError[]
  validateStatusUpdate?(next: ObjectOfFields<F>, old: ObjectOfFields<F>): FieldError[]
  /** Fields a field selector may name, besides metadata.name and metadata.namespace. */
  selectable?: Record<string, FieldText<ObjectOfFields<F>>>
  /** Between Name and Age, or all of them when `ownColumns` is set. */
  columns?: readonly Column<ObjectOfFields<F>>[]
  ownColumns?: boolean
}

export const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
export type Verb = (typeof verbs)[number]

// Methods, not function properties: they let a Kind of particular fields stand where any kind is wanted.
export interface Kind<F extends Fields> extends KindDeclaration<F> {
  /** `v1`, `node.k8s.io/v1`. */
  readonly apiVersion: string
  readonly singular: string
  readonly type: Type<ObjectOfFields<F>>
  /** Wire JSON to an object with defaults. Throws DecodeError. */
  decode(value: unknown, into: Decoding): ObjectOfFields<F>
  checkName: NameCheck
}

export type AnyKind = Kind<Fields>
/** Any object, when the kind is not known: metadata and the rest. */
export type AnyObject = { apiVersion: string; kind: string; metadata: ObjectMeta } & Record<string, unknown>
export type ObjectOf<K> = K extends Kind<infer F> ? ObjectOfFields<F> : never

export function kind<const F extends Fields>(declared: KindDeclaration<F>): Kind<F> {
  const apiVersion = declared.group === '' ? declared.version : `${declared.group}/${declared.version}`
  const envelope = { apiVersion: optional(text()), kind: optional(text()), metadata: embedded(objectMeta) }
  const type = object({ ...envelope, ...declared.fields }, { name: declared.openapiName }) as unknown as Type<ObjectOfFields<F>>
  return {
    ...declared,
    ...{ apiVersion, singular: declared.kind.toLowerCase(), type, checkName: declared.name ?? dnsSubdomain },
    // kind, apiVersion, metadata come first: stored bytes begin alike, and the server finds metadata without parsing
    decode: (value, into) => {
      const own = { kind: declared.kind, apiVersion }
      return { ...own, ...type.decode(value, '', into), ...own }
    },
  }
}
