import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import { preemptionVictims } from './kubelet-preemption.ts'

const mi = 1024 * 1024
const pod = (name: string, resources: object, more: object = {}): Pod =>
  Pod.decode(
    { metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'a', image: 'i', resources }], ...more } },
    { unknown: [] },
  )
const burstable = (name: string, cpu: string, memory: string, more = {}) => pod(name, { requests: { cpu, memory } }, more)
const guaranteed = (name: string, cpu: string, memory: string) => pod(name, { limits: { cpu, memory } })
const bestEffort = (name: string, more = {}) => pod(name, {}, more)
const critical = pod('critical', {}, { priority: 2_000_000_000 })

describe('preemptionVictims', () => {
  cases<{ name: string; pods: Pod[]; missing: Record<string, number>; want: string[] | undefined; preemptor?: Pod }>(
    [
      {
        name: 'one Burstable Pod that is enough, before two, and before Guaranteed ones',
        pods: [burstable('small', '100m', '10Mi'), burstable('big', '500m', '10Mi'), guaranteed('safe', '500m', '10Mi')],
        missing: { cpu: 300 },
        want: ['big'],
      },
      {
        name: 'of two that are enough the one that requests less',
        pods: [burstable('more', '1', '200Mi'), burstable('less', '1', '100Mi')],
        missing: { cpu: 500 },
        want: ['less'],
      },
      {
        name: 'a Guaranteed Pod only for what the others cannot free',
        pods: [burstable('little', '100m', '10Mi'), guaranteed('a', '400m', '10Mi'), guaranteed('b', '2', '10Mi')],
        missing: { cpu: 450 },
        want: ['little', 'a'],
      },
      {
        name: 'the slot of a BestEffort Pod',
        pods: [burstable('works', '100m', '10Mi'), bestEffort('idle')],
        missing: { pods: 1 },
        want: ['idle'],
      },
      {
        name: 'overhead frees nothing where nothing else is requested',
        pods: [bestEffort('sandboxed', { overhead: { memory: '500Mi' } })],
        missing: { memory: 100 * mi },
        want: undefined,
      },
      {
        name: 'overhead counts where something is requested',
        pods: [burstable('sandboxed', '100m', '50Mi', { overhead: { memory: '60Mi' } })],
        missing: { memory: 100 * mi },
        want: ['sandboxed'],
      },
      {
        name: 'no critical Pod for another',
        pods: [burstable('other', '1', '1Gi', { priority: 2_000_000_000 })],
        missing: { cpu: 100 },
        want: undefined,
      },
      {
        name: 'the more critical may end the less critical',
        pods: [burstable('other', '1', '1Gi', { priority: 2_000_000_000 })],
        preemptor: pod('node-critical', {}, { priority: 2_000_001_000 }),
        missing: { cpu: 100 },
        want: ['other'],
      },
    ],
    ({ pods, missing, want, preemptor = critical }) => {
      const victims = preemptionVictims(preemptor, pods, new Map(Object.entries(missing)))
      assert.deepEqual(
        victims?.map(({ metadata }) => metadata.name),
        want,
      )
    },
  )
})
