// A store against a plain Map: any mix of writes, compactions and old reads gives what the Map says.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { compareKeys } from './key-order.ts'
import { bytes } from './store.contract.ts'
import { type Change, CompactedError, type Revision, type Store } from './store.ts'

interface Model {
  now: Map<string, { value: string; revision: Revision }>
  /** The whole world after each revision. */
  past: Map<Revision, Map<string, { value: string; revision: Revision }>>
  changes: { key: string; value: string | null; previous: string | undefined; revision: Revision }[]
  oldest: Revision
}

type Step =
  | { do: 'set'; key: string; value: string | null; stale: boolean }
  | { do: 'race'; key: string; values: string[] }
  | { do: 'compact'; back: number }
  | { do: 'list'; prefix: string; back: number; limit: number; after: string }

const key = fc.constantFrom('/a', '/a/1', '/a/2', '/a/é', '/a/😀', '/b', '/b/1')
const value = fc.oneof(fc.string({ maxLength: 5 }), fc.constant('x'.repeat(5000)))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('set' as const), key, value: fc.option(value), stale: fc.nat(9).map((n) => n === 0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('race' as const), key, values: fc.array(value, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(8) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('list' as const),
      prefix: fc.constantFrom('/', '/a', '/a/', '/b/'),
      back: fc.nat(10),
      limit: fc.integer({ min: 1, max: 6 }),
      after: fc.oneof(fc.constant(''), key),
    }),
  },
)

/** `runs` random histories of up to 60 steps, each on a fresh store. */
export function storeModelContract(name: string, open: () => Promise<Store>, runs = 60): void {
  describe(`store model: ${name}`, () => {
    it('does what a plain Map does', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const store = await open()
          try {
            await play(store, steps)
          } finally {
            await store.close()
          }
        }),
        { numRuns: runs },
      )
    })
  })
}

async function play(store: Store, steps: Step[]): Promise<void> {
  const model: Model = { now: new Map(), past: new Map(), changes: [], oldest: 0 }
  model.past.set(await store.revision(), new Map())
  for (const one of steps) {
    if (one.do === 'set') await playSet(store, model, one)
    else if (one.do === 'race') await playRace(store, model, one)
    else if (one.do === 'compact') await playCompact(store, model, one.back)
    else await playList(store, model, one)
  }
  await checkWatch(store, model)
}

function record(model: Model, key: string, value: string | null, revision: Revision): void {
  model.changes.push({ key, value, previous: model.now.get(key)?.value, revision })
  if (value === null) model.now.delete(key)
  else model.now.set(key, { value, revision })
  model.past.set(revision, new Map(model.now))
}

async function playSet(store: Store, model: Model, { key, value, stale }: Step & { do: 'set' }): Promise<void> {
  const current = model.now.get(key)
  const expected = (current?.revision ?? 0) + (stale ? 1 : 0)
  const outcome = await store.set(key, expected, value === null ? null : bytes(value))
  assert.equal(outcome.done, !stale)
  if (!outcome.done) assert.equal(outcome.current?.revision, current?.revision)
  else if (current || value !== null) record(model, key, value, outcome.revision)
}

async function playRace(store: Store, model: Model, { key, values }: Step & { do: 'race' }): Promise<void> {
  const expected = model.now.get(key)?.revision ?? 0
  const outcomes = await Promise.all(values.map((value) => store.set(key, expected, bytes(value))))
  const winner = outcomes.findIndex((outcome) => outcome.done)
  assert.equal(outcomes.filter((outcome) => outcome.done).length, 1)
  const won = outcomes[winner]
  if (won?.done) record(model, key, values[winner]!, won.revision)
}

async function playCompact(store: Store, model: Model, back: number): Promise<void> {
  const before = model.changes.at(-1 - back)?.revision
  if (before === undefined) return
  await store.compact(before)
  model.oldest = Math.max(model.oldest, before)
}

async function playList(store: Store, model: Model, { prefix, back, limit, after }: Step & { do: 'list' }): Promise<void> {
  const at = back === 0 ? undefined : [...model.past.keys()].at(-back)
  const page = { limit, after, ...(at !== undefined && { at }) }
  if (at !== undefined && at < model.oldest) return assert.rejects(store.list(prefix, page), CompactedError)
  const world = at === undefined ? model.now : model.past.get(at)!
  const keys = [...world.keys()].filter((k) => k.startsWith(prefix) && compareKeys(k, after) > 0).sort(compareKeys)
  const listing = await store.list(prefix, page)
  assert.deepEqual(
    listing.entries.map((entry) => [entry.key, Buffer.from(entry.value).toString(), entry.revision]),
    keys.slice(0, limit).map((k) => [k, world.get(k)?.value, world.get(k)?.revision]),
  )
  assert.deepEqual([listing.revision, listing.more], [at ?? (await store.revision()), keys.length > limit])
}

async function checkWatch(store: Store, model: Model): Promise<void> {
  const want = model.changes.filter((change) => change.revision > model.oldest)
  if (want.length === 0) return
  const stop = new AbortController()
  const seen: Change[] = []
  for await (const batch of store.watch('/', model.oldest, stop.signal)) {
    seen.push(...batch)
    if (seen.length >= want.length) stop.abort()
  }
  const text = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString()
  assert.deepEqual(
    seen.map((c) => ({ key: c.key, value: text(c.value), previous: text(c.previous), revision: c.revision })),
    want,
  )
}
