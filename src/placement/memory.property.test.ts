// A decision with memory is the decision without, whatever happened to nodes and Pods in between.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { it } from 'vitest'
import { decide, type Decision, isPlaced } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { memory } from './memory.ts'
import { addPod, nodeView, type NodeView, removePod, showNode } from './node-view.ts'
import { podNeed } from './pod-need.ts'
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
const many = 6
const event = fc.oneof(
  fc.record({ do: fc.constant('place' as const), shape: fc.nat(shapes.length - 1) }),
  fc.record({ do: fc.constant('leave' as const), nth: fc.nat(20) }),
  fc.record({ do: fc.constant('node' as const), at: fc.nat(many - 1), state: fc.nat(nodeStates.length - 1) }),
  fc.record({ do: fc.constant('promise' as const), at: fc.nat(many - 1), shape: fc.nat(shapes.length - 1) }),
  fc.record({ do: fc.constant('drop' as const), at: fc.nat(many - 1) }),
  fc.record({ do: fc.constant('class' as const), handler: fc.constantFrom('runc', 'kata-qemu', undefined) }),
)

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

it('decides the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Profile>(defaultProfile, upstreamProfile),
      fc.array(event, { maxLength: 60 }),
      (profile, events) => {
        const nodes: NodeView[] = Array.from({ length: many }, (_, i) => nodeView(nodeNamed(i, {})))
        const classes = new Map([
          ['kata', 'kata-qemu'],
          ['plain', 'runc'],
        ])
        const placed: { node: NodeView; uid: string }[] = []
        const remembered = memory(profile)
        let start = 0
        for (const [i, one] of events.entries()) {
          if (one.do === 'place') {
            const need = needOf(`p${i}`, one.shape)
            const options = { classes, random: () => 0.5, start, enough: 3 }
            const decision = decide(need, nodes, profile, { ...options, memory: remembered })
            assert.deepEqual(told(decision), told(decide(need, nodes, profile, options)))
            start += decision.examined
            if (!isPlaced(decision)) continue
            addPod(decision.node, need)
            placed.push({ node: decision.node, uid: need.uid })
          } else if (one.do === 'leave') {
            const [gone] = placed.splice(one.nth, 1)
            if (gone) removePod(gone.node, gone.uid)
          } else if (one.do === 'node') {
            const node = nodes[one.at]
            if (node) showNode(node, nodeNamed(one.at, nodeStates[one.state] ?? {}))
          } else if (one.do === 'promise') {
            const need = { ...needOf(`vip${i}`, one.shape), priority: 5 }
            nodes[one.at]?.nominated.set(need.uid, need)
          } else if (one.do === 'drop') {
            // as the scheduler's list: those behind it move up, and the node comes back last
            const [gone] = nodes.splice(one.at, 1)
            if (gone) nodes.push(nodeView(gone.node))
          } else if (one.handler) classes.set('kata', one.handler)
          else classes.delete('kata')
        }
      },
    ),
    { numRuns: 400 },
  )
})

it('asks what looks at others last, so that what is remembered comes first', () => {
  for (const { name, filters } of [defaultProfile, upstreamProfile]) {
    const asking = filters.map(({ asksOthers = false }) => asksOthers)
    assert.deepEqual(asking, [...asking].sort(), name)
  }
})
