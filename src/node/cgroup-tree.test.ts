import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { cgroupNames, cgroupRootsOf } from './cgroup-tree.ts'
import { sliceProperties } from './cgroup-systemd.ts'
import { filesV1, filesV2, readV2, weightOf } from './cgroup-values.ts'

const uid = '12ab-34'

describe('cgroupNames', () => {
  cases(
    [
      { name: 'Guaranteed, at the root', root: '', driver: 'cgroupfs', qos: 'Guaranteed', parent: `/kubepods/pod${uid}` },
      {
        name: 'Burstable',
        root: 'polypod-1',
        driver: 'cgroupfs',
        qos: 'Burstable',
        parent: `/polypod-1/kubepods/burstable/pod${uid}`,
      },
      { name: 'BestEffort', root: '/a/b/', driver: 'cgroupfs', qos: 'BestEffort', parent: `/a/b/kubepods/besteffort/pod${uid}` },
      { name: 'Guaranteed with systemd', root: '', driver: 'systemd', qos: 'Guaranteed', parent: 'kubepods-pod12ab_34.slice' },
      {
        name: 'BestEffort with systemd',
        root: 'polypod-1',
        driver: 'systemd',
        qos: 'BestEffort',
        parent: 'polypod_1-kubepods-besteffort-pod12ab_34.slice',
      },
    ] as const,
    ({ root, driver, qos, parent }) => {
      const names = cgroupNames(root, driver)
      const pod = { uid, qos }
      assert.equal(names.parentFor(pod), parent)
      const path = names.pod(pod)
      assert.deepEqual(names.podOf(path.at(-1) ?? '', qos), pod)
      assert.deepEqual(path.slice(0, -1), names.level(qos))
      assert.equal(names.podOf(names.level('Burstable').at(-1) ?? '', 'Guaranteed'), undefined)
    },
  )
  cases(
    [{ name: 'systemd slices lie in one another', want: ['a_b.slice', 'a_b-kubepods.slice', 'a_b-kubepods-burstable.slice'] }],
    ({ want }) => assert.deepEqual(cgroupNames('a-b', 'systemd').level('Burstable'), want),
  )
})

describe('cgroupRootsOf', () => {
  const want = ['/polypod-1', '/polypod_1.slice', '/polypod-1-measure', '/polypod_1_measure.slice']
  cases([{ name: 'polypod-1', want }], (row) => assert.deepEqual(cgroupRootsOf(row.name), row.want))
})

describe('sliceProperties', () => {
  cases(
    [
      {
        name: 'of a Pod with limits',
        values: { cpuShares: 307, cpuPeriod: 100_000, cpuQuota: 30_000, memoryLimitInBytes: 251_658_240 },
        v1: ['CPUShares=307', 'CPUQuota=30%', 'MemoryMax=251658240'],
        v2: ['CPUWeight=12', 'CPUQuota=30%', 'MemoryMax=251658240'],
      },
      {
        name: 'of a Pod without, which lifts earlier ones',
        values: { cpuShares: 2 },
        v1: ['CPUShares=2', 'CPUQuota=', 'MemoryMax=infinity'],
        v2: ['CPUWeight=1', 'CPUQuota=', 'MemoryMax=infinity'],
      },
      {
        name: 'of a fraction of a percent',
        values: { cpuQuota: 1005, cpuPeriod: 100_000 },
        v1: ['CPUQuota=1.01%', 'MemoryMax=infinity'],
        v2: ['CPUQuota=1.01%', 'MemoryMax=infinity'],
      },
    ],
    ({ values, v1, v2 }) => {
      assert.deepEqual(sliceProperties(values, 'hybrid'), v1)
      assert.deepEqual(sliceProperties(values, 'v2'), v2)
    },
  )
})

describe('cgroup files', () => {
  const texts = (files: { controller: string; file: string; text: string }[]) =>
    files.map(({ controller, file, text }) => `${controller} ${file}=${text}`)
  const full = {
    ...{ cpuShares: 307, cpuPeriod: 100_000, cpuQuota: 30_000, memoryLimitInBytes: 251_658_240 },
    hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }],
  }
  cases(
    [
      {
        name: 'of a Pod with limits',
        values: full,
        v1: [
          'cpu cpu.shares=307',
          'cpu cpu.cfs_period_us=100000',
          'cpu cpu.cfs_quota_us=30000',
          'memory memory.limit_in_bytes=251658240',
          'hugetlb hugetlb.2MB.limit_in_bytes=4194304',
        ],
        v2: ['cpu cpu.weight=12', 'cpu cpu.max=30000 100000', 'memory memory.max=251658240', 'hugetlb hugetlb.2MB.max=4194304'],
      },
      {
        name: 'of a Pod without, which lifts earlier ones',
        values: { cpuShares: 2, cpuPeriod: 100_000 },
        v1: ['cpu cpu.shares=2', 'cpu cpu.cfs_period_us=100000', 'cpu cpu.cfs_quota_us=-1', 'memory memory.limit_in_bytes=-1'],
        v2: ['cpu cpu.weight=1', 'cpu cpu.max=max 100000', 'memory memory.max=max'],
      },
    ],
    ({ values, v1, v2 }) => {
      assert.deepEqual(texts(filesV1(values)), v1)
      assert.deepEqual(texts(filesV2(values)), v2)
    },
  )
  cases(
    [
      { name: 'least weight', shares: 2, want: 1 },
      { name: 'weight of one cpu', shares: 1024, want: 39 },
      { name: 'greatest weight', shares: 262_144, want: 10_000 },
    ],
    ({ shares, want }) => assert.equal(weightOf(shares), want),
  )
  cases(
    [
      {
        name: 'read back',
        files: { 'cpu.weight': '39', 'cpu.max': '30000 100000', 'memory.max': '251658240' },
        want: { cpuShares: 999, cpuPeriod: 100_000, cpuQuota: 30_000, memoryLimitInBytes: 251_658_240 },
      },
      {
        name: 'read back unlimited',
        files: { 'cpu.max': 'max 100000', 'memory.max': 'max' },
        want: { cpuPeriod: 100_000, cpuQuota: -1 },
      },
    ],
    async ({ files, want }) => {
      const read = async (_: string, file: string) => (files as Record<string, string>)[file]
      const values = await readV2(read)
      assert.deepEqual(values, want)
      if (values.cpuShares) assert.equal(weightOf(values.cpuShares), 39)
    },
  )
})
