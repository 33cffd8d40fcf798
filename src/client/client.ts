// All that schedulers, controllers and nodes know of the control plane. Makers: the server's local client and http.ts.
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'

/** Which object: `namespace` is left out for cluster-scoped kinds. */
export interface Ref {
  namespace?: string | undefined
  name: string
}

export interface Where {
  /** Absent: all namespaces. */
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

export interface ListOptions extends Where {
  limit?: number | undefined
  continue?: string | undefined
  resourceVersion?: string | undefined
}

export interface ListResult<T> {
  items: T[]
  resourceVersion: string
  continue?: string | undefined
  remainingItemCount?: number | undefined
}

export type Watched<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Nothing changed up to this resourceVersion. */
  | { type: 'BOOKMARK'; resourceVersion: string }

export interface WriteOptions {
  dryRun?: boolean | undefined
}

export interface DeleteOptions extends WriteOptions {
  gracePeriodSeconds?: number | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
  propagationPolicy?: string | undefined
}

export type PatchType = 'json' | 'merge' | 'strategic'

/** Every method rejects with StatusError. Objects returned are frozen and shared: a change is a new object. */
export interface Client {
  get<K extends AnyKind>(kind: K, ref: Ref): Promise<ObjectOf<K>>
  list<K extends AnyKind>(kind: K, where?: ListOptions): Promise<ListResult<ObjectOf<K>>>
  /** Changes after `since` until `signal` aborts (then it ends). A compacted `since` throws a 410 StatusError. */
  watch<K extends AnyKind>(kind: K, since: string, where: Where & { signal: AbortSignal }): AsyncIterable<Watched<ObjectOf<K>>>
  /** `metadata.namespace` of the object says where. */
  create<K extends AnyKind>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>
  /** `finalize` is for Namespaces: it writes `spec.finalizers` and nothing else. */
  update<K extends AnyKind>(
    kind: K,
    object: ObjectOf<K>,
    options?: WriteOptions & { subresource?: 'status' | 'finalize' | undefined },
  ): Promise<ObjectOf<K>>
  patch<K extends AnyKind>(
    kind: K,
    ref: Ref,
    patch: { type: PatchType; body: unknown; subresource?: 'status' } & WriteOptions,
  ): Promise<ObjectOf<K>>
  delete(kind: AnyKind, ref: Ref, options?: DeleteOptions): Promise<void>
  deleteCollection(kind: AnyKind, where: Where, options?: DeleteOptions): Promise<void>
  /** POST to a subresource that takes an object of another kind: pods/binding, pods/eviction. */
  createSubresource(kind: AnyKind, ref: Ref, subresource: 'binding' | 'eviction', body: AnyObject): Promise<void>
}
