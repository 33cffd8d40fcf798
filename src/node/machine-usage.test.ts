import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { machineMemory } from './machine-usage.ts'

const meminfo = (kilobytes: Record<string, number>): string =>
  Object.entries(kilobytes)
    .map(([name, count]) => `${name}:${String(count).padStart(16)} kB\n`)
    .join('')

const usual = {
  ...{ MemTotal: 8000, MemFree: 5000, MemAvailable: 6100, Buffers: 100, Cached: 1500, SwapCached: 20 },
  ...{ 'Active(anon)': 900, 'Inactive(anon)': 10, 'Active(file)': 700, 'Inactive(file)': 600, AnonPages: 880 },
}

describe('the memory of a machine', () => {
  cases(
    [
      { name: 'is used by anonymous memory and the page cache that is in use', given: usual, used: 1900 },
      { name: 'is available again at once when the host takes free pages back', given: { ...usual, MemFree: 4000 }, used: 1900 },
      { name: 'is not used by an inactive page cache', given: { ...usual, Cached: 4500, 'Inactive(file)': 3600 }, used: 1900 },
      { name: 'is used by tmpfs, which is page cache that cannot go', given: { ...usual, Cached: 2000, Shmem: 500 }, used: 2400 },
      { name: 'is never used by less than nothing', given: { MemTotal: 8000, 'Inactive(file)': 1 }, used: 0 },
    ],
    ({ given, used }) =>
      assert.deepEqual(machineMemory(meminfo(given)), {
        memoryCapacityBytes: 8000 * 1024,
        memoryWorkingSetBytes: used * 1024,
        memoryAvailableBytes: (8000 - used) * 1024,
      }),
  )
})
