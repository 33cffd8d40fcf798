// Many Pods created at once, how long a watch takes to see something of each, and their end: what benchmarks have in common.
import { performance } from 'node:perf_hooks'
import { Pod } from '../api/core/pod.ts'
import type { Client, Where } from '../client/client.ts'
import { eventually } from './eventually.ts'

/** Does `act` for every item, `atOnce` of them at a time. */
export async function forAll<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < items.length) {
      const at = next++
      await act(items[at] as T, at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

export interface WatchedPods {
  where: Where
  /** Create requests under way at most. */
  atOnce: number
  /** What is waited for. */
  until: (pod: Pod) => boolean
}

/** Creates them; milliseconds from the first create until a watch has shown `until` of each, in the order it was seen. */
export async function createAndWatch(
  client: Client,
  pods: readonly Pod[],
  { where, atOnce, until }: WatchedPods,
): Promise<number[]> {
  const { resourceVersion } = await client.list(Pod, where)
  const stop = new AbortController()
  const changes = client.watch(Pod, resourceVersion, { ...where, signal: stop.signal })[Symbol.asyncIterator]()
  const startedAt = performance.now()
  const watching = (async () => {
    const seen = new Map<string, number>()
    while (seen.size < pods.length) {
      const { value, done } = await changes.next()
      if (done) throw new Error('the watch ended')
      if (value.type === 'BOOKMARK' || seen.has(value.object.metadata.name)) continue
      if (until(value.object)) seen.set(value.object.metadata.name, performance.now() - startedAt)
    }
    return [...seen.values()]
  })()
  const [seenAt] = await Promise.all([watching, forAll(pods, atOnce, (pod) => client.create(Pod, pod))])
  stop.abort()
  await changes.return?.()
  return seenAt
}

/** Without grace; resolves when none is left. */
export async function removePods(client: Client, where: Where): Promise<void> {
  await client.deleteCollection(Pod, where, { gracePeriodSeconds: 0 })
  await eventually(async () => (await client.list(Pod, where)).items.length === 0, 60_000)
}
