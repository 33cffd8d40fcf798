import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import { podStatus, type PodStatusFacts } from './pod-status.ts'
import type { ProbeResults } from './probe-worker.ts'
import { samplePod } from './sample-pod.ts'
import { sampleRun as run, sampleSandboxSeen as sandbox, sampleSeen as seen } from './sample-seen.ts'
import { nothingSeen, type Seen } from './seen.ts'

const healthy: ProbeResults = { started: true, ready: true, kill: undefined }
const at = '1970-01-01T00:01:00Z'
const facts = (more: Partial<PodStatusFacts> = {}): PodStatusFacts => ({
  ...{ now: 60_000, startedAt: 5000, hostIPs: ['192.0.2.1'], runtimeName: 'containerd', waiting: new Map(), ended: false },
  ...{ probes: () => healthy, failed: undefined },
  ...more,
})
const conditions = (status: Pod['status']) =>
  (status.conditions ?? []).map(({ type, status: is, reason, message }) =>
    [type, is, reason, message].filter((x) => x !== undefined).join(' '),
  )

describe('podStatus', () => {
  it('tells all of a running Pod', () => {
    assert.deepEqual(podStatus(samplePod(), seen([run('main', 'running')]), facts()), {
      phase: 'Running',
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        ...{ type, status: 'True', lastTransitionTime: at },
      })),
      ...{ hostIP: '192.0.2.1', hostIPs: [{ ip: '192.0.2.1' }], podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }] },
      startTime: '1970-01-01T00:00:05Z',
      containerStatuses: [
        {
          name: 'main',
          state: { running: { startedAt: '1970-01-01T00:00:10Z' } },
          ...{ lastState: {}, ready: true, restartCount: 0, started: true },
          ...{ image: 'docker.io/library/busybox:1', imageID: 'sha256:b', containerID: 'containerd://main-0' },
        },
      ],
      qosClass: 'BestEffort',
    })
  })

  it('tells all of a Pod that has only been bound', () => {
    const status = podStatus(samplePod(), nothingSeen, facts())
    assert.deepEqual(
      status.containerStatuses?.map(({ state, image, imageID, started }) => ({ state, image, imageID, started })),
      [{ state: { waiting: { reason: 'ContainerCreating' } }, image: 'busybox:1', imageID: '', started: false }],
    )
    assert.deepEqual(conditions(status), [
      'PodReadyToStartContainers False',
      'Initialized True',
      'Ready False ContainersNotReady containers with unready status: [main]',
      'ContainersReady False ContainersNotReady containers with unready status: [main]',
      'PodScheduled True',
    ])
    assert.deepEqual([status.phase, status.podIP], ['Pending', undefined])
  })

  it('keeps the time of a transition that is not one', () => {
    const before = podStatus(samplePod(), seen([run('main', 'running')]), facts())
    const later = podStatus(samplePod({}, {}, before), seen([run('main', 'exited', { exitCode: 1 })]), facts({ now: 90_000 }))
    assert.deepEqual(
      later.conditions?.map((c) => [c.type, c.lastTransitionTime]),
      [
        ['PodReadyToStartContainers', at],
        ['Initialized', at],
        ['Ready', '1970-01-01T00:01:30Z'],
        ['ContainersReady', '1970-01-01T00:01:30Z'],
        ['PodScheduled', at],
      ],
    )
  })

  it('leaves the conditions of others alone, and waits for readiness gates', () => {
    const gated = { readinessGates: [{ conditionType: 'lb/ready' }] }
    const told = (status: string) => ({ conditions: [{ type: 'lb/ready', status }] })
    const now = (pod: Pod) => conditions(podStatus(pod, seen([run('main', 'running')]), facts()))
    assert.equal(
      now(samplePod(gated))[2],
      'Ready False ReadinessGatesNotReady corresponding condition of pod readiness gate "lb/ready" does not exist.',
    )
    assert.equal(
      now(samplePod(gated, {}, told('False')))[2],
      'Ready False ReadinessGatesNotReady the status of pod readiness gate "lb/ready" is not "True", but False',
    )
    assert.deepEqual(
      [now(samplePod(gated, {}, told('True')))[2], now(samplePod(gated, {}, told('True')))[5]],
      ['Ready True', 'lb/ready True'],
    )
  })

  it('says why a Pod was not let in, and nothing of its containers', () => {
    const failed = { reason: 'OutOfcpu', message: 'Pod was rejected: no' }
    assert.deepEqual(podStatus(samplePod(), nothingSeen, facts({ failed })), {
      ...{ phase: 'Failed', ...failed, startTime: '1970-01-01T00:00:05Z', qosClass: 'BestEffort' },
    })
  })

  it('gives a Pod on the host network the addresses of the host', () => {
    const status = podStatus(samplePod({ hostNetwork: true }), seen([], { ips: [] }), facts())
    assert.deepEqual(
      [status.podIP, status.podIPs, conditions(status)[0]],
      ['192.0.2.1', [{ ip: '192.0.2.1' }], 'PodReadyToStartContainers True'],
    )
  })
})

describe('phase', () => {
  const init = [{ name: 'init', image: 'busybox:1' }]
  const aided = [{ name: 'side', image: 'busybox:1', restartPolicy: 'Always' }]
  const end = (exitCode: number, name = 'main') => run(name, 'exited', { exitCode })
  const rows: { name: string; pod: Record<string, unknown>; seen: Seen; ended?: boolean; told?: string; want: string }[] = [
    { name: 'Pending before anything runs', pod: {}, seen: nothingSeen, want: 'Pending' },
    {
      name: 'Pending while init containers run',
      pod: { initContainers: init },
      seen: seen([run('init', 'running')]),
      want: 'Pending',
    },
    {
      name: 'Pending while a failed init container is to be restarted',
      pod: { initContainers: init },
      seen: seen([end(1, 'init')]),
      want: 'Pending',
    },
    {
      name: 'Failed when it is not',
      pod: { initContainers: init, restartPolicy: 'Never' },
      seen: seen([end(1, 'init')]),
      want: 'Failed',
    },
    {
      name: 'Pending while only a sidecar runs',
      pod: { initContainers: aided },
      seen: seen([run('side', 'running')]),
      want: 'Pending',
    },
    { name: 'Running', pod: {}, seen: seen([run('main', 'running')]), want: 'Running' },
    { name: 'Running while it is restarted', pod: {}, seen: seen([end(1)]), want: 'Running' },
    {
      name: 'Running after a failure that is restarted',
      pod: { restartPolicy: 'OnFailure' },
      seen: seen([end(1)]),
      want: 'Running',
    },
    { name: 'Succeeded', pod: { restartPolicy: 'OnFailure' }, seen: seen([end(0)]), want: 'Succeeded' },
    { name: 'Failed', pod: { restartPolicy: 'Never' }, seen: seen([end(1)]), want: 'Failed' },
    { name: 'Succeeded when deleted and all went well', pod: {}, seen: seen([end(0)]), ended: true, want: 'Succeeded' },
    {
      name: 'not final while a sidecar still runs',
      pod: { initContainers: aided, restartPolicy: 'Never' },
      ...{ seen: seen([end(0), run('side', 'running')]), told: 'Running', want: 'Running' },
    },
    { name: 'Failed when deleted and it did not', pod: {}, seen: seen([end(143)]), ended: true, want: 'Failed' },
  ]
  cases(
    rows.map((row) => ({ ended: false, told: 'Pending', ...row })),
    (row) => {
      assert.equal(podStatus(samplePod(row.pod, {}, { phase: row.told }), row.seen, facts({ ended: row.ended })).phase, row.want)
    },
  )

  it('gives a reason for the failure of a Pod only once nothing of it runs', () => {
    const failed = { reason: 'DeadlineExceeded', message: 'too long' }
    const pod = samplePod({}, {}, { phase: 'Running' })
    const status = (state: 'running' | 'exited') => {
      const { phase, reason, message } = podStatus(pod, seen([run('main', state)]), facts({ failed }))
      return { phase, reason, message }
    }
    assert.deepEqual(status('running'), { phase: 'Running', reason: undefined, message: undefined })
    assert.deepEqual(status('exited'), { phase: 'Failed', ...failed })
  })

  it('never leaves a final phase', () => {
    assert.equal(podStatus(samplePod({}, {}, { phase: 'Succeeded' }), seen([run('main', 'running')]), facts()).phase, 'Succeeded')
  })
})

describe('container status', () => {
  const init = [{ name: 'init', image: 'busybox:1' }]
  const one = (pod: Pod, what: Seen, more: Partial<PodStatusFacts> = {}) => {
    const { state, lastState, ready, restartCount, started } =
      podStatus(pod, what, facts(more)).containerStatuses?.[0] ?? assert.fail()
    return { state, lastState, ready, restartCount, started }
  }
  const terminated = (attempt: number, exitCode: number, reason: string) => ({
    terminated: {
      ...{ exitCode, reason, startedAt: '1970-01-01T00:00:10Z', finishedAt: '1970-01-01T00:00:20Z' },
      containerID: `containerd://main-${attempt}`,
    },
  })
  const down = { ready: false, started: false }
  const crash = { reason: 'CrashLoopBackOff', message: 'back-off 10s' }

  it('says PodInitializing while init containers run', () => {
    const state = { waiting: { reason: 'PodInitializing' } }
    assert.deepEqual(one(samplePod({ initContainers: init }), seen([run('init', 'running')])), {
      state,
      lastState: {},
      restartCount: 0,
      ...down,
    })
  })

  it('shows the last end while it waits to be restarted', () => {
    const ended = run('main', 'exited', { exitCode: 2, attempt: 1 })
    assert.deepEqual(one(samplePod(), seen([ended]), { waiting: new Map([['main', crash]]) }), {
      ...{ state: { waiting: crash }, lastState: terminated(1, 2, 'Error'), restartCount: 1, ...down },
    })
  })

  it('shows the end before it once it runs again', () => {
    const runs = [run('main', 'running', { attempt: 1 }), run('main', 'exited', { reason: 'OOMKilled', exitCode: 137 })]
    assert.deepEqual(one(samplePod(), seen(runs)), {
      state: { running: { startedAt: '1970-01-01T00:00:10Z' } },
      ...{ lastState: terminated(0, 137, 'OOMKilled'), ready: true, restartCount: 1, started: true },
    })
  })

  it('is not ready before its probes say so', () => {
    const probes = () => ({ started: false, ready: false, kill: undefined })
    assert.deepEqual(one(samplePod(), seen([run('main', 'running')]), { probes }), {
      ...{ state: { running: { startedAt: '1970-01-01T00:00:10Z' } }, lastState: {}, restartCount: 0, ...down },
    })
  })

  it('shows why it cannot be started', () => {
    const waiting = { reason: 'ErrImagePull', message: 'not found' }
    assert.deepEqual(one(samplePod(), seen([]), { waiting: new Map([['main', waiting]]) }), {
      ...{ state: { waiting }, lastState: {}, restartCount: 0, ...down },
    })
  })

  it('is lost when its runtime has forgotten it', () => {
    const told = podStatus(samplePod(), seen([run('main', 'running')]), facts())
    assert.deepEqual(one(samplePod({ restartPolicy: 'Never' }, {}, told), nothingSeen, { ended: true }), {
      state: {
        terminated: {
          ...{ exitCode: 137, reason: 'ContainerStatusUnknown', containerID: 'containerd://main-0' },
          message: 'The container could not be located when the pod was terminated.  The container used to be Running',
        },
      },
      ...{ lastState: {}, ready: false, restartCount: 0, started: false },
    })
  })

  it('lists mounts', () => {
    const volumeMounts = [
      { name: 'a', mountPath: '/a' },
      { name: 'b', mountPath: '/b', readOnly: true },
    ]
    const pod = samplePod({ containers: [{ name: 'main', image: 'busybox:1', volumeMounts }] })
    assert.deepEqual(podStatus(pod, nothingSeen, facts()).containerStatuses?.[0]?.volumeMounts, [
      { name: 'a', mountPath: '/a' },
      { name: 'b', mountPath: '/b', readOnly: true, recursiveReadOnly: 'Disabled' },
    ])
  })
})

it('a Pod whose dead sandbox is known keeps its address until it has another', () => {
  const told = podStatus(samplePod(), seen([run('main', 'running')]), facts())
  const now = podStatus(samplePod({}, {}, told), seen([], { sandboxes: [sandbox('notready')], ips: [] }), facts())
  assert.equal(now.podIP, '10.1.2.3')
})

it('says what runs a Pod, also after its end', () => {
  const proof = { handler: '', runtimeType: 'io.containerd.runc.v2', ociRuntime: 'runc 1.1.5' }
  const told = podStatus(samplePod(), seen([run('main', 'running')], { proof }), facts({ defaultHandler: 'runc' }))
  const said = 'polypod.dev/SandboxRuntime True ShimUnknown runc (default): io.containerd.runc.v2, runc 1.1.5'
  assert.equal(conditions(told).at(-1), said)
  const ended = seen([run('main', 'exited')], { sandboxes: [sandbox('notready')], ips: [] })
  const over = podStatus(samplePod({ restartPolicy: 'Never' }, {}, told), ended, facts({ ended: true }))
  assert.deepEqual([over.phase, conditions(over).at(-1)], ['Succeeded', said])
  const next = { ...proof, handler: 'crun', ociRuntime: undefined }
  const again = podStatus(samplePod({}, {}, told), seen([run('main', 'running')], { proof: next }), facts({ now: 90_000 }))
  const { message, lastTransitionTime } = again.conditions?.at(-1) ?? {}
  assert.deepEqual([message, lastTransitionTime], ['crun: io.containerd.runc.v2', at])
})
