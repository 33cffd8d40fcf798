import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { decide, enoughNodes, isPlaced, worldOf } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { failureText } from './explain.ts'
import { addPod, nodeView, type NodeView } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import { preempt } from './preempt.ts'
import { requesting, sampleNode, type SampleNode, samplePod } from './sample.ts'
import { upstreamProfile } from './upstream-profile.ts'

const classes = new Map([
  ['kata', 'kata-qemu'],
  ['plain', 'runc'],
])
const world = { classes, random: () => 0.999 }

const onNode = (name: string, node: SampleNode = {}, pods: readonly object[] = []): NodeView => {
  const view = nodeView(sampleNode(name, node))
  for (const [i, spec] of pods.entries()) addPod(view, podNeed(samplePod(`${name}-${i}`, spec)))
  return view
}
const verdict = (spec: object, nodes: readonly NodeView[], profile = defaultProfile): string => {
  const need = podNeed(samplePod('p', spec))
  const decision = decide(need, nodes, profile, world)
  if (isPlaced(decision)) return decision.node.name
  const preemption = preempt(need, decision, { ...worldOf(nodes, world), profile, budgets: [] })
  return failureText(decision, preemption.do === 'nothing' ? preemption.why : undefined)
}

const taint = (key: string, value: string | undefined, effect: string) => ({ spec: { taints: [{ key, value, effect }] } })
const required = (...nodeSelectorTerms: object[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
})
const expression = (key: string, operator: string, ...values: string[]) => ({ matchExpressions: [{ key, operator, values }] })
const hopeless = (n: number) => `preemption: 0/${n} nodes are available: ${n} Preemption is not helpful for scheduling.`
const noVictims = (n: number) => `preemption: 0/${n} nodes are available: ${n} No preemption victims found for incoming pod.`
const port = (hostPort: number, hostIP?: string, protocol = 'TCP') => ({
  containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }],
})
const initPort = (restartPolicy?: string) => ({ initContainers: [{ ...port(80).containers[0], restartPolicy }] })
const elsewhere = `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. ${hopeless(1)}`

describe('one filter at a time', () => {
  const gpu = 'example.com/gpu'
  cases(
    [
      { name: 'a Pod fits an empty node', pod: {}, node: onNode('a'), want: 'a' },
      {
        name: 'a cordoned node',
        pod: {},
        node: onNode('a', { spec: { unschedulable: true } }),
        want: `0/1 nodes are available: 1 node(s) were unschedulable. ${hopeless(1)}`,
      },
      {
        name: 'a cordoned node takes Pods that tolerate it',
        pod: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
        node: onNode('a', { spec: { unschedulable: true } }),
        want: 'a',
      },
      {
        name: 'another node is named',
        pod: { nodeName: 'b' },
        node: onNode('a'),
        want: `0/1 nodes are available: 1 node(s) didn't match the requested node name. ${hopeless(1)}`,
      },
      {
        name: 'a taint with a value',
        pod: {},
        node: onNode('a', taint('team', 'x', 'NoSchedule')),
        want: `0/1 nodes are available: 1 node(s) had untolerated taint {team: x}. ${hopeless(1)}`,
      },
      {
        name: 'a taint without a value',
        pod: { tolerations: [{ key: 'other', operator: 'Exists' }] },
        node: onNode('a', taint('node.kubernetes.io/not-ready', undefined, 'NoExecute')),
        want: `0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. ${hopeless(1)}`,
      },
      {
        name: 'a toleration of another effect does not count',
        pod: { tolerations: [{ key: 'team', value: 'x', effect: 'NoExecute' }] },
        node: onNode('a', taint('team', 'x', 'NoSchedule')),
        want: `0/1 nodes are available: 1 node(s) had untolerated taint {team: x}. ${hopeless(1)}`,
      },
      {
        name: 'equal value tolerates',
        pod: { tolerations: [{ key: 'team', value: 'x' }] },
        node: onNode('a', taint('team', 'x', 'NoSchedule')),
        want: 'a',
      },
      {
        name: 'PreferNoSchedule keeps nobody away',
        pod: {},
        node: onNode('a', taint('team', 'x', 'PreferNoSchedule')),
        want: 'a',
      },
      {
        name: 'a node selector that does not match',
        pod: { nodeSelector: { disk: 'ssd' } },
        node: onNode('a', { labels: { disk: 'hdd' } }),
        want: elsewhere,
      },
      { name: 'a port that is free', pod: port(80), node: onNode('a', {}, [port(81), port(80, '', 'UDP')]), want: 'a' },
      {
        name: 'a port that is taken',
        pod: port(80),
        node: onNode('a', {}, [port(80, '10.0.0.1')]),
        want: `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`,
      },
      {
        name: 'a port that is taken on every address',
        pod: port(80, '10.0.0.2'),
        node: onNode('a', {}, [port(80)]),
        want: `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`,
      },
      {
        name: 'a port of a sidecar',
        pod: port(80),
        node: onNode('a', {}, [initPort('Always')]),
        want: `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. ${noVictims(1)}`,
      },
      { name: 'a port of an init container that ends', pod: port(80), node: onNode('a', {}, [initPort()]), want: 'a' },
      { name: 'a port on another address', pod: port(80, '10.0.0.2'), node: onNode('a', {}, [port(80, '10.0.0.1')]), want: 'a' },
      {
        name: 'exactly what is left fits',
        pod: requesting({ cpu: '1', memory: '1Gi' }),
        node: onNode('a', {}, [requesting({ cpu: '3', memory: '7Gi' })]),
        want: 'a',
      },
      {
        name: 'everything that is short is told',
        pod: requesting({ cpu: '1001m', memory: '2Gi', [gpu]: '1' }),
        node: onNode('a', { allocatable: { [gpu]: '1' } }, [requesting({ cpu: '3', memory: '7Gi', [gpu]: '1' })]),
        want: `0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory. ${noVictims(1)}`,
      },
      {
        name: 'overhead counts, of the Pod and of those that are there',
        pod: { ...requesting({ cpu: '1' }), overhead: { cpu: '1500m' } },
        node: onNode('a', {}, [{ ...requesting({ cpu: '1' }), overhead: { cpu: '600m' } }]),
        want: `0/1 nodes are available: 1 Insufficient cpu. ${noVictims(1)} overhead: cpu 1500m of 2500m; without it 1/1 nodes would do.`,
      },
      {
        name: 'more than the node could ever give',
        pod: requesting({ memory: '9Gi' }),
        node: onNode('a'),
        want: `0/1 nodes are available: 1 Insufficient memory. ${hopeless(1)}`,
      },
      {
        name: 'too many Pods, also for one that requests nothing',
        pod: {},
        node: onNode('a', { allocatable: { pods: '1' } }, [{}]),
        want: `0/1 nodes are available: 1 Too many pods. ${noVictims(1)}`,
      },
      {
        name: 'a Pod of lower priority will go: nothing is said of preemption',
        pod: { ...requesting({ cpu: '4' }), priority: 5 },
        node: onNode('a', {}, [{ ...requesting({ cpu: '1' }), priority: 4 }]),
        want: '0/1 nodes are available: 1 Insufficient cpu.',
      },
      {
        name: 'a Pod that would not preempt',
        pod: { ...requesting({ cpu: '5' }), preemptionPolicy: 'Never' },
        node: onNode('a'),
        want: '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
      },
      {
        name: 'a handler that is not there names handler and class',
        pod: { runtimeClassName: 'kata' },
        node: onNode('a', { handlers: ['', 'runc'] }),
        want: `0/1 nodes are available: 1 node(s) do not offer runtime handler "kata-qemu" of RuntimeClass "kata". ${hopeless(1)}`,
      },
      {
        name: 'a handler that is there',
        pod: { runtimeClassName: 'plain' },
        node: onNode('a', { handlers: ['', 'runc'] }),
        want: 'a',
      },
      { name: 'a node that reports no handlers is trusted', pod: { runtimeClassName: 'kata' }, node: onNode('a'), want: 'a' },
      {
        name: 'a class that is gone',
        pod: { runtimeClassName: 'lost' },
        node: onNode('a', { handlers: ['runc'] }),
        want: `0/1 nodes are available: RuntimeClass "lost" not found. ${hopeless(1)}`,
      },
    ],
    ({ pod, node, want }) => assert.equal(verdict(pod, [node]), want),
  )
})

describe('required node affinity', () => {
  const node = onNode('a', { labels: { zone: 'z1', cores: '16', odd: 'x1' } })
  const field = (operator: string, value: string) => ({ matchFields: [{ key: 'metadata.name', operator, values: [value] }] })
  const term = expression
  cases(
    [
      { name: 'In', terms: [term('zone', 'In', 'z0', 'z1')], fits: true },
      { name: 'In, absent', terms: [term('none', 'In', 'z1')], fits: false },
      { name: 'NotIn', terms: [term('zone', 'NotIn', 'z1')], fits: false },
      { name: 'NotIn, absent', terms: [term('none', 'NotIn', 'z1')], fits: true },
      { name: 'Exists', terms: [term('zone', 'Exists')], fits: true },
      { name: 'Exists, absent', terms: [term('none', 'Exists')], fits: false },
      { name: 'Exists is not fooled by what every object has', terms: [term('constructor', 'Exists')], fits: false },
      { name: 'DoesNotExist', terms: [term('zone', 'DoesNotExist')], fits: false },
      { name: 'DoesNotExist, absent', terms: [term('none', 'DoesNotExist')], fits: true },
      { name: 'Gt', terms: [term('cores', 'Gt', '15')], fits: true },
      { name: 'Gt, equal', terms: [term('cores', 'Gt', '16')], fits: false },
      { name: 'Lt', terms: [term('cores', 'Lt', '17')], fits: true },
      { name: 'Lt, not a number', terms: [term('odd', 'Lt', '17')], fits: false },
      { name: 'an unknown operator', terms: [term('zone', 'Like', 'z1')], fits: false },
      { name: 'the name of the node', terms: [field('In', 'a')], fits: true },
      { name: 'not the name of the node', terms: [field('NotIn', 'a')], fits: false },
      { name: 'fields and expressions both', terms: [{ ...field('In', 'a'), ...term('zone', 'In', 'z2') }], fits: false },
      { name: 'either term', terms: [term('zone', 'In', 'z2'), term('cores', 'Exists')], fits: true },
      { name: 'an empty term matches nothing', terms: [{}], fits: false },
      { name: 'no term matches nothing', terms: [], fits: false },
    ],
    ({ terms, fits }) => assert.equal(verdict(required(...terms), [node]), fits ? 'a' : elsewhere),
  )
  it('needs the selector as well', () => {
    assert.equal(verdict({ ...required(term('zone', 'Exists')), nodeSelector: { zone: 'z2' } }, [node]), elsewhere)
  })
})

describe('many nodes', () => {
  it('counts reasons, sorted as upstream sorts them', () => {
    const nodes = [
      onNode('a', taint('key', 'value', 'NoSchedule')),
      onNode('b', taint('key', 'value', 'NoSchedule')),
      onNode('c', {}, [requesting({ cpu: '4' })]),
    ]
    const need = podNeed(samplePod('p', requesting({ cpu: '1' })))
    const decision = decide(need, nodes, defaultProfile, world)
    assert.ok(!isPlaced(decision))
    assert.equal(
      verdict(requesting({ cpu: '1' }), nodes),
      '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {key: value}. ' +
        'preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    )
    assert.deepEqual(
      decision.refusals.map((r) => r.filter),
      ['TaintToleration', 'TaintToleration', 'NodeResourcesFit'],
    )
    assert.deepEqual(decision.refusals[2]?.reasons, [
      { text: 'Insufficient cpu', shortage: { resource: 'cpu', need: 1000, used: 4000, capacity: 4000, ofWhichOverhead: 0 } },
    ])
  })

  it('says so when there are none', () => assert.equal(verdict({}, []), 'no nodes available to schedule pods'))

  it('tells how much of a shortage is overhead', () => {
    const need = podNeed(samplePod('p', { ...requesting({ memory: '8Gi' }), overhead: { memory: '120Mi' } }))
    const decision = decide(need, [onNode('a')], defaultProfile, world)
    assert.ok(!isPlaced(decision))
    assert.deepEqual(decision.refusals[0]?.reasons[0]?.shortage, {
      ...{ resource: 'memory', need: 8 * 2 ** 30 + 120 * 2 ** 20, used: 0, capacity: 8 * 2 ** 30 },
      ofWhichOverhead: 120 * 2 ** 20,
    })
  })

  it('leaves handlers to the kubelet in the upstream profile', () => {
    const nodes = [onNode('a', { handlers: ['', 'runc'] })]
    assert.equal(verdict({ runtimeClassName: 'kata' }, nodes, upstreamProfile), 'a')
    assert.equal(verdict({ runtimeClassName: 'lost' }, nodes, upstreamProfile), 'a')
  })

  const prefer = (weight: number, preference: object) => ({
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, preference }] } },
  })
  cases(
    [
      {
        name: 'the emptier node',
        pod: requesting({ cpu: '1', memory: '1Gi' }),
        nodes: [onNode('a', {}, [requesting({ cpu: '2', memory: '4Gi' })]), onNode('b')],
        // b: (75 + 87) / 2 = 81 free, (1 - |0.25 - 0.125| / 2) = 93 balanced, 300 for no soft taint
        want: { node: 'b', score: 300 + 81 + 93 },
      },
      {
        name: 'silent containers count as something',
        pod: {},
        nodes: [onNode('a', {}, [{}, {}, {}, {}, {}, {}]), onNode('b', {}, [requesting({ cpu: '10m', memory: '10Mi' })])],
        // b: (97 + 97) / 2; a Pod that requests nothing is not balanced
        want: { node: 'b', score: 300 + 97 },
      },
      {
        name: 'the balanced node among equally free ones',
        pod: requesting({ cpu: '1', memory: '2Gi' }),
        nodes: [
          onNode('a', {}, [requesting({ cpu: '2', memory: '0' })]),
          onNode('b', {}, [requesting({ cpu: '1', memory: '2Gi' })]),
        ],
        want: { node: 'b', score: 300 + 50 + 100 },
      },
      {
        name: 'a preferred node beats an empty one',
        pod: { ...requesting({ cpu: '1', memory: '2Gi' }), ...prefer(1, expression('disk', 'In', 'ssd')) },
        nodes: [onNode('a', { labels: { disk: 'ssd' } }, [requesting({ cpu: '1', memory: '2Gi' })]), onNode('b')],
        want: { node: 'a', score: 300 + 200 + 50 + 100 },
      },
      {
        name: 'a node without a soft taint beats an empty one',
        pod: requesting({ cpu: '1', memory: '2Gi' }),
        nodes: [onNode('a', {}, [requesting({ cpu: '1', memory: '2Gi' })]), onNode('b', taint('slow', '', 'PreferNoSchedule'))],
        want: { node: 'a', score: 300 + 50 + 100 },
      },
    ],
    ({ pod, nodes, want }) => {
      for (const order of [nodes, nodes.toReversed()]) {
        const decision = decide(podNeed(samplePod('p', pod)), order, defaultProfile, world)
        assert.ok(isPlaced(decision))
        assert.deepEqual({ node: decision.node.name, score: decision.score }, want)
        assert.deepEqual([decision.feasible, decision.examined], [2, 2])
      }
    },
  )

  it('breaks ties evenly by the random numbers given', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((name) => onNode(name))
    const chosen: Record<string, number> = {}
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    for (let i = 0; i < 4000; i++) {
      const decision = decide(podNeed(samplePod('p')), nodes, defaultProfile, { classes, random })
      if (isPlaced(decision)) chosen[decision.node.name] = (chosen[decision.node.name] ?? 0) + 1
    }
    assert.deepEqual(Object.keys(chosen).sort(), ['a', 'b', 'c', 'd'])
    for (const times of Object.values(chosen)) assert.ok(times > 900 && times < 1100, `${times} of 4000`)
  })

  it('stops at enough nodes, starting where it is told', () => {
    const nodes = Array.from({ length: 10 }, (_, i) => onNode(`n${i}`, i % 2 ? {} : { spec: { unschedulable: true } }))
    const decision = decide(podNeed(samplePod('p')), nodes, defaultProfile, { ...world, start: 8, enough: 2 })
    assert.ok(isPlaced(decision))
    assert.deepEqual([decision.feasible, decision.examined], [2, 4])
    // the first of the two that were found, n9 and n1
    assert.equal(decision.node.name, 'n9')
  })

  cases(
    [
      { name: 'small clusters are looked through', nodes: 99, want: 99 },
      { name: 'a hundred at least', nodes: 150, want: 100 },
      { name: '42 % of 1000', nodes: 1000, want: 420 },
      { name: '10 % of 5000', nodes: 5000, want: 500 },
      { name: '5 % from then on', nodes: 10_000, want: 500 },
    ],
    ({ nodes, want }) => assert.equal(enoughNodes(nodes), want),
  )
})
