import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { processPaths } from './cgroup-tree.ts'
import { type LimitFacts, limitFindings } from './limit-check.ts'

const podPath = '/kubepods/podu'
const inside = { cpu: `${podPath}/c`, memory: `${podPath}/c` }
const limits = { cpu: '100m', memory: '64Mi' }
const bytes = 64 * 1024 * 1024
const main = (resources: object, at: LimitFacts['containers'][number]['at']) => ({
  container: { name: 'main', resources },
  pid: 7,
  at,
})
const good = { cpuQuota: 10_000, memoryLimitInBytes: bytes }

describe('limitFindings', () => {
  cases(
    [
      {
        name: 'finds nothing where everything holds, a limit in whole pages included',
        facts: {
          wanted: { cpuQuota: 30_000, memoryLimitInBytes: 251_658_250 },
          found: { cpuQuota: 30_000, memoryLimitInBytes: 251_658_240 },
        },
        containers: [main({ limits }, { paths: inside, values: good })],
        want: [],
      },
      {
        name: 'asks nothing of a Pod without limits',
        facts: { wanted: { cpuShares: 2 }, found: undefined },
        containers: [main({}, { paths: {}, values: {} })],
        want: [],
      },
      {
        name: 'finds a Pod without a cgroup',
        facts: { wanted: good, found: undefined },
        containers: [],
        want: ['the Pod has no cgroup, and so none of its limits'],
      },
      {
        name: 'finds limits that the cgroup of the Pod has lost, or has larger',
        facts: { wanted: good, found: { cpuQuota: 20_000 } },
        containers: [],
        want: [
          "the Pod's cgroup has cpu limit 20000 us in place of 10000 us",
          `the Pod's cgroup has memory limit none in place of ${bytes} bytes`,
        ],
      },
      {
        name: 'finds a container outside of the Pod, whatever its own cgroup says',
        facts: { wanted: good, found: good },
        containers: [main({ limits }, { paths: { cpu: '/kubepods/podu2/c', memory: inside.memory }, values: good })],
        want: ["process 7 of container main is in cpu cgroup /kubepods/podu2/c, outside of the Pod's"],
      },
      {
        name: 'finds a container whose own limit was dropped',
        facts: { wanted: good, found: good },
        containers: [main({ limits }, { paths: inside, values: { cpuQuota: -1, memoryLimitInBytes: bytes } })],
        want: ['the cgroup of container main has cpu limit none in place of 10000 us'],
      },
      {
        name: 'takes a sandbox that is one process in the cgroup of the Pod for held by it',
        facts: { wanted: good, found: good },
        containers: [main({ limits }, { paths: { cpu: podPath, memory: podPath }, values: {} })],
        want: [],
      },
    ],
    ({ facts, containers, want }) => assert.deepEqual(limitFindings({ ...facts, podPath, containers }), want),
  )
})

describe('processPaths', () => {
  it('reads v1, v2 and hybrid', () => {
    const text = '4:memory:/a\n2:cpu,cpuacct:/b:c\n1:name=systemd:/\n0::/u\n'
    assert.deepEqual(
      [...processPaths(text)],
      [
        ['memory', '/a'],
        ['cpu', '/b:c'],
        ['cpuacct', '/b:c'],
        ['name=systemd', '/'],
        ['', '/u'],
      ],
    )
  })
})
