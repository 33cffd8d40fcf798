// Admission: plugins in order, each of which may change or refuse a write before it is validated and stored.
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'

export interface User {
  name: string
  groups: readonly string[]
}

/** Which object: `namespace` is left out for cluster-scoped kinds. */
interface ObjectName {
  namespace?: string | undefined
  name: string
}

/** What a plugin may look at. Objects are frozen and shared. */
export interface Reader {
  /** From the cache, which may be a moment behind another process's writes. */
  cached<K extends AnyKind>(kind: K, ref: ObjectName): ObjectOf<K> | undefined
  cachedList<K extends AnyKind>(kind: K, namespace?: string): readonly ObjectOf<K>[]
  /** From the store itself. */
  live<K extends AnyKind>(kind: K, ref: ObjectName): Promise<ObjectOf<K> | undefined>
}

export type AdmissionVerb = 'create' | 'update' | 'delete'

export interface AdmissionRequest<T = AnyObject> {
  readonly verb: AdmissionVerb
  readonly kind: AnyKind
  /** `status`, `binding`; absent for the object itself. */
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name: string
  /** The object as it would be stored; for a delete, as it is. Plugins return a new one, and change nothing in place. */
  readonly object: T
  /** As it was, for an update. */
  readonly old?: T | undefined
  readonly user: User
  readonly dryRun: boolean
  readonly read: Reader
  /** When the request is looked at, in milliseconds. */
  readonly nowMs: number
  /** Writes `next` where `old` still is; false: something else is there by now. For what a plugin keeps account of, never for `object`. */
  replace<K extends AnyKind>(kind: K, old: ObjectOf<K>, next: ObjectOf<K>): Promise<boolean>
  /** Has `then` run, and waits for it, once a create or update is stored or given up. A dry run stores nothing. */
  onSettled(then: (stored: boolean) => Promise<void> | void): void
  /** Sent to the client as a Warning header. */
  warn(text: string): void
}

/** Refuses by throwing a StatusError. */
export interface Plugin {
  name: string
  /** Absent: every kind. */
  kind?: AnyKind
  verbs: readonly AdmissionVerb[]
  /** Also called for these subresources; default none. */
  subresources?: readonly string[]
  /** Returns the object to go on with. */
  mutate?(request: AdmissionRequest): Promise<AnyObject> | AnyObject
  /** Sees the object after every plugin's `mutate`. */
  validate?(request: AdmissionRequest): Promise<void> | void
}

/** A plugin for one kind, typed by it. */
export function plugin<K extends AnyKind>(declared: {
  name: string
  kind: K
  verbs: readonly AdmissionVerb[]
  subresources?: readonly string[]
  mutate?(request: AdmissionRequest<ObjectOf<K>>): Promise<ObjectOf<K>> | ObjectOf<K>
  validate?(request: AdmissionRequest<ObjectOf<K>>): Promise<void> | void
}): Plugin {
  return declared as unknown as Plugin
}

const handles = (p: Plugin, request: AdmissionRequest): boolean =>
  p.verbs.includes(request.verb) &&
  (p.kind === undefined || p.kind.kind === request.kind.kind) &&
  (request.subresource === undefined || (p.subresources ?? []).includes(request.subresource))

/** The object after every plugin's `mutate`. For creates and updates: a delete only asks `approved`. */
export async function mutated(plugins: readonly Plugin[], request: AdmissionRequest): Promise<AnyObject> {
  let object = request.object
  for (const p of plugins) {
    if (!p.mutate || !handles(p, request)) continue
    const next = p.mutate(object === request.object ? request : { ...request, object })
    object = next instanceof Promise ? await next : next
  }
  return object
}

/** Asks every plugin's `validate`; `request.object` is the final one. Throws the StatusError of the first that refuses. */
export async function approved(plugins: readonly Plugin[], request: AdmissionRequest): Promise<void> {
  for (const p of plugins) if (p.validate && handles(p, request)) await p.validate(request)
}

/** Both phases: the object after every plugin had its say. */
export async function admitted(plugins: readonly Plugin[], request: AdmissionRequest): Promise<AnyObject> {
  const object = request.verb === 'delete' ? request.object : await mutated(plugins, request)
  await approved(plugins, { ...request, object })
  return object
}
