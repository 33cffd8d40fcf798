import assert from 'node:assert/strict'
import { it } from 'vitest'
import { type Crash, countRestart, restartAt } from './crash-loop.ts'

/** Delays before each restart of a container that runs `ranMs` each time. */
function delays(ranMs: number, times: number): number[] {
  const found: number[] = []
  let crash: Crash | undefined
  for (let now = ranMs, i = 0; i < times; i++) {
    const at = Math.max(now, restartAt(crash, now))
    found.push((at - now) / 1000)
    crash = countRestart(crash, now)
    now = at + ranMs
  }
  return found
}

it('restarts at once, then after 10 s, doubling up to five minutes', () => {
  assert.deepEqual(delays(1000, 8), [0, 10, 20, 40, 80, 160, 300, 300])
})

it('forgets all after a run of more than ten minutes', () => {
  assert.deepEqual(delays(600_001, 3), [0, 0, 0])
  assert.deepEqual(delays(595_000, 3), [0, 10, 0])
})
