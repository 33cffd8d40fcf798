// How many Pods a second the placement room can decide on, by size of the cluster: pure decisions, nothing is written.
import { performance } from 'node:perf_hooks'
import { percentile } from '../src/lib/statistics.ts'
import { decide, enoughNodes, isPlaced } from '../src/placement/decide.ts'
import { defaultProfile } from '../src/placement/default-profile.ts'
import { memory } from '../src/placement/memory.ts'
import { addPod, type Journal, nodeView, type NodeView, removePod } from '../src/placement/node-view.ts'
import { podNeed, type PodNeed } from '../src/placement/pod-need.ts'
import { sampleNode, samplePod } from '../src/placement/sample.ts'

/** Rates are per second of processor time, so that a busy machine does not blur them. */
interface Row {
  nodes: number
  /** Decision and accounting, as the scheduler makes them: enough nodes, not all. */
  perSecond: number
  medianUs: number
  p99Us: number
  /** The same where no Pod is like another. */
  unlikePerSecond: number
  /** Alike Pods, looking at every node. */
  allNodesPerSecond: number
  /** Decisions that end in a reason from every node. */
  refusedPerSecond: number
  /** From a Pod object to what it needs, ledger included. */
  needsPerSecond: number
}

const classes = new Map([
  ['runc', 'runc'],
  ['kata', 'kata-qemu'],
])
/** No Pod here says anything of other Pods; the scheduler keeps count of those that do. */
const affineNodes = new Set<NodeView>()
const podsKept = 10

export function run(): Row[] {
  const rows = [100, 1000, 5000].map(measure)
  return rows
}

/** A third of the nodes has Kata, a tenth is tainted, three zones. */
function cluster(size: number, journal: Journal): NodeView[] {
  return Array.from({ length: size }, (_, i) =>
    nodeView(
      sampleNode(`node-${i}`, {
        labels: { 'topology.kubernetes.io/zone': `zone-${i % 3}` },
        handlers: i % 3 === 0 ? ['', 'runc', 'kata-qemu'] : ['', 'runc'],
        spec: i % 10 === 9 ? { taints: [{ key: 'dedicated', value: 'batch', effect: 'NoSchedule' }] } : {},
        allocatable: { cpu: '32', memory: '128Gi' },
      }),
      journal,
    ),
  )
}

const resources = (cpu: string, memory: string) => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory } } }],
})
const inZone = (key: string) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['zone-0', 'zone-1'] }] }],
    },
  },
})
const shapes: object[] = [
  resources('250m', '256Mi'),
  { ...resources('500m', '1Gi'), runtimeClassName: 'kata', overhead: { cpu: '250m', memory: '160Mi' } },
  { ...resources('100m', '64Mi'), affinity: inZone('topology.kubernetes.io/zone') },
  { ...resources('1', '2Gi'), tolerations: [{ key: 'dedicated', operator: 'Exists' }] },
]
const pods = Array.from({ length: 4000 }, (_, i) => samplePod(`p${i}`, shapes[i % shapes.length]))

function measure(size: number): Row {
  const journal = { epoch: 0, changed: [] }
  const nodes = cluster(size, journal)
  const needs = pods.map(podNeed)
  const impossible = [podNeed(samplePod('big', resources('64', '1Gi')))]
  decisions(nodes, needs, { journal, enough: enoughNodes(size), ms: 500 })
  const sampled = decisions(nodes, needs, { journal, enough: enoughNodes(size), ms: 2000 })
  const unlike = decisions(nodes, needs, { enough: enoughNodes(size), ms: 1500 })
  const all = decisions(nodes, needs, { journal, enough: size, ms: 1500 })
  const refused = decisions(nodes, impossible, { journal, enough: size, ms: 1000 })
  return {
    nodes: size,
    perSecond: Math.round(sampled.perSecond),
    medianUs: sampled.medianUs,
    p99Us: sampled.p99Us,
    unlikePerSecond: Math.round(unlike.perSecond),
    allNodesPerSecond: Math.round(all.perSecond),
    refusedPerSecond: Math.round(refused.perSecond),
    needsPerSecond: Math.round(needRate()),
  }
}

interface Load {
  enough: number
  ms: number
  /** Absent: nothing is remembered. */
  journal?: Journal
}

/** One decision after the other, each Pod counted where it goes; the cluster stays `podsKept` Pods a node full. */
function decisions(nodes: readonly NodeView[], needs: readonly PodNeed[], { enough, ms, journal }: Load) {
  const remembered = journal && memory(defaultProfile, journal)
  const placed: { node: NodeView; uid: string }[] = []
  const took: number[] = []
  const begin = performance.now()
  const busyBefore = process.cpuUsage()
  let [now, start] = [begin, 0]
  for (let i = 0; now - begin < ms; i++) {
    const given = needs[i % needs.length] as PodNeed
    const need = { ...given, uid: `${i}` }
    const options = { classes, affineNodes, random: Math.random, start, enough, memory: remembered }
    const decision = decide(need, nodes, defaultProfile, options)
    start += decision.examined
    if (isPlaced(decision)) {
      addPod(decision.node, need)
      placed.push({ node: decision.node, uid: need.uid })
    }
    const leaving = placed[placed.length - podsKept * nodes.length - 1]
    if (leaving) removePod(leaving.node, leaving.uid)
    const after = performance.now()
    took.push(after - now)
    now = after
  }
  const busy = busySeconds(busyBefore)
  for (const { node, uid } of placed) removePod(node, uid)
  const us = (share: number) => Math.round(percentile(took, share) * 10_000) / 10
  return { perSecond: took.length / busy, medianUs: us(0.5), p99Us: us(0.99) }
}

function needRate(): number {
  const before = process.cpuUsage()
  let sum = 0
  for (const pod of pods) sum += podNeed(pod).milliCpu
  if (sum === 0) throw new Error('Pods that need nothing')
  return pods.length / busySeconds(before)
}

function busySeconds(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
