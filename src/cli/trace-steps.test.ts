import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { admissionAnnotation, schedulingAnnotation } from '../api/polypod/trace-notes.ts'
import type { NodeTrace } from '../node/trace/node-trace.ts'
import { cases } from '../testing/cases.ts'
import { otlpTrace } from './trace-otlp.ts'
import { podTrace, type TraceFacts } from './trace-steps.ts'
import { traceText } from './trace-text.ts'

const t0 = Date.parse('2026-01-02T03:04:05.000Z')
const at = (ms: number) => new Date(t0 + ms).toISOString()
const uid = '0f0e0d0c-1111-2222-3333-444455556666'
const overhead = { cpu: '10m' }
const admission = { at: at(0), class: 'legacy', handler: 'runc-v1', overhead, nodeSelector: { sandbox: 'yes' } }
const scheduling = {
  at: at(20),
  queuedMs: 5,
  attempt: 1,
  node: 'a',
  nodes: 3,
  examined: 3,
  feasible: 2,
  score: 187,
  next: { node: 'b', score: 150 },
}

function podOf(spec: object = { runtimeClassName: 'legacy', nodeName: 'a' }, notes: Record<string, object> = {}): Pod {
  const annotations = Object.fromEntries(Object.entries(notes).map(([key, value]) => [key, JSON.stringify(value)]))
  const metadata = { name: 'web', namespace: 'ns', uid, creationTimestamp: '2026-01-02T03:04:05Z', annotations }
  const containers = [{ name: 'main', image: 'busybox' }]
  return { ...Pod.decode({ metadata, spec: { containers, ...spec } }, { unknown: [] }), status: { phase: 'Running' } }
}
const noted = podOf(undefined, { [admissionAnnotation]: admission, [schedulingAnnotation]: scheduling })
const legacy = RuntimeClass.decode({ metadata: { name: 'legacy', resourceVersion: '7' }, handler: 'runc-v1' }, { unknown: [] })

const service = 'containerd.runtime.linux.shim.v1.Shim'
const node: NodeTrace = {
  ...{ node: 'a', uid, observedAtMs: t0 + 9000, simulated: false, runtime: { name: 'containerd', version: '1.6.20' } },
  resolved: 'runc-v1',
  sandbox: {
    ...{ id: 'abcdef0123456789', attempt: 0, state: 'ready', handler: 'runc-v1', createdAtMs: t0 + 60, ip: '10.0.0.2' },
    runtimeType: 'io.containerd.runtime.v1.linux',
    process: { pid: 12, startedAtMs: t0 + 140, argv: ['/pause'], exe: '/pause' },
  },
  config: {
    ...{
      file: '/etc/containerd/config.toml',
      line: 34,
      table: '[x.runtimes.runc-v1]',
      runtimeType: 'io.containerd.runtime.v1.linux',
    },
    ...{ handler: 'runc-v1', containerd: { pid: 5, path: '/usr/bin/containerd', startedAtMs: t0 - 1e6 } },
  },
  shim: {
    ...{ pid: 11, parent: 5, path: '/usr/bin/containerd-shim', argv: [], startedAtMs: t0 + 100, api: 'v1', protocol: 'ttrpc' },
    bundle: '/run/io.containerd.runtime.v1.linux/k8s.io/abc',
    answers: [
      { service, method: 'ShimInfo', shimPid: 11, unknown: false },
      { service: 'containerd.task.v2.Task', method: 'Connect', error: 'no', unknown: true },
    ],
  },
  ociRuntime: { name: 'runc', path: '/usr/sbin/runc', version: '1.1.5', state: { file: '/run/x/state.json', pid: 12 } },
  containers: [
    {
      ...{ name: 'main', id: 'c1', state: 'running', createdAtMs: t0 + 200, startedAtMs: t0 + 300 },
      process: { pid: 14, startedAtMs: t0 + 280, argv: ['sleep'] },
      shim: { pid: 13, path: '/usr/bin/containerd-shim' },
    },
  ],
  kernel: { release: '6.1', isNodes: true, how: 'cat /proc/version in container main' },
  notes: [
    { what: 'AdmitPod', atMs: t0 + 25, tookMs: 1 },
    { what: 'RunPodSandbox', handler: 'runc-v1', atMs: t0 + 30, tookMs: 4, error: 'no network' },
    { what: 'RunPodSandbox', handler: 'runc-v1', atMs: t0 + 50, tookMs: 110, id: 'abcdef0123456789' },
    { what: 'CreateContainer', container: 'main', atMs: t0 + 190, tookMs: 30, id: 'c1' },
    { what: 'StartContainer', container: 'main', atMs: t0 + 220, tookMs: 80 },
  ],
  notesFile: '/data/pods/x/trace.jsonl',
  missing: [],
}
const facts = (more: Partial<TraceFacts> = {}): TraceFacts => ({ pod: noted, runtimeClass: legacy, events: [], node, ...more })

describe('the trace of a Pod that runs', () => {
  const trace = podTrace(facts())

  it('has five steps, each with its time, how long it took, and what it came to', () => {
    assert.deepEqual(
      trace.steps.map((s) => [s.step, s.name, s.state, s.at, s.durationMs, s.summary]),
      [
        [
          1,
          'admission',
          'done',
          at(0),
          15,
          'class legacy means handler runc-v1; it brought overhead cpu=10m; nodeSelector sandbox=yes',
        ],
        [
          2,
          'scheduling',
          'done',
          at(20),
          5,
          'a: looked at 3 nodes, 2 fit; score 187, next best b 150; its kubelet saw it 5 ms later',
        ],
        [
          ...[3, 'kubelet', 'done', at(50), 110],
          'class legacy resolved to handler "runc-v1"; RunPodSandbox(runtime_handler: "runc-v1") after a failure made sandbox abcdef0123456',
        ],
        [
          ...[4, 'containerd', 'done', at(50), 50],
          'containerd 1.6.20: handler runc-v1 is /etc/containerd/config.toml:34 [x.runtimes.runc-v1], runtime_type io.containerd.runtime.v1.linux',
        ],
        [
          ...[5, 'shim', 'done', at(100), 40],
          "/usr/bin/containerd-shim pid 11, shim API v1 over ttrpc; runc 1.1.5; sandbox pid 12; main pid 14 (shim pid 13); kernel 6.1 (the node's)",
        ],
      ],
    )
    assert.equal(trace.summary, 'runc-v1: io.containerd.runtime.v1.linux, runc 1.1.5, shim API v1, shim pid 11')
  })

  it('says of each where it can be read again', () => {
    assert.deepEqual(
      trace.steps.map((s) => s.proof.length > 0),
      [true, true, true, true, true],
    )
    assert.deepEqual(trace.steps[4]?.proof, [
      "/proc/12/stat: the sandbox's process has shim 11 above it",
      '/proc/11/cwd -> /run/io.containerd.runtime.v1.linux/k8s.io/abc',
      `the shim answers ${service}/ShimInfo: shim pid 11`,
      'the shim does not know containerd.task.v2.Task',
      "runc's own state names pid 12: /run/x/state.json",
      '/usr/sbin/runc --version',
      'cat /proc/version in container main',
    ])
    for (const { summary } of trace.steps) assert.ok(traceText(trace).includes(summary))
  })

  it('is a tree of spans in OTLP, whose id is the UID', () => {
    const spans = otlpTrace(trace).resourceSpans.map(({ resource, scopeSpans }) => {
      const [span] = scopeSpans[0]?.spans ?? assert.fail()
      const named = resource.attributes.find(({ key }) => key === 'service.name')?.value
      return [
        named,
        span?.name,
        span?.parentSpanId === undefined,
        Number(BigInt(span?.endTimeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0)) / 1e6,
      ]
    })
    assert.deepEqual(spans, [
      [{ stringValue: 'polypod' }, 'pod ns/web', true, 160],
      [{ stringValue: 'kube-apiserver' }, 'admission', false, 15],
      [{ stringValue: 'kube-scheduler' }, 'scheduling', false, 5],
      [{ stringValue: 'kubelet' }, 'kubelet', false, 110],
      [{ stringValue: 'containerd' }, 'containerd', false, 50],
      [{ stringValue: 'containerd-shim' }, 'shim', false, 40],
      [{ stringValue: 'kubelet' }, 'AdmitPod', false, 1],
      [{ stringValue: 'kubelet' }, 'RunPodSandbox', false, 4],
      [{ stringValue: 'kubelet' }, 'RunPodSandbox', false, 110],
      [{ stringValue: 'kubelet' }, 'CreateContainer', false, 30],
      [{ stringValue: 'kubelet' }, 'StartContainer', false, 80],
    ])
    const [, ...steps] = otlpTrace(trace).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans[0]?.spans ?? [])
    const [root] = otlpTrace(trace).resourceSpans[0]?.scopeSpans[0]?.spans ?? []
    const kubelet = steps.find(({ name }) => name === 'kubelet')?.spanId
    assert.equal(new Set(steps.map(({ spanId }) => spanId)).size, steps.length)
    for (const [i, { traceId, spanId, parentSpanId }] of steps.entries()) {
      assert.deepEqual([traceId, parentSpanId], ['0f0e0d0c111122223333444455556666', i < 5 ? root?.spanId : kubelet])
      assert.match(spanId, /^[0-9a-f]{16}$/)
    }
  })
})

describe('the trace of a Pod whose shim is the runtime', () => {
  const shim = { ...node.shim, path: '/usr/bin/containerd-shim-kata-v2', version: '3.2.0', api: 'v2' } as NodeTrace['shim']
  const trace = podTrace(facts({ node: { ...node, shim, ociRuntime: undefined } }))

  it('has its version, and where that is from', () => {
    assert.equal(
      trace.summary,
      'runc-v1: io.containerd.runtime.v1.linux, containerd-shim-kata-v2 3.2.0, shim API v2, shim pid 11',
    )
    const step = trace.steps[4] ?? assert.fail()
    assert.ok(
      step.summary.startsWith('/usr/bin/containerd-shim-kata-v2 3.2.0 pid 11, shim API v2 over ttrpc; sandbox'),
      step.summary,
    )
    assert.ok(step.proof.includes('/usr/bin/containerd-shim-kata-v2 --version'))
  })
})

describe('the trace of a Pod of which not everything is known', () => {
  const states = (more: Partial<TraceFacts>) => podTrace(facts(more)).steps.map(({ state, summary }) => [state, summary])
  const failing: NodeTrace = {
    ...node,
    sandbox: undefined,
    shim: undefined,
    config: undefined,
    notes: node.notes.slice(0, 2),
    containers: [],
  }
  cases(
    [
      {
        name: 'says what nobody noted',
        more: { pod: podOf(), runtimeClass: undefined },
        step: 2,
        want: ['unknown', 'a: how it was chosen was not noted (another scheduler, or written into the Pod)'],
      },
      {
        name: 'does not take what the Pod asked for itself for the doing of its class',
        more: { pod: podOf() },
        step: 1,
        want: [
          'done',
          'class legacy means handler runc-v1; what of its selector and tolerations came from the class was not noted',
        ],
      },
      {
        name: 'says that the namespace gave the class',
        more: { pod: podOf(undefined, { [admissionAnnotation]: { ...admission, from: 'namespace' } }) },
        step: 1,
        want: [
          'done',
          "class legacy (from the namespace's default) means handler runc-v1; it brought overhead cpu=10m; nodeSelector sandbox=yes",
        ],
      },
      {
        name: 'says that a Pod without a class gets the default',
        more: { pod: podOf({ nodeName: 'a' }), runtimeClass: undefined },
        step: 1,
        want: ['done', 'no RuntimeClass: the default handler of whatever node it gets'],
      },
      {
        name: 'tells the runtime\u2019s own words when no sandbox starts',
        more: { node: failing },
        step: 3,
        want: ['failed', 'class legacy resolved to handler "runc-v1"; RunPodSandbox failed (1x): no network'],
      },
      {
        name: 'blames the configuration when no table names the handler',
        more: {
          node: {
            ...failing,
            config: { ...node.config, line: undefined, table: undefined, runtimeType: undefined } as NodeTrace['config'],
          },
        },
        step: 4,
        want: [
          'failed',
          'containerd 1.6.20: no table of /etc/containerd/config.toml names handler "runc-v1": every call for it is refused',
        ],
      },
      {
        name: 'blames shim and runtime when there is a table, and still no sandbox',
        more: { node: { ...failing, config: node.config } },
        step: 5,
        want: ['failed', 'no network'],
      },
      {
        name: 'says that a simulated node runs nothing',
        more: { node: { ...failing, simulated: true, notes: [] } },
        step: 5,
        want: ['unknown', 'simulated: nothing real runs this Pod'],
      },
      {
        name: 'says when the node is silent',
        more: { node: undefined, nodeError: 'node a does not tell: 502' },
        step: 4,
        want: ['unknown', 'its node cannot be asked'],
      },
      {
        name: 'waits for a node',
        more: { pod: podOf({ runtimeClassName: 'legacy' }), node: undefined },
        step: 3,
        want: ['pending', 'no node has the Pod yet'],
      },
      {
        name: 'sees that the file is not what runs',
        more: { node: { ...node, config: { ...node.config, runtimeType: 'io.containerd.runc.v2' } as NodeTrace['config'] } },
        step: 4,
        want: [
          'done',
          'containerd 1.6.20: handler runc-v1 is /etc/containerd/config.toml:34 [x.runtimes.runc-v1], runtime_type io.containerd.runc.v2; but the sandbox runs io.containerd.runtime.v1.linux: the file has changed since',
        ],
      },
    ],
    ({ more, step, want }) => assert.deepEqual(states(more)[step - 1], want),
  )
})
