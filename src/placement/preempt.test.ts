import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import { cases } from '../testing/cases.ts'
import { decide, isPlaced, worldOf } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { failureText } from './explain.ts'
import { addPod, nodeView, type NodeView } from './node-view.ts'
import { podNeed } from './pod-need.ts'
import { preempt } from './preempt.ts'
import { requesting, sampleNode, samplePod } from './sample.ts'

interface There {
  priority?: number
  cpu?: string
  labels?: Record<string, string>
  /** Seconds after the epoch. */
  started?: number
  deletionTimestamp?: string
  overhead?: string
  spec?: object
}

const world = { classes: new Map<string, string>(), random: () => 0.999 }
const time = (seconds: number) => new Date(seconds * 1000).toISOString()

/** Nodes of 4 cpus with these Pods, each named after its node. */
const nodesWith = (nodes: Record<string, Record<string, There>>): NodeView[] =>
  Object.entries(nodes).map(([name, pods]) => {
    const view = nodeView(sampleNode(name))
    for (const [pod, { priority = 0, cpu = '1', labels = {}, started = 0, overhead, deletionTimestamp, spec }] of Object.entries(
      pods,
    )) {
      const made = samplePod(pod, {
        ...requesting({ cpu }),
        priority,
        ...(overhead ? { overhead: { cpu: overhead } } : {}),
        ...spec,
      })
      const metadata = { ...made.metadata, labels, ...(deletionTimestamp ? { deletionTimestamp } : {}) }
      addPod(view, podNeed({ ...made, metadata, status: { ...made.status, startTime: time(started) } }))
    }
    return view
  })

const budget = (labels: Record<string, string>, disruptionsAllowed: number, disruptedPods = {}): PodDisruptionBudget =>
  PodDisruptionBudget.decode(
    {
      metadata: { name: 'b', namespace: 'default' },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
      status: { disruptionsAllowed, disruptedPods },
    },
    { unknown: [] },
  )

/** `node: victims`, or why not. */
function outcome(spec: object, views: readonly NodeView[], more: { budgets?: PodDisruptionBudget[]; nominated?: string } = {}) {
  const need = podNeed(samplePod('p', { priority: 10, ...spec }))
  const unplaced = decide(need, views, defaultProfile, world)
  assert.ok(!isPlaced(unplaced), 'fits without preemption')
  const found = preempt(need, unplaced, { ...worldOf(views, world), profile: defaultProfile, budgets: [], ...more })
  if (found.do === 'nothing') return found.why
  const { node, victims, violations } = found.candidate
  return `${node.name}: ${victims.map(({ pod }) => pod.metadata.name).join(' ')}${violations ? ` (${violations} violated)` : ''}`
}

const web = { app: 'web' }
const cpu = (amount: string) => requesting({ cpu: amount })

describe('victims on a node', () => {
  cases<{ name: string; pods: Record<string, There>; spec: object; want: string; budgets?: PodDisruptionBudget[] }>(
    [
      {
        name: 'are of lower priority, and as few as need be',
        ...{ pods: { low: { cpu: '3' }, same: { priority: 10 } }, spec: cpu('3'), want: 'a: low' },
      },
      {
        name: 'are the least important',
        pods: { a: { priority: 1 }, b: { priority: 5 }, c: { priority: 3 }, d: { priority: 2 } },
        ...{ spec: cpu('2'), want: 'a: d a' },
      },
      {
        name: 'of equals are those that started last',
        pods: { old: { cpu: '2', started: 1 }, young: { cpu: '2', started: 9 } },
        ...{ spec: cpu('2'), want: 'a: young' },
      },
      {
        name: 'free their overhead, too',
        pods: { light: { cpu: '2' }, heavy: { cpu: '1', overhead: '1', priority: 1 } },
        ...{ spec: { ...cpu('1'), overhead: { cpu: '1' } }, want: 'a: light' },
      },
      {
        name: 'who need their overhead to go are taken',
        pods: { filler: { cpu: '2500m', priority: 10 }, heavy: { cpu: '250m', overhead: '1' } },
        ...{ spec: cpu('1500m'), want: 'a: heavy' },
      },
      {
        name: 'are not guarded by a budget when others will do',
        pods: { guarded: { cpu: '2', labels: web }, free: { cpu: '2', priority: 5 } },
        ...{ spec: cpu('2'), budgets: [budget(web, 0)], want: 'a: free' },
      },
      {
        name: 'are guarded ones when nobody else will do',
        ...{ pods: { guarded: { cpu: '4', labels: web } }, spec: cpu('2'), budgets: [budget(web, 0)] },
        want: 'a: guarded (1 violated)',
      },
      {
        name: 'spend what a budget allows',
        pods: { one: { cpu: '2', labels: web }, two: { cpu: '2', labels: web, started: 1 } },
        ...{ spec: cpu('4'), budgets: [budget(web, 1)], want: 'a: one two (1 violated)' },
      },
      {
        name: 'whose going was granted already cost their budget nothing',
        ...{
          pods: { one: { cpu: '4', labels: web } },
          spec: cpu('4'),
          budgets: [budget(web, 0, { one: time(0) })],
          want: 'a: one',
        },
      },
      {
        name: 'are whom the Pod cannot bear',
        pods: { foe: { labels: web }, other: {} },
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: web } },
              ],
            },
          },
        },
        want: 'a: foe',
      },
      {
        name: 'are not there when all are as important',
        pods: { same: { cpu: '4', priority: 10 } },
        spec: cpu('1'),
        want: '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
      },
      {
        name: 'do not help when they free too little',
        pods: { same: { cpu: '3', priority: 10 }, low: {} },
        ...{ spec: cpu('2'), want: '0/1 nodes are available: 1 Insufficient cpu.' },
      },
      {
        name: 'do not help on a node that is too small',
        ...{ pods: { low: {} }, spec: cpu('5'), want: '0/1 nodes are available: 1 Preemption is not helpful for scheduling.' },
      },
      {
        name: 'are not taken by who would not',
        pods: { low: { cpu: '4' } },
        ...{ spec: { ...cpu('1'), preemptionPolicy: 'Never' }, want: 'not eligible due to preemptionPolicy=Never.' },
      },
    ],
    ({ pods, spec, want, budgets }) => assert.equal(outcome(spec, nodesWith({ a: pods }), budgets ? { budgets } : {}), want),
  )

  it('leaves the view as it is', () => {
    const views = nodesWith({ a: { low: { cpu: '4' } } })
    const before = structuredClone({ ...views[0], pods: [...(views[0]?.pods.keys() ?? [])], affine: [] })
    outcome(cpu('4'), views)
    assert.deepEqual({ ...views[0], pods: [...(views[0]?.pods.keys() ?? [])], affine: [] }, before)
  })
})

describe('of several nodes the one is taken', () => {
  cases<{ name: string; nodes: Record<string, Record<string, There>>; want: string; budgets?: PodDisruptionBudget[] }>(
    [
      {
        name: 'that violates the fewest budgets',
        nodes: { a: { a: { cpu: '4', labels: web } }, b: { b: { cpu: '4', priority: 5 } } },
        ...{ budgets: [budget(web, 0)], want: 'b: b' },
      },
      {
        name: 'whose most important victim is the least',
        nodes: { a: { a: { cpu: '4', priority: 5 } }, b: { b1: { cpu: '2', priority: 4 }, b2: { cpu: '2', priority: 4 } } },
        want: 'b: b1 b2',
      },
      {
        name: 'whose victims weigh the least',
        nodes: {
          a: { a1: { cpu: '2', priority: 4 }, a2: { cpu: '2', priority: 3 } },
          b: { b1: { cpu: '2', priority: 4 }, b2: { cpu: '2', priority: 2 } },
        },
        want: 'b: b1 b2',
      },
      {
        name: 'that has the fewest victims',
        nodes: { a: { a1: { cpu: '2' }, a2: { cpu: '2' } }, b: { b1: { cpu: '4' } } },
        want: 'b: b1',
      },
      {
        name: 'whose victims started last',
        nodes: { a: { a: { cpu: '4', started: 1 } }, b: { b: { cpu: '4', started: 2 } } },
        want: 'b: b',
      },
      { name: 'that comes first', nodes: { a: { a: { cpu: '4' } }, b: { b: { cpu: '4' } } }, want: 'a: a' },
    ],
    ({ nodes, want, budgets }) => assert.equal(outcome(cpu('4'), nodesWith(nodes), budgets ? { budgets } : {}), want),
  )

  it('unless the victims of an earlier promise are still going', () => {
    const views = nodesWith({ a: { going: { cpu: '4', deletionTimestamp: time(0) } }, b: { low: { cpu: '4' } } })
    const waiting = 'not eligible due to a terminating pod on the nominated node.'
    assert.deepEqual([outcome(cpu('4'), views, { nominated: 'a' }), outcome(cpu('4'), views)], [waiting, 'a: going'])
  })
})

describe('a node that is kept for another Pod', () => {
  const kept = (priority: number) => {
    const [view] = nodesWith({ a: {} })
    const other = podNeed(samplePod('other', { ...cpu('3'), priority }))
    view?.nominated.set(other.uid, other)
    const need = podNeed(samplePod('p', { ...cpu('2'), priority: 10 }))
    return isPlaced(decide(need, view ? [view] : [], defaultProfile, world))
  }
  it('takes nobody of the same or lower priority in its place', () =>
    assert.deepEqual([kept(11), kept(10), kept(9)], [false, false, true]))
})

describe('the message', () => {
  it('says how much of what is short is overhead, and where it would fit without', () => {
    const views = nodesWith({ a: { full: { cpu: '3' } }, b: { full: { cpu: '3500m' } } })
    const need = podNeed(samplePod('p', { ...cpu('1'), overhead: { cpu: '250m' } }))
    const unplaced = decide(need, views, defaultProfile, world)
    assert.ok(!isPlaced(unplaced))
    assert.equal(
      failureText(unplaced, 'none.'),
      '0/2 nodes are available: 2 Insufficient cpu. preemption: none. overhead: cpu 250m of 1250m; without it 1/2 nodes would do.',
    )
  })
})
