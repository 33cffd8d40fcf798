// Whatever happens in a cluster: before long no Pod waits that would fit. Nobody is tried again by the clock alone here.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { it } from 'vitest'
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { isNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { decide, isPlaced, worldOf } from '../placement/decide.ts'
import { defaultProfile } from '../placement/default-profile.ts'
import { addPod, nodeView } from '../placement/node-view.ts'
import { podNeed } from '../placement/pod-need.ts'
import { requesting, sampleNode, samplePod } from '../placement/sample.ts'
import { preempt } from '../placement/preempt.ts'
import { runScheduler } from './run.ts'
import { openScope } from '../lib/scope.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'

const zone = 'zone'
const term = (app: string, topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: { app } } })
const required = (terms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms })
const app = fc.constantFrom('x', 'y')
const key = fc.constantFrom(zone, 'kubernetes.io/hostname')
const rules = fc.oneof(
  fc.constant({}),
  fc.tuple(app, key).map(([a, k]) => ({ affinity: { podAffinity: required([term(a, k)]) } })),
  fc.tuple(app, key).map(([a, k]) => ({ affinity: { podAntiAffinity: required([term(a, k)]) } })),
  fc.tuple(app, key).map(([a, topologyKey]) => ({
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: a } } },
    ],
  })),
)
const name = fc.integer({ min: 0, max: 5 })
const cpu = fc.constantFrom('0', '1', '2', '3')
const priority = fc.constantFrom(0, 0, 1, 2)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pod' as const), name, app, rules, cpu, priority }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete pod' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('label pod' as const), name, app }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('node' as const), name, zone: fc.constantFrom('a', 'b') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete node' as const), name }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(client: Client, one: Step): Promise<void> {
  const pod = { namespace: 'default', name: `pod-${one.name}` }
  const node = `node-${one.name}`
  if (one.do === 'pod') {
    const made = samplePod(pod.name, { ...requesting({ cpu: one.cpu }), ...one.rules, priority: one.priority })
    await client.create(Pod, { ...made, metadata: { ...pod, labels: { app: one.app } } })
  } else if (one.do === 'delete pod') await client.delete(Pod, pod, { gracePeriodSeconds: 0 })
  else if (one.do === 'label pod')
    await client.patch(Pod, pod, { type: 'merge', body: { metadata: { labels: { app: one.app } } } })
  else if (one.do === 'node') {
    const given = sampleNode(node, { labels: { [zone]: one.zone }, allocatable: { pods: '3', cpu: '4' } })
    const created = await client.create(Node, given)
    await client.update(Node, { ...created, status: given.status }, { subresource: 'status' })
  } else await client.delete(Node, { name: node })
}

/** What kubelets do with Pods that are told to go. */
async function stopPods(client: Client): Promise<void> {
  const { items } = await client.list(Pod, { namespace: 'default' })
  for (const { metadata } of items.filter((pod) => pod.metadata.deletionTimestamp))
    await client.delete(Pod, metadata, { gracePeriodSeconds: 0 }).catch(() => {})
}

/** Names of Pods that wait although a node would take them, or would without Pods of lower priority. */
async function forgotten(client: Client): Promise<string[]> {
  const [nodes, pods] = await Promise.all([client.list(Node), client.list(Pod, { namespace: 'default' })])
  const views = nodes.items.map((node) => nodeView(node))
  for (const pod of pods.items) {
    const home = views.find((view) => view.name === pod.spec.nodeName)
    if (home) addPod(home, podNeed(pod))
  }
  const waiting = pods.items.filter(({ spec }) => !spec.nodeName)
  const world = { classes: new Map<string, string>(), random: () => 0 }
  const fits = (pod: Pod) => {
    const decision = decide(podNeed(pod), views, defaultProfile, world)
    if (isPlaced(decision)) return true
    const options = { ...worldOf(views, world), profile: defaultProfile, budgets: [] }
    return preempt(podNeed(pod), decision, options).do === 'preempt'
  }
  return waiting.filter(fits).map(({ metadata }) => metadata.name)
}

async function check(steps: readonly Step[]): Promise<void> {
  const clock = manualClock()
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock })
  const scope = openScope()
  try {
    const client = server.client('tester')
    await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {}, status: {} })
    scope.run('scheduler', (signal) => runScheduler({ client, clock }, signal))
    for (const one of steps) {
      await take(client, one).catch((error: unknown) => {
        if (!isNotFound(error) && !/already exists/.test(String(error))) throw error
      })
      await clock.advance(100)
    }
    // back-offs end, but not the five minutes after which everybody is tried anyway
    for (let i = 0; i < 12; i++) await clock.advance(1000)
    await eventually(async () => {
      await stopPods(client)
      await clock.advance(1000)
      assert.deepEqual(await forgotten(client), [])
      return true
    }, 6000)
  } finally {
    await scope.close()
    await server.close()
  }
}

it('nobody is forgotten who would fit', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), check), { numRuns: 40 })
}, 60_000)
