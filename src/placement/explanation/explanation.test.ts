// What no simulated cluster comes into at will: nodes that are lost, Pods that make room, ends and their reasons.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import type { AnyKind, AnyObject } from '../../api/kind.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import { admissionAnnotation } from '../../api/polypod/trace-notes.ts'
import { cases } from '../../testing/cases.ts'
import { defaultProfile } from '../default-profile.ts'
import { requesting, sampleNode, samplePod } from '../sample.ts'
import { asWritten } from './as-written.ts'
import { applied, podStep } from './change.ts'
import { explain } from './explanation.ts'
import { type Facts, viewsOf } from './facts.ts'
import { observedOf } from './observed.ts'

interface Around {
  nodes?: readonly Node[]
  others?: readonly Pod[]
  more?: readonly (readonly [AnyKind, readonly object[]])[]
  events?: readonly Event[]
}

const node = (name: string, ready = 'True') => {
  const lost = [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]
  const one = sampleNode(name, ready === 'True' ? {} : { spec: { taints: lost } })
  const conditions = [{ type: 'Ready', status: ready, message: `${name} said ${ready}` }]
  return Node.decode(JSON.parse(JSON.stringify({ ...one, status: { ...one.status, conditions } })), { unknown: [] })
}

function factsOf(pod: Pod, { nodes = [node('a'), node('b')], others = [], more = [], events = [] }: Around = {}): Facts {
  const objects = new Map<AnyKind, readonly AnyObject[]>([
    [Node, nodes as readonly AnyObject[]],
    [Pod, [...others, pod] as readonly AnyObject[]],
    ...more.map(([kind, list]) => [kind, list as readonly AnyObject[]] as const),
  ])
  const observed = observedOf(pod, events)
  return { pod, isCreated: true, objects, observed, profile: defaultProfile, schedulerName: 'default-scheduler', nowMs: 0 }
}

/** Lets everything in, as it is. */
const around = { admit: async ({ pod }: Facts) => ({ pod }), pause: async () => undefined }
const told = async (pod: Pod, world?: Around) => {
  const { verdict, causes = [], changes = [], hints = [] } = await explain(factsOf(pod, world), around)
  return { verdict, cause: causes.map(({ type, message }) => `${type}: ${message}`), change: changes[0]?.summary, hints }
}

const withStatus = (pod: Pod, status: object): Pod => Pod.decode({ ...pod, status }, { unknown: [] })
const on = (name: string, nodeName: string, status: object, spec: object = {}) =>
  withStatus(samplePod(name, { nodeName, ...spec }), status)
const ended = (terminated: object, waiting: object = { reason: 'CrashLoopBackOff' }) => ({
  phase: 'Running',
  containerStatuses: [{ name: 'c', state: { waiting }, lastState: { terminated }, restartCount: 4, image: 'i', imageID: 'x' }],
})
const limited = { containers: [{ name: 'c', image: 'i', resources: { limits: { memory: '64Mi' } } }] }

describe('an explanation', () => {
  const rows = [
    {
      name: 'tells of a node that is not ready, and of another one',
      pod: on('p', 'b', { phase: 'Pending' }),
      world: { nodes: [node('a'), node('b', 'Unknown')] },
      want: {
        verdict: 'Stuck',
        cause: ['NodeNotReady: node b is not ready: b said Unknown'],
        change: 'make the Pod anew',
        hints: [],
      },
    },
    {
      name: 'has no cure for the trouble of a node',
      pod: samplePod('p'),
      world: {
        nodes: [sampleNode('a', { spec: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] } })],
      },
      want: {
        verdict: 'Waits',
        cause: ['TaintToleration: a: taint node.kubernetes.io/unreachable:NoExecute is not tolerated'],
        change: undefined,
        hints: ['look at the node, its taint tells of a trouble: kubectl describe node a'],
      },
    },
    {
      name: 'tells of a node that is gone',
      pod: on('p', 'z', { phase: 'Running' }),
      world: {},
      want: { verdict: 'Stuck', cause: ['NodeGone: there is no node z'], change: 'make the Pod anew', hints: [] },
    },
    {
      name: 'tells of a cluster without nodes',
      pod: samplePod('p'),
      world: { nodes: [] },
      want: {
        verdict: 'Waits',
        cause: ['NoNodes: the cluster has no nodes'],
        change: undefined,
        hints: ['start a node: polypod up'],
      },
    },
    {
      name: 'tells whose place a Pod takes, and asks for nothing',
      pod: samplePod('p', { priority: 10, ...requesting({ cpu: '3' }) }),
      world: { nodes: [node('a')], others: [samplePod('low', { nodeName: 'a', ...requesting({ cpu: '2' }) })] },
      want: {
        verdict: 'Waits',
        cause: ['Preempting: it takes the place of default/low on a, and waits until they have gone'],
        change: undefined,
        hints: [],
      },
    },
    {
      name: 'tells of a container that had too little memory, and of twice as much',
      pod: on('p', 'a', ended({ exitCode: 137, reason: 'OOMKilled' }), limited),
      world: {},
      want: {
        verdict: 'Stuck',
        cause: ['CrashLoop: container "c" ends again and again: OOMKilled, exit code 137; restarted 4 times'],
        change: 'raise the memory limit of container "c" to 128Mi',
        hints: [],
      },
    },
    {
      name: 'tells all that is wrong at once, and where to look when nothing could be checked',
      pod: on('p', 'a', ended({ exitCode: 137, reason: 'OOMKilled' }), {
        containers: [{ name: 'c', image: 'i', resources: { requests: { memory: '6Gi' }, limits: { memory: '6Gi' } } }],
      }),
      world: { nodes: [] },
      want: {
        verdict: 'Stuck',
        cause: [
          'NodeGone: there is no node a',
          'CrashLoop: container "c" ends again and again: OOMKilled, exit code 137; restarted 4 times',
        ],
        change: undefined,
        hints: ['what it said before it ended with 137: kubectl logs p -n default -c c --previous'],
      },
    },
    {
      name: 'tells of finalizers that hold a Pod',
      pod: Pod.decode(
        {
          ...samplePod('p'),
          metadata: {
            name: 'p',
            namespace: 'default',
            deletionTimestamp: '2026-01-01T00:00:00Z',
            finalizers: ['example.com/hold'],
          },
        },
        { unknown: [] },
      ),
      world: {},
      want: {
        verdict: 'Waits',
        cause: [
          'Deleting: it is being deleted since 2026-01-01T00:00:00Z; finalizers example.com/hold have to be taken away by who set them',
        ],
        change: undefined,
        hints: [],
      },
    },
    {
      name: 'says of a Pod that runs that it does',
      pod: on('p', 'a', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
      world: {},
      want: { verdict: 'Runs', cause: [], change: undefined, hints: [] },
    },
    {
      name: 'says of a Pod that has done its work that it has',
      pod: on('p', 'a', { phase: 'Succeeded' }),
      world: {},
      want: { verdict: 'Ended', cause: [], change: undefined, hints: [] },
    },
  ]
  cases(rows, async ({ pod, world, want }) => assert.deepEqual(await told(pod, world), want))

  it('names where each thing comes from that a node has to have', async () => {
    const toleration = { key: 'vm', operator: 'Exists', effect: 'NoSchedule' }
    const kata = RuntimeClass.decode(
      {
        metadata: { name: 'kata' },
        handler: 'kata',
        overhead: { podFixed: { memory: '1Gi' } },
        scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [toleration] },
      },
      { unknown: [] },
    )
    const pod = samplePod('p', {
      ...{ runtimeClassName: 'kata', overhead: { memory: '1Gi' }, nodeSelector: { vm: 'yes', disk: 'ssd' } },
      ...{ tolerations: [{ key: 'own', operator: 'Exists' }, toleration], ...requesting({ memory: '1Gi' }) },
    })
    const { asks, runtimeClass } = await explain(factsOf(pod, { more: [[RuntimeClass, [kata]]] }), around)
    assert.deepEqual(runtimeClass, { name: 'kata', handler: 'kata' })
    assert.deepEqual(
      asks?.map(({ field, value, from }) => [field, value, from]),
      [
        ['nodeSelector', 'vm=yes', 'RuntimeClass kata'],
        ['nodeSelector', 'disk=ssd', 'Pod'],
        ['toleration', 'own', 'Pod'],
        ['toleration', 'vm:NoSchedule', 'RuntimeClass kata'],
        ['requests', 'memory 2Gi = 1Gi + 1Gi overhead', 'Pod + RuntimeClass kata'],
      ],
    )
  })
})

describe('a Pod of which admission noted what its class brought', () => {
  const toleration = { key: 'vm', operator: 'Exists', effect: 'NoSchedule' }
  const overhead = { memory: '1Gi' }
  const note = { at: '2026-01-02T03:04:05.678Z', class: 'kata', handler: 'kata-qemu', from: 'namespace', overhead }
  const merged = { nodeSelector: { vm: 'yes' }, tolerations: [toleration] }
  const plain = samplePod('p', {
    ...{ runtimeClassName: 'kata', overhead, nodeSelector: { vm: 'yes', disk: 'ssd' } },
    tolerations: [{ key: 'own', operator: 'Exists' }, toleration],
  })
  const annotations = { [admissionAnnotation]: JSON.stringify({ ...note, ...merged }) }
  const pod = { ...plain, metadata: { ...plain.metadata, annotations } }
  const edited = { metadata: { name: 'kata' }, handler: 'kata', scheduling: { nodeSelector: { disk: 'ssd' } } }
  const facts = factsOf(pod, { more: [[RuntimeClass, [RuntimeClass.decode(edited, { unknown: [] })]]] })

  it('goes by that, whatever was made of the class since', async () => {
    const { asks, runtimeClass } = await explain(facts, around)
    assert.deepEqual(runtimeClass, { name: 'kata', handler: 'kata', from: "the namespace's default" })
    assert.deepEqual(
      asks?.map(({ field, value, from }) => [field, value, from]),
      [
        ['nodeSelector', 'vm=yes', 'RuntimeClass kata'],
        ['nodeSelector', 'disk=ssd', 'Pod and RuntimeClass kata'],
        ['toleration', 'own', 'Pod'],
        ['toleration', 'vm:NoSchedule', 'RuntimeClass kata'],
        ['requests', 'memory 1Gi = 0 + 1Gi overhead', 'Pod + RuntimeClass kata'],
      ],
    )
  })

  it('is made anew without it', () => {
    const { runtimeClassName, overhead: left, nodeSelector, tolerations } = asWritten(facts).spec
    assert.deepEqual(
      { runtimeClassName, left, nodeSelector, tolerations },
      {
        runtimeClassName: undefined,
        left: undefined,
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'own', operator: 'Exists' }],
      },
    )
  })

  it('names the class also when that is gone', async () => {
    const { asks } = await explain(factsOf(pod), around)
    assert.equal(asks?.[0]?.from, 'RuntimeClass kata')
  })
})

describe('a Pod that is made anew', () => {
  const amounts = { 'requests.memory': '2Gi', pods: '3' }
  const quota = ResourceQuota.decode(
    {
      metadata: { name: 'q', namespace: 'default' },
      spec: { hard: amounts },
      status: { hard: amounts, used: { 'requests.memory': '1536Mi', pods: '2' } },
    },
    { unknown: [] },
  )
  const old = samplePod('p', { nodeName: 'a', ...requesting({ memory: '1Gi' }) })
  const facts = factsOf(old, { more: [[ResourceQuota, [quota]]] })
  const next = applied(facts, podStep(facts, { summary: 'anew', patch: [] }))

  it('gives back what it was charged, and its place', () => {
    assert.deepEqual(next?.objects.get(ResourceQuota), [
      { ...quota, status: { hard: amounts, used: { 'requests.memory': '512Mi', pods: '1' } } },
    ])
    assert.deepEqual(next && viewsOf(next).map(({ name, requested }) => [name, requested.memoryBytes]), [
      ['a', 0],
      ['b', 0],
    ])
    assert.deepEqual(
      viewsOf(facts).map(({ name, requested }) => [name, requested.memoryBytes]),
      [
        ['a', 2 ** 30],
        ['b', 0],
      ],
    )
  })

  it('is as somebody wrote it', () => {
    assert.deepEqual([next?.isCreated, next?.pod.spec.nodeName, next?.pod.metadata.uid], [false, undefined, undefined])
  })
})

describe('what kubectl apply has kept', () => {
  it('is the manifest that is changed', () => {
    const written = { metadata: { name: 'p' }, spec: { nodeSelector: { a: 'b' }, containers: [{ name: 'c', image: 'i' }] } }
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(written) }
    const stored = samplePod('p', { nodeSelector: { a: 'b', added: 'by somebody' } })
    const facts = factsOf({ ...stored, metadata: { ...stored.metadata, annotations } })
    const next = applied(facts, podStep(facts, { summary: 'anew', patch: [{ op: 'remove', path: '/spec/nodeSelector/a' }] }))
    assert.deepEqual([next?.isCreated, next?.pod.spec.nodeSelector], [false, undefined])
  })
})
