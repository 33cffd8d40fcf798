import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { rfc3339 } from '../lib/clock.ts'
import { cases } from '../testing/cases.ts'
import { silenced, tainted } from './node-health.ts'

const nowMs = 1_700_000_000_000
const now = rfc3339(nowMs)
const nodeOf = (fields: Record<string, unknown>): Node =>
  Node.decode({ metadata: { name: 'node-1', creationTimestamp: '2023-01-01T00:00:00Z' }, ...fields }, { unknown: [] })
const withConditions = (conditions: Record<string, string>, spec: Record<string, unknown> = {}) =>
  nodeOf({ spec, status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) } })

describe('a silent node', () => {
  const before = '2023-11-01T00:00:00Z'
  const stopped = {
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastHeartbeatTime: before,
    lastTransitionTime: now,
  }
  const never = (type: string) => ({
    type,
    status: 'Unknown',
    lastHeartbeatTime: '2023-01-01T00:00:00Z',
    lastTransitionTime: now,
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
  })
  const well = (type: string, status: string) => ({
    ...{ type, status, reason: 'Kubelet', message: 'fine' },
    lastHeartbeatTime: before,
    lastTransitionTime: before,
  })

  it('is Unknown in all that its kubelet reports, and says what was never posted', () => {
    const given = nodeOf({ status: { conditions: [well('Ready', 'True'), well('DiskPressure', 'False'), well('Mine', 'True')] } })
    const conditions = [
      { type: 'Ready', ...stopped },
      { type: 'DiskPressure', ...stopped },
      well('Mine', 'True'),
      never('MemoryPressure'),
      never('PIDPressure'),
    ]
    const silent = silenced(given, nowMs)
    assert.deepEqual(silent, { ...given, status: { ...given.status, conditions } })
    assert.equal(silenced(silent, nowMs + 1000), silent)
  })
})

describe('taints follow conditions', () => {
  const add = (key: string, effect = 'NoSchedule') => ({ key: `node.kubernetes.io/${key}`, effect, timeAdded: now })
  const own = { key: 'gpu', effect: 'NoExecute' }
  cases(
    [
      { name: 'none when all is well', conditions: { Ready: 'True', MemoryPressure: 'False' }, spec: {}, want: undefined },
      {
        name: 'not ready',
        conditions: { Ready: 'False' },
        spec: {},
        want: [add('not-ready'), add('not-ready', 'NoExecute')],
      },
      {
        name: 'unknown means unreachable',
        conditions: { Ready: 'Unknown', MemoryPressure: 'Unknown' },
        spec: {},
        want: [add('unreachable'), add('unreachable', 'NoExecute')],
      },
      {
        name: 'from not ready to unreachable',
        conditions: { Ready: 'Unknown' },
        spec: { taints: [add('not-ready'), add('not-ready', 'NoExecute'), own] },
        want: [own, add('unreachable'), add('unreachable', 'NoExecute')],
      },
      {
        name: 'recovery takes ours away and leaves others',
        conditions: { Ready: 'True' },
        spec: { taints: [add('not-ready'), own, add('unreachable', 'NoExecute')] },
        want: [own],
      },
      {
        name: 'pressures of every kind',
        conditions: {
          Ready: 'True',
          MemoryPressure: 'True',
          DiskPressure: 'True',
          PIDPressure: 'True',
          NetworkUnavailable: 'True',
        },
        spec: {},
        want: [add('memory-pressure'), add('disk-pressure'), add('pid-pressure'), add('network-unavailable')],
      },
      {
        name: 'an unknown pressure is none',
        conditions: { Ready: 'True', DiskPressure: 'Unknown' },
        spec: { taints: [add('disk-pressure')] },
        want: [],
      },
      {
        name: 'a cordoned node',
        conditions: { Ready: 'True' },
        spec: { unschedulable: true },
        want: [add('unschedulable')],
      },
      {
        name: 'keeps the time a taint was added',
        conditions: { Ready: 'False' },
        spec: { taints: [{ ...add('not-ready'), timeAdded: '2023-01-01T00:00:00Z' }] },
        want: [{ ...add('not-ready'), timeAdded: '2023-01-01T00:00:00Z' }, add('not-ready', 'NoExecute')],
      },
      {
        name: 'a node that said nothing yet keeps what it was registered with',
        conditions: {},
        spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
        want: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }],
      },
    ],
    ({ conditions, spec, want }) => {
      const node = tainted(withConditions(conditions, spec), nowMs)
      assert.deepEqual(node.spec.taints, want)
      assert.equal(tainted(node, nowMs + 1000), node)
    },
  )
})
