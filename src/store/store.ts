// The seam below the API server: bytes under keys, one revision counter, one compare-and-set. It knows no Kubernetes noun.

/** A position in the one history of all keys; grows with every write. 0 means "absent" as an expectation. */
export type Revision = number

export interface Entry {
  key: string
  value: Uint8Array
  /** When this value was written. */
  revision: Revision
}

export interface Change {
  key: string
  /** The new value; null when the key was deleted. */
  value: Uint8Array | null
  /** When this change was made. */
  revision: Revision
  /** The value before, when the maker still knows it; undefined for a creation. */
  previous?: Uint8Array | undefined
}

export type Outcome = { done: true; revision: Revision } | { done: false; current: Entry | undefined }

export interface Page {
  /** Only keys strictly after this one. */
  after?: string
  limit?: number
  /** As it was then; throws CompactedError when that is gone. Default: now. */
  at?: Revision
}

export interface Listing {
  entries: Entry[]
  /** What the listing is true of: `page.at`, or the newest revision of the whole store. */
  revision: Revision
  more: boolean
}

export interface Store {
  get(key: string): Promise<Entry | undefined>
  /** Entries whose key begins with `prefix`, in byte order of the keys. */
  list(prefix: string, page?: Page): Promise<Listing>
  /**
   * Writes (or with null deletes) when the key is at `expected` (0: absent). Create, update and delete are this one verb.
   * Resolves only when the write is durable, if the maker is durable at all.
   */
  set(key: string, expected: Revision, value: Uint8Array | null): Promise<Outcome>
  /**
   * Every change under `prefix` after `since`, in revision order, in batches, until `signal` aborts (then it ends, not throws).
   * Throws CompactedError when `since` is older than the history kept.
   */
  watch(prefix: string, since: Revision, signal: AbortSignal): AsyncIterable<Change[]>
  /** The newest revision. */
  revision(): Promise<Revision>
  /** Forgets history before `before`; present values stay. */
  compact(before: Revision): Promise<void>
  close(): Promise<void>
}

/** Asked for a revision whose history is gone; `oldest` is the first one that can still be asked for. */
export class CompactedError extends Error {
  override name = 'CompactedError'
  readonly oldest: Revision
  constructor(oldest: Revision) {
    super(`revision compacted; the oldest kept is ${oldest}`)
    this.oldest = oldest
  }
}

/** There is no room left where the store lives. Nothing was written; reads go on, and writes do again when there is room. */
export class StoreFullError extends Error {
  override name = 'StoreFullError'
  readonly code = 'ENOSPC'
  constructor(cause?: unknown) {
    super('the store has no space left to write to', { cause })
  }
}
