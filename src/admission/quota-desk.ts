// Where a namespace's quotas are charged: one at a time, many requests in one write, and recounts never miss what is under way.
import { ResourceQuota } from '../api/core/resource-quota.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import { sameValue } from '../api/equal.ts'
import { conflict, modified } from '../api/status.ts'
import { chargeOf } from '../ledger/quota-check.ts'
import { type CountedObjects, countedStatus, isCountable, ownsResource } from '../ledger/quota-usage.ts'
import type { AdmissionRequest, Reader } from './chain.ts'
import { denied } from './denied.ts'

/** A write that is let through and not yet in the cache, or still waiting. */
export interface Flight {
  kind: AnyKind
  object: AnyObject
  /** Counts as there: it has been charged, or nobody charged it. */
  admitted: boolean
  /** Until its charge is written. */
  charged?: Promise<unknown> | undefined
}

interface Waiting {
  request: AdmissionRequest
  flight: Flight
  resolve: () => void
  reject: (why: unknown) => void
}

export interface Desk {
  namespace: string
  flights: Set<Flight>
  waiting: Waiting[]
  /** Ends when whoever is at work now has finished. */
  last: Promise<void>
}

/** Of each server, the desk of each namespace. */
const desks = new WeakMap<Reader, Map<string, Desk>>()

export function deskOf(read: Reader, namespace: string): Desk {
  let ofServer = desks.get(read)
  if (!ofServer) desks.set(read, (ofServer = new Map()))
  let desk = ofServer.get(namespace)
  if (!desk) ofServer.set(namespace, (desk = { namespace, flights: new Set(), waiting: [], last: Promise.resolve() }))
  return desk
}

async function alone<T>(desk: Desk, work: () => Promise<T>): Promise<T> {
  const before = desk.last
  const mine = before.then(work)
  desk.last = mine.then(
    () => undefined,
    () => undefined,
  )
  return mine
}

/** The quotas that limit something this kind of object may use. */
export function quotasFor(read: Reader, namespace: string, kind: AnyKind): ResourceQuota[] {
  const quotas = read.cachedList(ResourceQuota, namespace)
  return quotas.filter(({ spec, status }) =>
    Object.keys({ ...spec.hard, ...status.hard }).some((resource) => ownsResource(kind, resource)),
  )
}

/** Resolves when every quota has room for the flight and its charge is on its way; rejects with the 403 of the first that it exceeds. */
export function charge(desk: Desk, request: AdmissionRequest, flight: Flight): Promise<void> {
  return new Promise((resolve, reject) => {
    desk.waiting.push({ request, flight, resolve, reject })
    if (desk.waiting.length === 1) void alone(desk, () => serve(desk))
  })
}

const tries = 4

/** Everybody who waits, with one write to each quota. */
async function serve(desk: Desk): Promise<void> {
  const all = desk.waiting.splice(0)
  try {
    await chargeAll(desk, all)
  } catch (error) {
    // those that were let through do not hear of it
    for (const { reject } of all) reject(error)
  }
}

interface Account {
  was: ResourceQuota
  now: ResourceQuota
}

/**
 * Lets go of those that fit while their charge is being written: it comes before their own write, in one commit with it where
 * the store can. Nobody else is served meanwhile, so that every decision is made on what the one before it left.
 */
async function chargeAll(desk: Desk, batch: readonly Waiting[]): Promise<void> {
  const [first] = batch
  if (!first) return
  const { request } = first
  const accounts = request.read.cachedList(ResourceQuota, desk.namespace).map((quota): Account => ({ was: quota, now: quota }))
  const passed = batch.filter((waiting) => enter(accounts, waiting))
  const changed = accounts.filter(({ was, now }) => was !== now)
  const written = changed.map(({ was, now }) => request.replace(ResourceQuota, was, now))
  const charged = Promise.all(
    written.map(async (done, i) => {
      // somebody edited the quota meanwhile: whoever is through by now came before that
      if (!(await done)) await recount(desk, request, changed[i]?.now.metadata.name ?? '')
    }),
  )
  for (const { flight, resolve } of passed) {
    flight.admitted = true
    flight.charged = charged
    resolve()
  }
  await charged
}

/** Charges all accounts, or none: then the request is refused. */
function enter(accounts: readonly Account[], { request, reject }: Waiting): boolean {
  const answers = accounts.map(({ now }) => chargeOf(now, request))
  for (const answer of answers)
    if (answer && 'refused' in answer) {
      reject(denied(request as Parameters<typeof denied>[0], answer.refused))
      return false
    }
  for (const [i, account] of accounts.entries()) {
    const answer = answers[i]
    if (answer && 'used' in answer) account.now = { ...account.now, status: { ...account.now.status, used: answer.used } }
  }
  return true
}

/** A flight has landed or crashed; what a crashed one was charged for is given back. */
export async function settle(desk: Desk, request: AdmissionRequest, { flight, stored }: { flight: Flight; stored: boolean }) {
  // a charge that cannot be written does not undo what is stored: the next count finds it
  await flight.charged?.catch(() => undefined)
  desk.flights.delete(flight)
  if (stored || !flight.admitted) return
  for (const { metadata } of quotasFor(request.read, desk.namespace, flight.kind)) await counted(desk, request, metadata.name)
}

/** Resolves when the quota's status says what is there and under way. */
export const counted = (desk: Desk, request: AdmissionRequest, name: string): Promise<void> =>
  alone(desk, () => recount(desk, request, name))

async function recount(desk: Desk, request: AdmissionRequest, name: string): Promise<void> {
  const ref = { namespace: desk.namespace, name }
  let quota = request.read.cached(ResourceQuota, ref)
  for (let turn = 0; quota && turn < tries; turn += 1) {
    const status = statusOf(desk, request, quota)
    if (sameValue(status, quota.status)) return
    if (await request.replace(ResourceQuota, quota, { ...quota, status })) return
    quota = await request.read.live(ResourceQuota, ref)
  }
  if (quota) throw conflict(ResourceQuota, name, modified)
}

/** What a quota's status has to say now. Nothing is awaited, so that nothing changes while it counts. */
export function statusOf(desk: Desk, { read, nowMs }: AdmissionRequest, quota: ResourceQuota): ResourceQuota['status'] {
  const resources = Object.keys(quota.spec.hard ?? {})
  const owners = kinds.filter((kind) => isCountable(kind) && resources.some((resource) => ownsResource(kind, resource)))
  const all = owners.map((kind): CountedObjects => ({ kind, objects: objectsOf(desk, read, kind) }))
  return countedStatus(quota, all, nowMs)
}

function objectsOf(desk: Desk, read: Reader, kind: AnyKind): Iterable<AnyObject> {
  const present = read.cachedList(kind, desk.namespace) as readonly AnyObject[]
  const flights = [...desk.flights].filter((flight) => flight.admitted && flight.kind.kind === kind.kind)
  if (flights.length === 0) return present
  // an update replaces what is there, and a create that has landed is there already
  const byName = new Map(flights.map(({ object }) => [object.metadata.name, object]))
  for (const object of present) {
    const flying = byName.get(object.metadata.name)
    if (!flying || flying.metadata.uid !== object.metadata.uid) byName.set(object.metadata.name, object)
  }
  return byName.values()
}
