// Whatever happens, in whatever order: replaying a watch on top of a list gives the next list.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { Client, Where } from '../client/client.ts'
import { openApiServer } from './open-server.ts'
import { systemClock } from '../lib/clock.ts'
import { memoryStore } from '../store/memory.ts'
import { podOf } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'

interface Op {
  pod: number
  do: 'create' | 'label' | 'bind' | 'delete'
  value: number
}

const op = fc.record<Op>({
  pod: fc.integer({ min: 0, max: 4 }),
  do: fc.constantFrom('create', 'create', 'label', 'bind', 'delete'),
  value: fc.integer({ min: 0, max: 2 }),
})
const selections: Where[] = [
  {},
  { namespace: 'default' },
  { labelSelector: 'v=1' },
  { fieldSelector: 'spec.nodeName=n1' },
  { fieldSelector: 'spec.nodeName=', labelSelector: 'v!=1' },
  { fieldSelector: 'spec.nodeName!=n1' },
]

async function run(client: Client, { pod, do: verb, value }: Op): Promise<void> {
  const ref = { namespace: 'default', name: `p${pod}` }
  const node = { apiVersion: 'v1', kind: 'Binding', metadata: ref, target: { kind: 'Node', name: `n${value}` } }
  try {
    if (verb === 'create') await client.create(Pod, podOf(ref.name, { metadata: { labels: { v: String(value) } } }))
    else if (verb === 'label')
      await client.patch(Pod, ref, { type: 'merge', body: { metadata: { labels: { v: String(value) } } } })
    else if (verb === 'bind') await client.createSubresource(Pod, ref, 'binding', node)
    else await client.delete(Pod, ref, { gracePeriodSeconds: 0 })
  } catch (error) {
    const exists = error instanceof Error && error.message.includes('already exists')
    if (!isNotFound(error) && !isConflict(error) && !exists) throw error
  }
}

const byName = (pods: Iterable<Pod>) => new Map([...pods].map((pod) => [pod.metadata.name, pod.metadata.resourceVersion]))

/** Keeps a copy of what a selection holds, from a list and the watch after it. */
async function follow(client: Client, where: Where, signal: AbortSignal) {
  const { items, resourceVersion } = await client.list(Pod, where)
  const copy = byName(items)
  const wrong: string[] = []
  const run = async () => {
    for await (const event of client.watch(Pod, resourceVersion, { ...where, signal })) {
      if (event.type === 'BOOKMARK') continue
      const { name, resourceVersion: version } = event.object.metadata
      if (copy.has(name) !== (event.type !== 'ADDED')) wrong.push(`${event.type} ${name}`)
      if (event.type === 'DELETED') copy.delete(name)
      else copy.set(name, version)
    }
  }
  return { copy, wrong, ended: run() }
}

describe('watches', () => {
  it('agree with lists, for every selection, through a restart of the server', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 40 }), fc.array(op, { maxLength: 40 }), async (before, after) => {
        const store = memoryStore()
        const first = await openApiServer({ store, plugins: [], clock: systemClock })
        const stop = new AbortController()
        await Promise.all(before.map((each) => run(first.client('a'), each)))
        const live = await Promise.all(selections.map((where) => follow(first.client('a'), where, stop.signal)))
        const then = await first.client('a').list(Pod)
        await Promise.all(after.map((each) => run(first.client('b'), each)))
        for (const [i, { copy, wrong }] of live.entries()) {
          const want = byName((await first.client('a').list(Pod, selections[i])).items)
          await eventually(() => (assert.deepEqual(copy, want), true))
          assert.deepEqual(wrong, [])
        }
        await first.close()
        await Promise.all(live.map(({ ended }) => ended))
        await replayed(store, then, stop.signal)
        stop.abort()
      }),
      { numRuns: 30 },
    )
  })

  /** A new server replays, from the store's history, what happened after an old list. */
  async function replayed(store: ReturnType<typeof memoryStore>, then: Awaited<ReturnType<Client['list']>>, signal: AbortSignal) {
    const server = await openApiServer({ store, plugins: [], clock: systemClock })
    const client = server.client('c')
    const copy = byName(then.items as Pod[])
    const want = byName((await client.list(Pod)).items)
    const run = async () => {
      for await (const event of client.watch(Pod, then.resourceVersion, { signal }))
        if (event.type === 'DELETED') copy.delete(event.object.metadata.name)
        else if (event.type !== 'BOOKMARK') copy.set(event.object.metadata.name, event.object.metadata.resourceVersion)
    }
    const ended = run()
    await eventually(() => (assert.deepEqual(copy, want), true))
    await server.close()
    await ended
  }
})
