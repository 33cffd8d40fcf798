// The procedure, on the simulated runtime; that the numbers are right is seen on real containers, in test/e2e/measure.test.ts.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Clock } from '../../lib/clock.ts'
import { type Runtime, RuntimeError } from '../cri/runtime.ts'
import { simulatedRuntime } from '../cri/sim.ts'
import { type BenchWorld, measuredLabel, removeBenchPods, startBenchPod } from './bench-pod.ts'
import { measureHandler } from './measure-handler.ts'
import { latencyOf, measurementStatus } from './measurement-status.ts'

/** Time passes by sleeping alone, and costs none. */
function leapingClock(): Clock & { leap(ms: number): void } {
  let now = Date.parse('2026-01-01T00:00:00Z')
  return { now: () => now, sleep: async (ms) => void (now += ms), after: () => () => {}, leap: (ms) => void (now += ms) }
}

async function open(change: (runtime: Runtime, clock: ReturnType<typeof leapingClock>) => Partial<Runtime> = () => ({})) {
  const clock = leapingClock()
  const simulated = simulatedRuntime({ handlers: ['runc'], clock })
  const runtime = { ...simulated, ...change(simulated, clock) }
  const image = await runtime.pullImage('polypod.dev/busybox:1')
  const world: BenchWorld = { runtime, owner: 'us', clock, image, cgroups: undefined, logDirectory: '/nowhere', log: assert.fail }
  return { world, runtime, clock }
}
const options = { handler: 'runc', pods: 3, rounds: 2, signal: new AbortController().signal, onProgress: () => {} }

describe('measuring a handler', () => {
  it('times each step of each Pod, keeps so many at a time, and leaves none', async () => {
    let present = 0
    const most: number[] = []
    const { world, runtime } = await open((simulated, clock) => ({
      async runSandbox(config, handler) {
        clock.leap(100)
        most.push(++present)
        return simulated.runSandbox(config, handler)
      },
      async createContainer(...given) {
        clock.leap(20)
        return simulated.createContainer(...given)
      },
      async startContainer(id) {
        clock.leap(3)
        return simulated.startContainer(id)
      },
      async removeSandbox(id) {
        present--
        return simulated.removeSandbox(id)
      },
    }))
    const figures = await measureHandler(world, options)
    assert.deepEqual(
      figures.starts,
      Array.from({ length: 6 }, () => ({ runPodSandbox: 100, createContainer: 20, startContainer: 3 })),
    )
    assert.deepEqual(most, [1, 1, 2, 3, 1, 2, 3], 'one to warm up, then two rounds of three')
    assert.deepEqual([figures.sandbox.count, figures.nodeAvailable.count, figures.idleCpu.count], [6, 2, 6])
    assert.deepEqual([await runtime.listSandboxes(), await runtime.listContainers()], [[], []])
  })

  it('rejects in the words of the runtime, and leaves nothing', async () => {
    let started = 0
    const { world, runtime } = await open((simulated) => ({
      async startContainer(id) {
        if (++started === 3) throw new RuntimeError('Unknown', 'no more of these')
        return simulated.startContainer(id)
      },
    }))
    await assert.rejects(measureHandler(world, options), /^RuntimeError: no more of these/)
    assert.deepEqual(await runtime.listSandboxes(), [])
  })

  it('clears away what an earlier one left, and nothing else', async () => {
    const { world, runtime } = await open()
    await startBenchPod(world, { handler: 'runc', name: 'measure-runc-0001' })
    const change = (sandbox: { labels: Record<string, string> }) => void (sandbox.labels[measuredLabel] = 'others')
    await startBenchPod(world, { handler: 'runc', name: 'foreign', change })
    await removeBenchPods(world)
    assert.deepEqual(
      (await runtime.listSandboxes()).map(({ metadata }) => metadata.uid),
      ['foreign'],
    )
  })
})

describe('a measurement', () => {
  it('is kept in quantities and whole milliseconds', async () => {
    const of = (mean: number, error = 0) => ({ count: 6, mean, error, min: mean, max: mean })
    const mebi = 1024 * 1024
    const { world } = await open()
    const machine = {
      ...{ osImage: 'Debian', kernelVersion: '6.1', architecture: 'amd64', cpus: 2, memory: '2048Ki' },
      ...{ cgroup: 'v2', containerRuntime: 'containerd://1.6.20' },
    }
    const start = { runPodSandbox: 100, createContainer: 20, startContainer: 3 }
    const figures = {
      ...{ nodeAvailable: of(5 * mebi, mebi), podCgroup: of(mebi / 2), processes: of(4 * mebi), processesOutside: of(3 * mebi) },
      ...{ sandbox: of(3.5 * mebi, 1000), idleCpu: of(1_234_567), starts: [start, start] },
    }
    const facts = { runtimeType: 'io.containerd.kata.v2', shim: { path: '/bin/containerd-shim-kata-v2', version: '3.2.0' } }
    const status = measurementStatus(figures, { clock: world.clock, machine, facts, pods: 3, rounds: 2 })
    assert.deepEqual(
      [
        status.measuredAt,
        status.runtime?.version,
        status.memory?.sandbox,
        status.idleCpu?.mean,
        status.start?.total,
        status.recommended?.podFixed,
      ],
      [
        '2026-01-01T00:00:00Z',
        '3.2.0',
        { mean: '3584Ki', error: '1Ki', min: '3584Ki', max: '3584Ki', samples: 6 },
        '1235u',
        { p50Ms: 123, p90Ms: 123, p99Ms: 123, maxMs: 123, meanMs: 123, errorMs: 0, samples: 2 },
        { cpu: '2m', memory: '5Mi' },
      ],
    )
    assert.deepEqual(latencyOf([30, 10, 20]), { p50Ms: 20, p90Ms: 30, p99Ms: 30, maxMs: 30, meanMs: 20, errorMs: 25, samples: 3 })
  })
})
