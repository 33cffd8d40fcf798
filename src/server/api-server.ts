// The API server as its own HTTP layer and in-process clients see it: every verb, in objects and in ready-made bytes.
import type { User } from '../admission/chain.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import type { Status } from '../api/status.ts'
import type { Client, DeleteOptions, PatchType, Ref, Where } from '../client/client.ts'

/** One object as it is served. `bytes` is its JSON with resourceVersion, made once, never again serialised. */
export interface Stored {
  /** Frozen. */
  readonly object: AnyObject
  readonly bytes: Uint8Array
  readonly revision: number
}

export interface StoredList {
  items: readonly Stored[]
  resourceVersion: string
  continue?: string | undefined
  remainingItemCount?: number | undefined
}

export type StoredEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; stored: Stored }
  /** `initialEventsEnd`: closes the initial events of a streaming list. */
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd?: boolean | undefined }

export interface ListQuery extends Where {
  limit?: number | undefined
  continue?: string | undefined
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
}

export interface WatchQuery extends Where {
  signal: AbortSignal
  /** Changes after this; absent or '0': present objects first, as ADDED. */
  resourceVersion?: string | undefined
  allowWatchBookmarks?: boolean | undefined
  sendInitialEvents?: boolean | undefined
  resourceVersionMatch?: string | undefined
}

/** Who writes, and how. */
export interface WriteContext {
  user: User
  dryRun?: boolean | undefined
  /** What to do with unknown and repeated fields; default Ignore. */
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined
  /** Hears warnings for the client (admission, unknown fields). */
  warn?: ((text: string) => void) | undefined
}

/** `finalize` is for Namespaces: it writes `spec.finalizers` and nothing else. */
export type Subresource = 'status' | 'finalize'

/** Every method rejects with StatusError. `body` is parsed JSON, not yet decoded, and may be anything. */
export interface ApiServer {
  readonly kinds: readonly AnyKind[]
  get(kind: AnyKind, ref: Ref): Promise<Stored>
  list(kind: AnyKind, query: ListQuery): Promise<StoredList>
  /** Batches, as they happen. Throws 410 when the start is compacted or the consumer has fallen too far behind. */
  watch(kind: AnyKind, query: WatchQuery): AsyncIterable<readonly StoredEvent[]>
  /** Resolves to what a client gets back. */
  create(kind: AnyKind, ref: { namespace?: string | undefined }, body: unknown, context: WriteContext): Promise<Stored>
  /** POST /pods/NAME/binding. */
  bind(ref: Ref, body: unknown, context: WriteContext): Promise<Status>
  /** POST /pods/NAME/eviction. */
  evict(ref: Ref, body: unknown, context: WriteContext): Promise<Status>
  update(
    kind: AnyKind,
    ref: Ref,
    body: unknown,
    context: WriteContext & { subresource?: Subresource | undefined },
  ): Promise<{ stored: Stored; created: boolean }>
  patch(
    kind: AnyKind,
    ref: Ref,
    patch: { type: PatchType; body: unknown },
    context: WriteContext & { subresource?: 'status' | undefined },
  ): Promise<Stored>
  /** The object, when it is only marked for deletion or gone in this moment as a Pod; else a Status. */
  delete(kind: AnyKind, ref: Ref, options: DeleteOptions, context: WriteContext): Promise<Stored | Status>
  deleteCollection(kind: AnyKind, where: Where, options: DeleteOptions, context: WriteContext): Promise<StoredList>
  /** In-process clients; `groups` default to system:masters and system:authenticated. */
  client(user: string, groups?: readonly string[]): Client
  close(): Promise<void>
}
