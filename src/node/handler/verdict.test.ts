import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { afterCanary, afterMissing, afterPodFailed, shortMessage, type Trigger, unproved, type Verdict } from './verdict.ts'

const good = { ok: true, startedAtMs: 1000, durationMs: 150, evidence: {} } as const
const bad = { ok: false, startedAtMs: 1000, durationMs: 20, reason: 'CanaryFailed', message: 'no such device' } as const
const every = (nowMs: number) => ({ nowMs, everyMs: 300_000 as number | undefined })

/** What of a verdict tests are about. */
const brief = ({ state, reason, failures, due, lastProvedAtMs }: Verdict) => [state, reason, failures, due, lastProvedAtMs]
const due = (atMs: number, trigger: Trigger) => ({ atMs, trigger })

describe('a verdict', () => {
  const start = unproved(0)
  const works = afterCanary(start, 'Start', good, every(1150))
  const shaken = afterCanary(works, 'Periodic', bad, every(2000))
  const broken = afterCanary(shaken, 'Retry', bad, every(3000))
  cases(
    [
      {
        name: 'begins without one, and with a canary due',
        given: start,
        want: ['pending', 'NotProvedYet', 0, due(0, 'Start'), undefined],
      },
      { name: 'is good after a canary', given: works, want: ['ready', 'CanarySucceeded', 0, due(301_150, 'Periodic'), 1000] },
      {
        name: 'is not asked for again when nobody wants that',
        given: afterCanary(start, 'Start', good, { nowMs: 1150, everyMs: undefined }),
        want: ['ready', 'CanarySucceeded', 0, undefined, 1000],
      },
      {
        name: 'that was good outlives one failure',
        given: shaken,
        want: ['ready', 'CanarySucceeded', 1, due(3000, 'Retry'), 1000],
      },
      { name: 'is bad after two', given: broken, want: ['not-ready', 'CanaryFailed', 2, due(7000, 'Retry'), 1000] },
      {
        name: 'is bad after the first canary of all when that fails',
        given: afterCanary(start, 'Start', bad, every(2000)),
        want: ['not-ready', 'CanaryFailed', 1, due(4000, 'Retry'), undefined],
      },
      {
        name: 'is good again after one that works',
        given: afterCanary(broken, 'Retry', good, every(9000)),
        want: ['ready', 'CanarySucceeded', 0, due(309_000, 'Periodic'), 1000],
      },
      {
        name: 'needs no canary when a binary is gone',
        given: afterMissing(works, 'crun: executable not found'),
        want: ['not-ready', 'BinaryNotFound', 0, undefined, 1000],
      },
      {
        name: 'is sought soon after a Pod failed',
        given: afterPodFailed(works, 20_000, 1150),
        want: ['ready', 'CanarySucceeded', 0, due(20_000, 'PodFailed'), 1000],
      },
      {
        name: 'is sought no more often than every ten seconds, whatever Pods do',
        given: afterPodFailed(afterPodFailed(works, 2000, 1150), 3000, 1150),
        want: ['ready', 'CanarySucceeded', 0, due(11_150, 'PodFailed'), 1000],
      },
      {
        name: 'is not sought by canary while a binary is gone',
        given: afterPodFailed(afterMissing(works, 'gone'), 20_000, 0),
        want: ['not-ready', 'BinaryNotFound', 0, undefined, 1000],
      },
    ],
    ({ given, want }) => assert.deepEqual(brief(given), want),
  )

  it('is sought at least every half minute while it is bad', () => {
    let verdict = broken
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      verdict = afterCanary(verdict, 'Retry', bad, every(0))
      waits.push(verdict.due?.atMs ?? 0)
    }
    assert.deepEqual(waits, [8000, 16_000, 30_000, 30_000, 30_000, 30_000])
  })

  it('says what the last canary said', () => {
    assert.deepEqual(broken.canary, {
      ...{ result: 'Failed', trigger: 'Retry', startedAt: '1970-01-01T00:00:01Z', durationMs: 20, message: 'no such device' },
    })
  })
})

describe('the short message', () => {
  cases(
    [
      {
        name: 'is the same for each sandbox',
        given: `open /run/x/${'a1b2c3d4'.repeat(8)}/log.json:\n no such file`,
        want: 'open /run/x/*/log.json: no such file',
      },
      {
        name: 'leaves short words alone',
        given: 'fork/exec /usr/bin/crun: no such file',
        want: 'fork/exec /usr/bin/crun: no such file',
      },
      { name: 'is short', given: 'x '.repeat(200), want: `${'x '.repeat(200).slice(0, 239)}…` },
    ],
    ({ given, want }) => assert.equal(shortMessage(given), want),
  )
})
