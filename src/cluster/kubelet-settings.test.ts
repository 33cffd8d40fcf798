import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { checkKubeletSettings, type KubeletSettings, kubeletOptions } from './kubelet-settings.ts'

describe('kubeletOptions', () => {
  cases<{ name: string; given: KubeletSettings | undefined; want: ReturnType<typeof kubeletOptions> }>(
    [
      { name: 'nothing said', given: undefined, want: { maxPods: undefined, reserved: {} } },
      {
        name: 'both reservations add up',
        given: { kubeReserved: { cpu: '100m', memory: '100Mi' }, systemReserved: { cpu: '1', pid: '100' }, maxPods: 5 },
        want: { maxPods: 5, reserved: { cpu: '1100m', memory: '100Mi', pid: '100' } },
      },
      {
        name: 'eviction as it was said',
        given: { evictionHard: { 'memory.available': '1Gi' } },
        want: { maxPods: undefined, reserved: {}, eviction: { evictionHard: { 'memory.available': '1Gi' } } },
      },
    ],
    ({ given, want }) => assert.deepEqual(kubeletOptions(given), want),
  )
})

describe('checkKubeletSettings', () => {
  cases<{ name: string; given: KubeletSettings; want: RegExp }>(
    [
      { name: 'a resource nobody can reserve', given: { kubeReserved: { pods: '1' } }, want: /pods cannot be reserved/ },
      { name: 'no quantity', given: { systemReserved: { cpu: 'half' } }, want: /reserved cpu: half is no quantity/ },
      { name: 'a threshold that is none', given: { evictionHard: { 'memory.available': '-1' } }, want: /memory\.available: -1/ },
    ],
    ({ given, want }) => assert.throws(() => checkKubeletSettings(given), want),
  )
})
