import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import type { ResourceRequirements } from '../api/core/resources.ts'
import { cases } from '../testing/cases.ts'
import { containerResources, quotaOf, sharesOf } from './cgroup.ts'
import { oomScoreAdj } from './oom-score.ts'

describe('conversions', () => {
  cases(
    [
      { name: 'nothing', milli: 0, shares: 2, quota: 0 },
      { name: 'one millicore', milli: 1, shares: 2, quota: 1000 },
      { name: 'a tenth', milli: 100, shares: 102, quota: 10_000 },
      { name: 'a core and a half', milli: 1500, shares: 1536, quota: 150_000 },
      { name: 'a big machine', milli: 512_000, shares: 262_144, quota: 51_200_000 },
    ],
    ({ milli, shares, quota }) => assert.deepEqual([sharesOf(milli), quotaOf(milli)], [shares, quota]),
  )
})

describe('containerResources', () => {
  const cpu = { cpuPeriod: 100_000 }
  cases(
    [
      { name: 'nothing asked', resources: {}, want: { ...cpu, cpuShares: 2, cpuQuota: 0 } },
      {
        name: 'requests and limits',
        resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '0.5', memory: '128Mi' } },
        want: { ...cpu, cpuShares: 256, cpuQuota: 50_000, memoryLimitInBytes: 134_217_728 },
      },
      {
        name: 'hugepages are spelled as cgroup files spell them',
        resources: { limits: { 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '1Gi' } },
        want: {
          ...{ ...cpu, cpuShares: 2, cpuQuota: 0 },
          hugepageLimits: [
            { pageSize: '2MB', limit: 4_194_304 },
            { pageSize: '1GB', limit: 1_073_741_824 },
          ],
        },
      },
    ],
    ({ resources, want }) => assert.deepEqual(containerResources({ resources: resources as ResourceRequirements }), want),
  )
})

describe('oomScoreAdj', () => {
  const podOf = (spec: object) => Pod.decode({ metadata: { name: 'p' }, spec }, { unknown: [] })
  const half = { resources: { requests: { memory: '500Mi' } } }
  cases(
    [
      { name: 'BestEffort dies first', spec: { containers: [{ name: 'c' }] }, want: [1000] },
      {
        name: 'Guaranteed dies last',
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Gi' } } }] },
        want: [-997],
      },
      {
        name: 'Burstable by its share of the memory, never at either end',
        spec: {
          containers: [{ name: 'c', ...half }, { name: 'd' }, { name: 'e', resources: { requests: { memory: '2000Mi' } } }],
        },
        want: [500, 999, 3],
      },
      {
        name: 'a sidecar lives as long as what it serves',
        spec: { containers: [{ name: 'c', ...half }], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
        want: [500, 500],
      },
      {
        name: 'system-node-critical counts as Guaranteed',
        spec: { priorityClassName: 'system-node-critical', containers: [{ name: 'c' }] },
        want: [-997],
      },
    ],
    ({ spec, want }) => {
      const pod = podOf(spec)
      const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
      assert.deepEqual(
        all.map((c) => oomScoreAdj(pod, c, 1000 * 1024 * 1024)),
        want,
      )
    },
  )
})
