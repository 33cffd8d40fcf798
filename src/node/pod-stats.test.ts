import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { ContainerUsage } from './cri/runtime.ts'
import { nodeStats, type StatsWorld } from './pod-stats.ts'

const mi = 1024 * 1024
const usage = (uid: string, name: string, cpuNanoseconds: number, memoryWorkingSetBytes: number): ContainerUsage => ({
  id: `${uid}-${name}`,
  labels: { 'io.kubernetes.pod.uid': uid, 'io.kubernetes.container.name': name },
  ...{ cpuNanoseconds, memoryWorkingSetBytes },
})
const pod = (uid: string, annotations: Record<string, string> = {}): { pod: Pod; ids: string[] } => ({
  pod: Pod.decode(
    {
      metadata: { name: `pod-${uid}`, namespace: 'shop', uid, annotations },
      spec: { containers: [{ name: 'a', image: 'i' }] },
      status: { startTime: '2026-01-01T00:00:00Z' },
    },
    { unknown: [] },
  ),
  ids: [],
})

function world(over: Partial<StatsWorld>): StatsWorld {
  return {
    clock: manualClock(Date.parse('2026-01-01T00:00:10Z')),
    runtime: { usage: async () => [usage('u1', 'b', 5, 30 * mi), usage('u1', 'a', 7, 10 * mi), usage('u9', 'a', 1, 1)] },
    cgroups: undefined,
    dataDir: tmpdir(),
    simulated: true,
    memoryCapacityBytes: 1000 * mi,
    pods: () => [pod('u1'), pod('u2')],
    ...over,
  }
}

const containers = [
  { name: 'a', cpuNanoseconds: 7, memoryWorkingSetBytes: 10 * mi },
  { name: 'b', cpuNanoseconds: 5, memoryWorkingSetBytes: 30 * mi },
]
const common = { namespace: 'shop', name: 'pod-u1', uid: 'u1', containers }

describe('nodeStats', () => {
  it('shows what the cgroup has beyond its containers as the sandbox, never in a container', async () => {
    const cgroups = {
      usage: async ({ uid }: { uid: string }) =>
        uid === 'u1' ? { cpuNanoseconds: 100, memoryWorkingSetBytes: 55 * mi, processes: 4 } : undefined,
    }
    const { pods } = await nodeStats(world({ cgroups }))
    const sandbox = { cpuNanoseconds: 88, memoryWorkingSetBytes: 15 * mi }
    assert.deepEqual(pods, [{ ...common, cpuNanoseconds: 100, memoryWorkingSetBytes: 55 * mi, processes: 4, sandbox }])
  })

  it('reports the same containers whatever the sandbox costs', async () => {
    const annotations = {
      'simulated.polypod.dev/sandbox-memory-bytes': String(120 * mi),
      'simulated.polypod.dev/sandbox-cpu-millicores': '250',
    }
    const bare = await nodeStats(world({ pods: () => [pod('u1')] }))
    const heavy = await nodeStats(world({ pods: () => [pod('u1', annotations)] }))
    assert.deepEqual(heavy.pods[0]?.containers, bare.pods[0]?.containers)
    assert.deepEqual(bare.pods[0]?.sandbox, { cpuNanoseconds: 0, memoryWorkingSetBytes: 0 })
    assert.deepEqual(heavy.pods[0]?.sandbox, { cpuNanoseconds: 2_500_000_000, memoryWorkingSetBytes: 120 * mi })
  })

  it('gives a simulated node what its Pods leave', async () => {
    const { node } = await nodeStats(world({}))
    assert.deepEqual([node.memoryWorkingSetBytes, node.memoryAvailableBytes], [40 * mi, 960 * mi])
  })

  it('reads the machine on a real node', async () => {
    const { node } = await nodeStats(world({ simulated: false, pods: () => [] }))
    assert.equal(node.memoryWorkingSetBytes + node.memoryAvailableBytes, node.memoryCapacityBytes)
    assert.ok(
      node.memoryAvailableBytes > 0 && node.cpuNanoseconds > 0 && node.pids.current > 0 && node.pids.max > node.pids.current,
    )
    assert.ok(node.fs.capacityBytes > 0 && node.fs.availableBytes <= node.fs.capacityBytes)
  })
})
