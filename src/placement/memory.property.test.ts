// A decision with memory is the decision without, whatever happened to nodes and Pods in between.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { it } from 'vitest'
import { decide, type Decision, isPlaced } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { memory } from './memory.ts'
import { addPod, denominate, nodeView, nominate, type NodeView, removePod, showNode } from './node-view.ts'
import { podNeed, type PodNeed } from './pod-need.ts'
import type { Profile } from './profile.ts'
import { requesting, sampleNode, samplePod } from './sample.ts'
import { upstreamProfile } from './upstream-profile.ts'

const terms = (labels: Record<string, string>) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: { matchLabels: labels } }],
})
/** By number; none of two is like another. */
const shapes: readonly object[] = [
  {},
  requesting({ cpu: '500m', memory: '1Gi' }),
  { ...requesting({ cpu: '500m', memory: '1Gi' }), overhead: { cpu: '250m' } },
  { ...requesting({ cpu: '1' }), runtimeClassName: 'kata' },
  { ...requesting({ cpu: '1' }), runtimeClassName: 'plain' },
  { nodeSelector: { zone: 'z1' } },
  { tolerations: [{ key: 'team', operator: 'Exists' }] },
  { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] },
  { affinity: { podAntiAffinity: terms({ app: 'a' }) } },
  { topologySpreadConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }] },
  {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 7, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['z0'] }] } },
        ],
      },
    },
  },
]
const nodeStates: readonly object[] = [
  { handlers: ['runc', 'kata-qemu'] },
  { handlers: ['runc'] },
  { spec: { unschedulable: true } },
  { spec: { taints: [{ key: 'team', value: 'x', effect: 'NoSchedule' }] } },
  { spec: { taints: [{ key: 'team', value: 'y', effect: 'PreferNoSchedule' }] } },
  { allocatable: { cpu: '1', memory: '2Gi', pods: '2' } },
]
const many = 4
const event = fc.oneof(
  fc.record({ do: fc.constant('place' as const), shape: fc.nat(2) }),
  fc.record({ do: fc.constant('leave' as const), nth: fc.nat(20) }),
  fc.record({ do: fc.constant('node' as const), at: fc.nat(many - 1), state: fc.nat(nodeStates.length - 1) }),
  fc.record({ do: fc.constant('promise' as const), at: fc.nat(many - 1), shape: fc.nat(2) }),
  fc.record({ do: fc.constant('unpromise' as const), at: fc.nat(many - 1) }),
  fc.record({ do: fc.constant('drop' as const), at: fc.nat(many - 1) }),
  fc.record({ do: fc.constant('class' as const), handler: fc.constantFrom('runc', 'kata-qemu', undefined) }),
)

const story = fc.array(event, { minLength: 20, maxLength: 80 })

const nodeNamed = (i: number, state: object) => sampleNode(`n${i}`, { ...state, labels: { zone: `z${i % 2}` } })
const needOf = (name: string, shape: number) => {
  const pod = samplePod(name, shapes[shape])
  return podNeed({
    ...pod,
    metadata: { ...pod.metadata, labels: { app: shape % 2 ? 'a' : 'b' } },
    spec: { ...pod.spec, priority: 1 },
  })
}
const told = (decision: Decision) =>
  isPlaced(decision)
    ? { ...decision, node: decision.node.name }
    : { ...decision, refusals: decision.refusals.map(({ node, ...why }) => [node.name, why]) }

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

/** Few shapes at a time, from the `first` on: memory is about those that come again. */
function replay(profile: Profile, first: number, events: readonly Event[]): void {
  const journal = { epoch: 0, changed: [] }
  const nodes: NodeView[] = Array.from({ length: many }, (_, i) => nodeView(nodeNamed(i, {}), journal))
  const classes = new Map([
    ['kata', 'kata-qemu'],
    ['plain', 'runc'],
  ])
  const placed: { node: NodeView; uid: string }[] = []
  const remembered = memory(profile, journal)
  const need = (name: string, { shape }: { shape: number }) => needOf(name, (first + shape) % shapes.length)
  let start = 0
  const place = (pod: PodNeed) => {
    const options = { classes, random: () => 0.5, start, enough: 3 }
    const decision = decide(pod, nodes, profile, { ...options, memory: remembered })
    assert.deepEqual(told(decision), told(decide(pod, nodes, profile, options)))
    start += decision.examined
    if (!isPlaced(decision)) return
    addPod(decision.node, pod)
    placed.push({ node: decision.node, uid: pod.uid })
  }
  for (const [i, one] of events.entries()) {
    if (one.do === 'place') place(need(`p${i}`, one))
    else if (one.do === 'leave') for (const gone of placed.splice(one.nth, 1)) removePod(gone.node, gone.uid)
    else if (one.do === 'node') showNode(nodes[one.at] as NodeView, nodeNamed(one.at, nodeStates[one.state] ?? {}))
    else if (one.do === 'promise') nominate(nodes[one.at] as NodeView, { ...need(`vip${i}`, one), uid: 'vip', priority: 5 })
    else if (one.do === 'unpromise') denominate(nodes[one.at] as NodeView, 'vip')
    else if (one.do === 'drop') {
      // as the scheduler's list: those behind it move up, and the node comes back last
      journal.epoch += 1
      for (const gone of nodes.splice(one.at, 1)) nodes.push(nodeView(gone.node, journal))
    } else if (one.handler) classes.set('kata', one.handler)
    else classes.delete('kata')
  }
}

it('decides the same', () => {
  const profiles = fc.constantFrom<Profile>(defaultProfile, upstreamProfile)
  fc.assert(fc.property(profiles, fc.nat(shapes.length - 1), story, replay), { numRuns: 500 })
})

it('asks what looks at others last, so that what is remembered comes first', () => {
  for (const { name, filters } of [defaultProfile, upstreamProfile]) {
    const asking = filters.map(({ asksOthers = false }) => asksOthers)
    assert.deepEqual(
      asking,
      asking.toSorted((a, b) => Number(a) - Number(b)),
      name,
    )
  }
})
