// What kubectl shows of each kind, header and row.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { Event } from './core/event.ts'
import { Node } from './core/node.ts'
import { Pod } from './core/pod.ts'
import { Service } from './core/service.ts'
import type { AnyKind } from './kind.ts'
import { PriorityClass } from './scheduling/priority-class.ts'

type Json = Record<string, unknown>
const now = Date.parse('2026-01-01T00:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()

/** Cells by the name of their column; wide ones are marked with a star. */
function cells(kind: AnyKind, object: Json): [string, string | number][] {
  const decoded = kind.decode({ metadata: { name: 'x', creationTimestamp: ago(300) }, ...object }, { unknown: [] })
  return (kind.columns ?? []).map((c) => [c.wide ? `${c.name}*` : c.name, c.cell(decoded, now)])
}

const status = (name: string, more: Json = {}) => ({ name, ready: false, restartCount: 0, image: '', imageID: '', ...more })
const running = { ready: true, started: true, state: { running: {} } }
const waiting = (reason: string) => ({ state: { waiting: { reason } } })
const ended = (terminated: Json) => ({ state: { terminated } })
const done = ended({ exitCode: 0, reason: 'Completed' })
const condition = (type: string) => ({ type, status: 'True' })
const init = { initContainers: [{ name: 'i' }, { name: 'j' }] }
const sidecar = { initContainers: [{ name: 's', restartPolicy: 'Always' }] }

describe('columns of a Pod', () => {
  const rows: { name: string; spec?: Json; given: Json; meta?: Json; want: string[] }[] = [
    { name: 'new', given: { phase: 'Pending' }, want: ['0/1', 'Pending', '0'] },
    {
      name: 'gated',
      given: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
      want: ['0/1', 'SchedulingGated', '0'],
    },
    { name: 'evicted', given: { phase: 'Failed', reason: 'Evicted' }, want: ['0/1', 'Evicted', '0'] },
    {
      name: 'starting',
      given: { phase: 'Pending', containerStatuses: [status('a', waiting('ContainerCreating'))] },
      want: ['0/1', 'ContainerCreating', '0'],
    },
    { name: 'running', given: { phase: 'Running', containerStatuses: [status('a', running)] }, want: ['1/1', 'Running', '0'] },
    {
      name: 'restarted',
      given: {
        phase: 'Running',
        containerStatuses: [
          status('a', { ...running, restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: ago(5) } } }),
        ],
      },
      want: ['1/1', 'Running', '3 (5s ago)'],
    },
    {
      name: 'crashing',
      given: { phase: 'Running', containerStatuses: [status('a', { ...waiting('CrashLoopBackOff'), restartCount: 1 })] },
      want: ['0/1', 'CrashLoopBackOff', '1'],
    },
    {
      name: 'ended by a signal',
      given: { phase: 'Failed', containerStatuses: [status('a', ended({ exitCode: 137, signal: 9 }))] },
      want: ['0/1', 'Signal:9', '0'],
    },
    {
      name: 'ended with a code',
      given: { phase: 'Failed', containerStatuses: [status('a', ended({ exitCode: 3 }))] },
      want: ['0/1', 'ExitCode:3', '0'],
    },
    { name: 'completed', given: { phase: 'Succeeded', containerStatuses: [status('a', done)] }, want: ['0/1', 'Completed', '0'] },
    {
      name: 'completed in part, not ready',
      spec: { containers: [{ name: 'a' }, { name: 'b' }] },
      given: { phase: 'Running', containerStatuses: [status('a', done), status('b', running)] },
      want: ['1/2', 'NotReady', '0'],
    },
    {
      name: 'completed in part, ready',
      spec: { containers: [{ name: 'a' }, { name: 'b' }] },
      given: { phase: 'Running', conditions: [condition('Ready')], containerStatuses: [status('a', done), status('b', running)] },
      want: ['1/2', 'Running', '0'],
    },
    {
      name: 'initialising',
      spec: init,
      given: { phase: 'Pending', initContainerStatuses: [status('i', done), status('j', waiting('PodInitializing'))] },
      want: ['0/1', 'Init:1/2', '0'],
    },
    {
      name: 'initialising fails',
      spec: init,
      given: { phase: 'Pending', initContainerStatuses: [status('i', { ...ended({ exitCode: 2 }), restartCount: 4 })] },
      want: ['0/1', 'Init:ExitCode:2', '4'],
    },
    {
      name: 'initialising fails again',
      spec: init,
      given: { phase: 'Pending', initContainerStatuses: [status('i', waiting('CrashLoopBackOff'))] },
      want: ['0/1', 'Init:CrashLoopBackOff', '0'],
    },
    {
      name: 'restarts of init containers are forgotten',
      spec: init,
      given: {
        phase: 'Running',
        conditions: [condition('Initialized')],
        initContainerStatuses: [status('i', { ...done, restartCount: 4 }), status('j', done)],
        containerStatuses: [status('a', running)],
      },
      want: ['1/1', 'Running', '0'],
    },
    {
      name: 'a sidecar counts',
      spec: sidecar,
      given: {
        phase: 'Running',
        initContainerStatuses: [status('s', { ...running, restartCount: 2 })],
        containerStatuses: [status('a', running)],
      },
      want: ['2/2', 'Running', '2'],
    },
    {
      name: 'going away',
      meta: { deletionTimestamp: ago(1) },
      given: { phase: 'Running', containerStatuses: [status('a', running)] },
      want: ['1/1', 'Terminating', '0'],
    },
    {
      name: 'going away when it is over',
      meta: { deletionTimestamp: ago(1) },
      given: { phase: 'Succeeded', containerStatuses: [status('a', done)] },
      want: ['0/1', 'Completed', '0'],
    },
    {
      name: 'lost with its node',
      meta: { deletionTimestamp: ago(1) },
      given: { phase: 'Running', reason: 'NodeLost' },
      want: ['0/1', 'Unknown', '0'],
    },
  ]
  // a row may leave `spec` and `meta` out
  cases(
    rows.map((row) => ({ spec: {}, meta: {}, ...row })),
    ({ spec, given, meta, want }) => {
      const pod = { metadata: { name: 'x', ...meta }, spec: { containers: [{ name: 'a' }], ...spec }, status: given }
      const shown = cells(Pod, pod).filter(([name]) => !name.endsWith('*'))
      assert.deepEqual(shown, [
        ['Ready', want[0]],
        ['Status', want[1]],
        ['Restarts', want[2]],
      ])
    },
  )

  it('shows more when asked', () => {
    const spec = { containers: [], nodeName: 'n', readinessGates: [{ conditionType: 'a/b' }, { conditionType: 'c/d' }] }
    const shown = cells(Pod, { spec, status: { podIPs: [{ ip: '10.0.0.1' }], conditions: [condition('a/b')] } })
    assert.deepEqual(shown.slice(3), [
      ['IP*', '10.0.0.1'],
      ['Node*', 'n'],
      ['Nominated Node*', '<none>'],
      ['Readiness Gates*', '1/2'],
    ])
  })
})

describe('columns', () => {
  it('of a Node', () => {
    const shown = cells(Node, {
      metadata: {
        name: 'n',
        creationTimestamp: ago(300),
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [condition('Ready')],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.32.0', containerRuntimeVersion: 'containerd://1.6.20', kernelVersion: '6.1' },
      },
    })
    assert.deepEqual(shown, [
      ['Name', 'n'],
      ['Status', 'Ready,SchedulingDisabled'],
      ['Roles', 'control-plane,worker'],
      ['Age', '5m'],
      ['Version', 'v1.32.0'],
      ['Internal-IP*', '10.0.0.1'],
      ['External-IP*', '<none>'],
      ['OS-Image*', '<unknown>'],
      ['Kernel-Version*', '6.1'],
      ['Container-Runtime*', 'containerd://1.6.20'],
    ])
  })

  cases(
    [
      { name: 'a Node that said nothing', conditions: [], want: 'Unknown' },
      { name: 'a Node that is not ready', conditions: [{ type: 'Ready', status: 'False' }], want: 'NotReady' },
      { name: 'a Node that went silent', conditions: [{ type: 'Ready', status: 'Unknown' }], want: 'NotReady' },
    ],
    ({ conditions, want }) => assert.deepEqual(cells(Node, { status: { conditions } })[1], ['Status', want]),
  )

  it('of an Event', () => {
    const event = {
      involvedObject: { kind: 'Pod', name: 'web', fieldPath: 'spec.containers{a}' },
      ...{ type: 'Warning', reason: 'Failed', message: ' no such image\n', count: 4 },
      ...{ source: { component: 'kubelet', host: 'n' }, firstTimestamp: ago(600), lastTimestamp: ago(9) },
    }
    assert.deepEqual(cells(Event, event), [
      ['Last Seen', '9s'],
      ['Type', 'Warning'],
      ['Reason', 'Failed'],
      ['Object', 'pod/web'],
      ['Subobject*', 'spec.containers{a}'],
      ['Source*', 'kubelet, n'],
      ['Message', 'no such image'],
      ['First Seen*', '10m'],
      ['Count*', 4],
      ['Name*', 'x'],
    ])
  })

  it('of a Service', () => {
    const ports = [{ port: 80 }, { port: 53, protocol: 'UDP', nodePort: 30_053 }]
    assert.deepEqual(cells(Service, { spec: { clusterIP: '10.96.0.1', ports, selector: { b: 'c', a: 'b' } } }), [
      ['Name', 'x'],
      ['Type', 'ClusterIP'],
      ['Cluster-IP', '10.96.0.1'],
      ['External-IP', '<none>'],
      ['Port(s)', '80/TCP,53:30053/UDP'],
      ['Age', '5m'],
      ['Selector*', 'a=b,b=c'],
    ])
  })

  it('of a PriorityClass', () => {
    assert.deepEqual(cells(PriorityClass, { value: 7 }), [
      ['Name', 'x'],
      ['Value', 7],
      ['Global-Default', 'false'],
      ['Age', '5m'],
      ['PreemptionPolicy', 'PreemptLowerPriority'],
    ])
  })
})
