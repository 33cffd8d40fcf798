// LIST: in key order, in bytes that were made before; now from the cache, the past from the store.
import type { AnyKind } from '../api/kind.ts'
import { failure, gone, type StatusError } from '../api/status.ts'
import { CompactedError } from '../store/store.ts'
import type { ListQuery, Stored, StoredList } from './api-server.ts'
import { continueToken, expired, readContinue } from './continue-token.ts'
import { checkListOptions, revisionOf } from './list-options.ts'
import { type Selection, selectionOf } from './selection.ts'
import { storedEntry, type World } from './world.ts'

/** Where a page begins, and the state of the world it is about. */
interface Page {
  /** As it was then; absent: as it is. */
  at?: number | undefined
  /** Only keys strictly after this one. */
  after?: string | undefined
  limit: number
  fromToken: boolean
}

/** k8s: without selectors a page also says how much is left. */
export async function list(world: World, kind: AnyKind, query: ListQuery): Promise<StoredList> {
  checkListOptions(query)
  const selection = selectionOf(kind, query)
  const page = pageOf(query, selection)
  const newest = world.cache.revision()
  const asked = page.at ?? revisionOf(query.resourceVersion)
  if (asked > newest) throw tooLarge(asked, newest)
  if (page.at === undefined || isAsItWas(world, kind, page.at))
    return cut(present(world, kind, selection, page), selection, page, page.at ?? newest)
  return cut(await past(world, kind, selection, { ...page, at: page.at }), selection, page, page.at)
}

function pageOf(
  { limit = 0, continue: token = '', resourceVersion = '', resourceVersionMatch }: ListQuery,
  { prefix }: Selection,
): Page {
  const upTo = limit > 0 ? limit : Number.POSITIVE_INFINITY
  if (token !== '') {
    const { revision, start } = readContinue(token)
    return { at: revision > 0 ? revision : undefined, after: prefix + start, limit: upTo, fromToken: true }
  }
  const asked = revisionOf(resourceVersion)
  // k8s: a limit makes an unqualified resourceVersion an exact one
  const exact = asked > 0 && (resourceVersionMatch === 'Exact' || (resourceVersionMatch === undefined && limit > 0))
  return { at: exact ? asked : undefined, limit: upTo, fromToken: false }
}

/** Nothing of this kind has changed since. */
function isAsItWas({ cache }: World, kind: AnyKind, at: number): boolean {
  const known = cache.of(kind).events
  return known.reaches(at) && known.after(at, 1).length === 0
}

type Row = readonly [key: string, stored: Stored]

function* present({ cache }: World, kind: AnyKind, { prefix }: Selection, { after }: Page): Iterable<Row> {
  for (const row of cache.of(kind).from(after ?? prefix, prefix)) if (row[0] !== after) yield row
}

async function past(
  world: World,
  kind: AnyKind,
  { prefix }: Selection,
  { at, after, fromToken }: Page & { at: number },
): Promise<Row[]> {
  try {
    const { entries } = await world.store.list(prefix, { at, ...(after === undefined ? {} : { after }) })
    return entries.map((entry) => [entry.key, storedEntry(world, kind, entry)])
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error
    throw fromToken
      ? expired((after ?? prefix).slice(prefix.length))
      : gone('The resourceVersion for the provided list is too old.')
  }
}

/** The first `limit` rows that match, and the token of the rest. */
function cut(rows: Iterable<Row>, { prefix, matches }: Selection, { limit }: Page, revision: number): StoredList {
  const items: Stored[] = []
  let last = ''
  let left = 0
  for (const [key, stored] of rows) {
    if (items.length === limit) {
      left++
      // k8s: what is left is counted only when every object counts
      if (matches) break
      continue
    }
    if (!matches || matches(stored.object)) items.push(stored)
    last = key
  }
  const resourceVersion = String(revision)
  if (left === 0) return { items, resourceVersion }
  const token = continueToken(revision, last.slice(prefix.length))
  return { items, resourceVersion, continue: token, ...(matches ? {} : { remainingItemCount: left }) }
}

/** k8s: a Timeout, so that clients come again; the cause tells them why. */
function tooLarge(asked: number, current: number): StatusError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes,
    retryAfterSeconds: 1,
  })
}
