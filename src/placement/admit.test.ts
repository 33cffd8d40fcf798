import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { admit } from './admit.ts'
import { addPod, nodeView } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import { requesting, sampleNode, type SampleNode, samplePod } from './sample.ts'

const busy = { ...requesting({ cpu: '3', memory: '1Gi' }), overhead: { memory: '1Gi' } }
const Gi = 2 ** 30
const port = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] }
const unknown = 'example.com/lost'

interface Row {
  name: string
  pod: object
  node?: SampleNode
  options?: { isStatic: boolean }
  want: [reason: string, message: string] | undefined
}

describe('admit, on a node of 4 cpus and 8Gi with a Pod of 3 cpus and 2Gi', () => {
  const rows: Row[] = [
    { name: 'a Pod that fits', pod: requesting({ cpu: '1' }), want: undefined },
    {
      name: 'cpu is counted in millicores',
      pod: requesting({ cpu: '1500m' }),
      want: ['OutOfcpu', "Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000"],
    },
    {
      name: 'memory counts overhead, also that of others',
      pod: { ...requesting({ memory: '6Gi' }), overhead: { memory: '1Gi' } },
      want: [
        'OutOfmemory',
        `Node didn't have enough resource: memory, requested: ${7 * Gi}, used: ${2 * Gi}, capacity: ${8 * Gi}`,
      ],
    },
    {
      name: 'ephemeral storage',
      pod: requesting({ 'ephemeral-storage': '1Gi' }),
      want: [
        'OutOfephemeral-storage',
        `Node didn't have enough resource: ephemeral-storage, requested: ${Gi}, used: 0, capacity: 0`,
      ],
    },
    {
      name: 'no place for one more Pod',
      pod: {},
      node: { allocatable: { pods: '1' } },
      want: ['OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1"],
    },
    {
      name: 'an extended resource the node has lost is forgiven to containers',
      pod: requesting({ [unknown]: '1' }),
      want: undefined,
    },
    {
      name: 'but not to overhead',
      pod: { overhead: { [unknown]: '1' } },
      want: [`OutOf${unknown}`, `Node didn't have enough resource: ${unknown}, requested: 1, used: 0, capacity: 0`],
    },
    {
      name: 'a selector',
      pod: { nodeSelector: { a: 'b' } },
      want: ['NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    },
    {
      name: 'the name of another node',
      pod: { nodeName: 'other' },
      want: ['NodeName', "Predicate NodeName failed: node(s) didn't match the requested node name"],
    },
    {
      name: 'a port that is taken',
      pod: port,
      want: ['NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"],
    },
    {
      name: 'NoSchedule is the scheduler’s affair',
      pod: {},
      node: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      want: undefined,
    },
    {
      name: 'NoExecute',
      pod: {},
      node: { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } },
      want: ['TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"],
    },
    {
      name: 'NoExecute does not concern static Pods',
      pod: {},
      node: { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } },
      options: { isStatic: true },
      want: undefined,
    },
    {
      name: 'a missing handler is found out when the sandbox starts',
      pod: { runtimeClassName: 'kata' },
      node: { handlers: ['runc'] },
      want: undefined,
    },
    {
      name: 'another operating system by label',
      pod: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
      want: [
        'PodOSSelectorNodeLabelDoesNotMatch',
        "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
      ],
    },
    {
      name: 'another operating system by field',
      pod: { os: { name: 'windows' } },
      want: ['PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS"],
    },
  ]
  cases(rows, ({ pod, node, options, want }) => {
    const view = nodeView(sampleNode('n', node))
    addPod(view, podNeed(samplePod('busy', { ...busy, ...(pod === port ? port : {}) })))
    const refused = admit(samplePod('p', pod), view, options)
    assert.deepEqual(refused && [refused.reason, refused.message], want)
  })
})
