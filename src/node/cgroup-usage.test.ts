import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { type CgroupUsage, usageV1, usageV2 } from './cgroup-usage.ts'

const v1 = {
  'memory memory.usage_in_bytes': '209715200',
  'memory memory.stat': 'inactive_file 1\ntotal_cache 9\ntotal_inactive_file 4194304\n',
  'cpuacct cpuacct.usage': '1234567890',
  'pids pids.current': '7',
}
const v2 = {
  'memory memory.current': '209715200',
  'memory memory.stat': 'anon 5\ninactive_file 4194304\nactive_file 3',
  'cpu cpu.stat': 'usage_usec 1234567\nuser_usec 1000000',
  'pids pids.current': '7',
}
const measured = (cpuNanoseconds: number): CgroupUsage => ({ cpuNanoseconds, memoryWorkingSetBytes: 205520896, processes: 7 })

describe('cgroup usage', () => {
  cases<{ name: string; usage: typeof usageV1; files: Record<string, string>; want: CgroupUsage | undefined }>(
    [
      { name: 'v1: all below counts', usage: usageV1, files: v1, want: measured(1234567890) },
      { name: 'v2', usage: usageV2, files: v2, want: measured(1234567000) },
      { name: 'v1: no cgroup', usage: usageV1, files: {}, want: undefined },
      { name: 'v2: no cgroup', usage: usageV2, files: {}, want: undefined },
      {
        name: 'v2: more inactive cache than is charged',
        usage: usageV2,
        files: { ...v2, 'memory memory.current': '100', 'pids pids.current': '1' },
        want: { cpuNanoseconds: 1234567000, memoryWorkingSetBytes: 0, processes: 1 },
      },
    ],
    async ({ usage, files, want }) => {
      assert.deepEqual(await usage(async (controller, file) => files[`${controller} ${file}`]), want)
    },
  )
})
