// Filters and scores that look at Pods on other nodes: affinity, anti-affinity, spread.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { decide, isPlaced } from './decide.ts'
import { defaultProfile } from './default-profile.ts'
import { addPod, nodeView, type NodeView } from './node-view.ts'
import { podNeed, type PodNeed } from './pod-need.ts'
import { sampleNode, samplePod } from './sample.ts'
import { upstreamProfile } from './upstream-profile.ts'

interface Sample {
  labels?: Record<string, string>
  namespace?: string
  deletionTimestamp?: string
  spec?: object
}
const needOf = (name: string, { spec = {}, ...metadata }: Sample = {}): PodNeed => {
  const pod = samplePod(name, spec)
  return podNeed({ ...pod, metadata: { ...pod.metadata, ...metadata } })
}
const zoneKey = 'topology.kubernetes.io/zone'
/** `a1`, `a2` are in zone a; a node called `x...` has no zone. */
const nodes = (pods: Record<string, readonly Sample[]>): NodeView[] =>
  Object.entries(pods).map(([name, there]) => {
    const view = nodeView(sampleNode(name, { labels: name.startsWith('x') ? {} : { [zoneKey]: name.charAt(0) } }))
    for (const [i, sample] of there.entries()) addPod(view, needOf(`${name}-${i}`, sample))
    return view
  })

const web = { app: 'web' }
const term = (topologyKey: string, app: string | undefined, more: object = {}) => ({
  ...{ topologyKey, labelSelector: app === undefined ? {} : { matchLabels: { app } } },
  ...more,
})
const near = (...terms: object[]) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })
const far = (...terms: object[]) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })
const wish = (kind: 'podAffinity' | 'podAntiAffinity', weight: number, podAffinityTerm: object) => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
})
const spread = (topologyKey: string, more: object = {}) => ({
  topologySpreadConstraints: [
    {
      ...{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } },
      ...more,
    },
  ],
})
const host = 'kubernetes.io/hostname'

const world = {
  classes: new Map<string, string>(),
  random: () => 0.999,
  namespaces: new Map([
    ['default', {}],
    ['other', { team: 'red' }],
  ]),
}

/** By node: `ok`, or its reasons. */
function verdicts(need: PodNeed, views: readonly NodeView[]): Record<string, string> {
  const found = views.map((node) => {
    const decision = decide(need, [node], defaultProfile, { ...world, everyNode: views })
    return [
      node.name,
      isPlaced(decision) ? 'ok' : decision.refusals.flatMap(({ reasons }) => reasons.map(({ text }) => text)).join(),
    ]
  })
  return Object.fromEntries(found) as Record<string, string>
}

const noFriend = "node(s) didn't match pod affinity rules"
const foe = "node(s) didn't match pod anti-affinity rules"
const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules"
const skewed = "node(s) didn't match pod topology spread constraints"
const unlabelled = `${skewed} (missing required label)`

describe('required Pod affinity and anti-affinity', () => {
  const there = { a1: [{ labels: web }], a2: [], b1: [], x: [] }
  cases(
    [
      {
        name: 'go where a matching Pod is, by domain',
        ...{ pod: { spec: near(term(zoneKey, 'web')) }, there },
        want: { a1: 'ok', a2: 'ok', b1: noFriend, x: noFriend },
      },
      {
        name: 'want every term',
        pod: { spec: near(term(zoneKey, 'web'), term(host, 'web')) },
        ...{ there, want: { a1: 'ok', a2: noFriend, b1: noFriend, x: noFriend } },
      },
      {
        name: 'let the first of its kind go anywhere with the label',
        pod: { labels: web, spec: near(term(zoneKey, 'web')) },
        there: { a1: [], x: [] },
        want: { a1: 'ok', x: noFriend },
      },
      {
        name: 'do not let the first of another kind',
        ...{ pod: { spec: near(term(zoneKey, 'web')) }, there: { a1: [] }, want: { a1: noFriend } },
      },
      {
        name: 'stay away by domain, and do not mind nodes without one',
        ...{ pod: { spec: far(term(zoneKey, 'web')) }, there },
        want: { a1: foe, a2: foe, b1: 'ok', x: 'ok' },
      },
      {
        name: 'are honoured for those that are there',
        pod: { labels: web },
        there: { a1: [{ labels: { app: 'db' }, spec: far(term(zoneKey, 'web')) }], a2: [], b1: [] },
        want: { a1: unwelcome, a2: unwelcome, b1: 'ok' },
      },
      {
        name: 'are about the own namespace',
        pod: { spec: far(term(zoneKey, 'web')) },
        ...{ there: { a1: [{ labels: web, namespace: 'other' }] }, want: { a1: 'ok' } },
      },
      {
        name: 'name other namespaces',
        pod: { spec: far(term(zoneKey, 'web', { namespaces: ['other'] })) },
        ...{ there: { a1: [{ labels: web, namespace: 'other' }], b1: [{ labels: web }] }, want: { a1: foe, b1: 'ok' } },
      },
      {
        name: 'select other namespaces',
        pod: { spec: far(term(zoneKey, 'web', { namespaceSelector: { matchLabels: { team: 'red' } } })) },
        ...{ there: { a1: [{ labels: web, namespace: 'other' }], b1: [{ labels: web }] }, want: { a1: foe, b1: 'ok' } },
      },
      {
        name: 'match their own values of matchLabelKeys',
        pod: { labels: { v: '2' }, spec: far(term(zoneKey, 'web', { matchLabelKeys: ['v', 'absent'] })) },
        there: { a1: [{ labels: { ...web, v: '1' } }], b1: [{ labels: { ...web, v: '2' } }] },
        want: { a1: 'ok', b1: foe },
      },
      {
        name: 'and others than those of mismatchLabelKeys',
        pod: { labels: { v: '2' }, spec: far(term(zoneKey, 'web', { mismatchLabelKeys: ['v'] })) },
        there: { a1: [{ labels: { ...web, v: '1' } }], b1: [{ labels: { ...web, v: '2' } }] },
        want: { a1: foe, b1: 'ok' },
      },
    ],
    ({ pod, there: pods, want }) => assert.deepEqual(verdicts(needOf('p', pod), nodes(pods)), want),
  )
})

describe('topology spread constraints', () => {
  const two = { a1: [{ labels: web }, { labels: web }], b1: [{ labels: web }] }
  cases(
    [
      {
        name: 'keep domains within maxSkew',
        ...{ pod: { labels: web, spec: spread(zoneKey) }, there: two, want: { a1: skewed, b1: 'ok' } },
      },
      {
        name: 'may allow more',
        ...{ pod: { labels: web, spec: spread(zoneKey, { maxSkew: 2 }) }, there: two, want: { a1: 'ok', b1: 'ok' } },
      },
      {
        name: 'do not count a Pod that does not match itself',
        ...{ pod: { spec: spread(zoneKey) }, there: two, want: { a1: 'ok', b1: 'ok' } },
      },
      {
        name: 'refuse nodes without the label',
        ...{ pod: { labels: web, spec: spread(zoneKey) }, there: { a1: [], x: [] }, want: { a1: 'ok', x: unlabelled } },
      },
      {
        name: 'count neither other namespaces nor who is going',
        pod: { labels: web, spec: spread(zoneKey) },
        there: {
          a1: [
            { labels: web, namespace: 'other' },
            { labels: web, deletionTimestamp: '2026-01-01T00:00:00Z' },
          ],
          b1: [],
        },
        want: { a1: 'ok', b1: 'ok' },
      },
      {
        name: 'take the minimum as 0 below minDomains',
        pod: { labels: web, spec: spread(zoneKey, { minDomains: 3 }) },
        ...{ there: { a1: [{ labels: web }], b1: [{ labels: web }] }, want: { a1: skewed, b1: skewed } },
      },
      {
        name: 'do not count nodes that the Pod’s own selector rules out',
        pod: { labels: web, spec: { ...spread(host), nodeSelector: { [zoneKey]: 'a' } } },
        there: { a1: [{ labels: web }], a2: [{ labels: web }], b1: [] },
        want: { a1: 'ok', a2: 'ok', b1: "node(s) didn't match Pod's node affinity/selector" },
      },
      {
        name: 'count them when nodeAffinityPolicy is Ignore',
        pod: { labels: web, spec: { ...spread(host, { nodeAffinityPolicy: 'Ignore' }), nodeSelector: { [zoneKey]: 'a' } } },
        there: { a1: [{ labels: web }], b1: [] },
        want: { a1: skewed, b1: "node(s) didn't match Pod's node affinity/selector" },
      },
      {
        name: 'spread each revision on its own with matchLabelKeys',
        pod: { labels: { ...web, v: '2' }, spec: spread(zoneKey, { matchLabelKeys: ['v'] }) },
        there: { a1: [{ labels: { ...web, v: '1' } }], b1: [] },
        want: { a1: 'ok', b1: 'ok' },
      },
    ],
    ({ pod, there, want }) => assert.deepEqual(verdicts(needOf('p', pod), nodes(there)), want),
  )

  it('count tainted nodes unless nodeTaintsPolicy is Honor', () => {
    const views = nodes({ a1: [{ labels: web }], b1: [] })
    const tainted = sampleNode('b1', { labels: { [zoneKey]: 'b' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })
    const [a1] = views
    const both = [a1 as NodeView, nodeView(tainted)]
    const of = (more: object) => verdicts(needOf('p', { labels: web, spec: spread(zoneKey, more) }), both).a1
    assert.deepEqual([of({}), of({ nodeTaintsPolicy: 'Honor' })], [skewed, 'ok'])
  })
})

describe('wishes about other Pods', () => {
  cases(
    [
      {
        name: 'prefer company',
        pod: { spec: wish('podAffinity', 10, term(zoneKey, 'web')) },
        ...{ there: { a1: [], b1: [], b2: [{ labels: web }] }, want: ['b1'] },
      },
      {
        name: 'prefer distance',
        pod: { spec: wish('podAntiAffinity', 10, term(host, 'web')) },
        ...{ there: { a1: [{ labels: web }], b1: [{}] }, want: ['b1'] },
      },
      {
        name: 'of those that are there count, too',
        pod: { labels: web },
        there: { a1: [], b1: [], b2: [{ spec: wish('podAffinity', 10, term(zoneKey, 'web')) }] },
        want: ['b1'],
      },
      {
        name: 'are met by what Pods there require',
        ...{ pod: { labels: web }, there: { a1: [], b1: [], b2: [{ spec: near(term(zoneKey, 'web')) }] }, want: ['b1'] },
      },
      {
        name: 'spread where nothing forbids',
        pod: { labels: web, spec: spread(zoneKey, { whenUnsatisfiable: 'ScheduleAnyway' }) },
        ...{ there: { a1: [], a2: [{ labels: web }], b1: [] }, want: ['b1'] },
      },
      {
        name: 'spread over single nodes',
        pod: { labels: web, spec: spread(host, { whenUnsatisfiable: 'ScheduleAnyway' }) },
        ...{ there: { a1: [{ labels: web }], b1: [{}] }, want: ['b1'] },
      },
      {
        name: 'to spread pass over nodes without the label',
        pod: { labels: web, spec: spread(zoneKey, { whenUnsatisfiable: 'ScheduleAnyway' }) },
        ...{ there: { x: [], b1: [{ labels: web }] }, want: ['b1'] },
      },
    ],
    ({ pod, there, want }) => {
      for (const profile of [defaultProfile, upstreamProfile]) {
        const views = nodes(there)
        // equally full, so that nothing else than these wishes decides against the first
        const candidates = views.filter(({ pods, name }) => pods.size === 0 || name === 'b1' || name === 'a1')
        const decision = decide(needOf('p', pod), candidates, profile, { ...world, everyNode: views })
        assert.deepEqual(isPlaced(decision) && [decision.node.name], want)
      }
    },
  )
})
