import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { Pod } from './pod.ts'
import { qosClass } from './qos.ts'

const both = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const podOf = (spec: Record<string, unknown>) => Pod.decode({ spec }, { unknown: [] })
const of = (...resources: unknown[]) => resources.map((r, i) => ({ name: `c${i}`, image: 'i', resources: r }))

describe('qosClass', () => {
  cases(
    [
      { name: 'nothing asked is BestEffort', spec: { containers: of({}) }, want: 'BestEffort' },
      {
        name: 'limits for both in every container are Guaranteed',
        spec: { containers: of(both('1', '1Gi')) },
        want: 'Guaranteed',
      },
      {
        name: 'limits alone are Guaranteed, for they default the requests',
        spec: { containers: of({ limits: { cpu: '1', memory: '1Gi' } }) },
        want: 'Guaranteed',
      },
      {
        name: 'equal amounts in other spellings are Guaranteed',
        spec: { containers: of({ requests: { cpu: '0.1', memory: '1Gi' }, limits: { cpu: '100m', memory: '1024Mi' } }) },
        want: 'Guaranteed',
      },
      {
        name: 'one container without limits makes it Burstable',
        spec: { containers: of(both('1', '1Gi'), {}) },
        want: 'Burstable',
      },
      { name: 'a memory limit alone is Burstable', spec: { containers: of({ limits: { memory: '1Gi' } }) }, want: 'Burstable' },
      {
        name: 'a request below the limit is Burstable',
        spec: { containers: of({ requests: { cpu: '1' }, limits: { cpu: '2', memory: '1Gi' } }) },
        want: 'Burstable',
      },
      {
        name: 'a zero request beside a limit is Burstable',
        spec: { containers: of({ requests: { cpu: '0' }, limits: { cpu: '2', memory: '1Gi' } }) },
        want: 'Burstable',
      },
      { name: 'zero amounts are nothing asked', spec: { containers: of(both('0', '0')) }, want: 'BestEffort' },
      {
        name: 'other resources do not count',
        spec: { containers: of({ limits: { 'example.com/gpu': '1', 'ephemeral-storage': '1Gi' } }) },
        want: 'BestEffort',
      },
      {
        name: 'overhead alone is BestEffort',
        spec: { containers: of({}), overhead: { cpu: '1', memory: '140Mi' } },
        want: 'BestEffort',
      },
      {
        name: 'overhead leaves Guaranteed alone',
        spec: { containers: of(both('1', '1Gi')), overhead: { cpu: '1' } },
        want: 'Guaranteed',
      },
      {
        name: 'an init container counts',
        spec: { containers: of({}), initContainers: of({ requests: { cpu: '1' } }) },
        want: 'Burstable',
      },
      {
        name: 'an ephemeral container does not count',
        spec: { containers: of({}), ephemeralContainers: of(both('1', '1')) },
        want: 'BestEffort',
      },
      {
        name: 'Pod-level resources count instead of the containers',
        spec: { containers: of({ requests: { cpu: '1' } }), resources: both('2', '1Gi') },
        want: 'Guaranteed',
      },
      {
        name: 'empty Pod-level resources count for nothing',
        spec: { containers: of({ requests: { cpu: '1' } }), resources: {} },
        want: 'Burstable',
      },
    ],
    ({ spec, want }) => assert.equal(qosClass(podOf(spec)), want),
  )
})
