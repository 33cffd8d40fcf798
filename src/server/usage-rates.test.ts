import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { manualClock } from '../testing/manual-clock.ts'
import { cases } from '../testing/cases.ts'
import { containerKey, nodeKey, rateOf, sampleOf, sandboxKey, type Summary } from './usage-rates.ts'
import { usageSamples } from './usage-samples.ts'

/** At `ms`, with so many seconds of cpu used by node, container `c` and sandbox of Pod u. */
function summary(ms: number, [node, container, sandbox]: [number, number, number]): Summary {
  const counters = (seconds: number, workingSetBytes: number) => ({
    cpu: { time: new Date(ms).toISOString(), usageCoreNanoSeconds: seconds * 1e9 },
    memory: { time: new Date(ms).toISOString(), workingSetBytes },
  })
  const podRef = { name: 'p', namespace: 'n', uid: 'u' }
  const containers = [{ name: 'c', ...counters(container, 20) }]
  return { node: counters(node, 10), pods: [{ podRef, containers, sandbox: counters(sandbox, 30) }] }
}

describe('a rate', () => {
  const newest = sampleOf(summary(100_000, [50, 5, 1]))
  const earlier = sampleOf(summary(80_000, [30, 3, 1]))
  const rate = (cpuNanoCores: number, memoryBytes: number, windowMs: number) => ({
    cpuNanoCores,
    memoryBytes,
    windowMs,
    at: 100_000,
  })
  const rows: {
    name: string
    key: string
    since: typeof earlier | undefined
    startedAt?: number
    is: ReturnType<typeof rate> | undefined
  }[] = [
    { name: 'of the node since the sample before', key: nodeKey, since: earlier, is: rate(1e9, 10, 20_000) },
    { name: 'of a container since the sample before', key: containerKey('u', 'c'), since: earlier, is: rate(1e8, 20, 20_000) },
    { name: 'of a sandbox that did nothing', key: sandboxKey('u'), since: earlier, is: rate(0, 30, 20_000) },
    {
      name: 'since its start where there was none before',
      key: containerKey('u', 'c'),
      since: undefined,
      startedAt: 50_000,
      is: rate(1e8, 20, 50_000),
    },
    {
      ...{ name: 'since its start when the counter began anew', key: containerKey('u', 'c') },
      ...{ since: sampleOf(summary(80_000, [1, 9, 1])), startedAt: 90_000, is: rate(5e8, 20, 10_000) },
    },
    { name: 'is unknown without either', key: nodeKey, since: undefined, is: undefined },
    { name: 'is unknown of a start that cannot be read', key: nodeKey, since: undefined, startedAt: Number.NaN, is: undefined },
    { name: 'is unknown of what is not there', key: containerKey('u', 'x'), since: earlier, startedAt: 1, is: undefined },
  ]
  cases(
    rows.map((row) => ({ startedAt: undefined, ...row })),
    (row) => assert.deepEqual(rateOf(row.key, newest, row.since, row.startedAt), row.is),
  )
})

it('a kubelet is asked once a second at most, and compared over ten seconds where that is possible', async () => {
  const clock = manualClock()
  const start = clock.now()
  let asked = 0
  const samples = usageSamples(clock, (node) => {
    assert.equal(node, 'a')
    asked += 1
    const seconds = (clock.now() - start) / 1000
    // a core until second 20, two from then on
    return Promise.resolve(summary(clock.now(), [seconds + Math.max(0, seconds - 20), 0, 0]))
  })
  const ask = async () => {
    const [one, same] = await Promise.all([samples.ratesOf('a'), samples.ratesOf('a')])
    assert.deepEqual(one(nodeKey), same(nodeKey))
    return one(nodeKey)
  }
  assert.equal(await ask(), undefined)
  await clock.advance(500)
  assert.equal(await ask(), undefined)
  assert.equal(asked, 1)
  const seen: unknown[] = []
  for (const ms of [1500, 8000, 8000, 8000, 8000]) {
    await clock.advance(ms)
    const found = await ask()
    seen.push([found?.cpuNanoCores, found?.windowMs])
  }
  assert.equal(asked, 6)
  assert.deepEqual(seen, [
    [1e9, 2000],
    [1e9, 10_000],
    [1e9, 16_000],
    [1_375_000_000, 16_000],
    [1_875_000_000, 16_000],
  ])
})
