// A scheduler at work on a real API server in process, on a clock that stands still; for tests of what it does.
import { onTestFinished } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { openScope } from '../lib/scope.ts'
import { sampleNode, type SampleNode } from '../placement/sample.ts'
import { runScheduler } from '../scheduler/run.ts'
import type { Client } from '../client/client.ts'
import { podOf } from './api-server.ts'
import { openControlPlane } from './control-plane.ts'
import { eventually } from './eventually.ts'

/** `random` of the scheduler is 0.999: of equal nodes the first. */
export async function openScheduling(wrap: (client: Client) => Client = (client) => client) {
  const plane = await openControlPlane()
  const { client, clock } = plane
  const scope = openScope()
  onTestFinished(() => scope.close())
  scope.run('scheduler', (signal) => runScheduler({ client: wrap(client), clock, random: () => 0.999 }, signal))
  const pod = (name: string) => client.get(Pod, { namespace: 'default', name })
  return {
    ...plane,
    pod,
    addNode: async (name: string, node: SampleNode = {}) => {
      const given = sampleNode(name, node)
      const { taints: _, ...spec } = (await client.create(Node, given)).spec
      // admission taints new nodes until they are ready
      const created = await client.get(Node, { name })
      await client.update(Node, { ...created, status: given.status }, { subresource: 'status' })
      const shown = await client.get(Node, { name })
      await client.update(Node, { ...shown, spec })
    },
    addPod: (name: string, spec: object = {}, labels: Record<string, string> = {}) =>
      client.create(Pod, podOf(name, { spec, metadata: { labels } })),
    deletePod: (name: string) => client.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 }),
    bound: (name: string) => eventually(async () => (await pod(name)).spec.nodeName),
    whyNot: (name: string) =>
      eventually(async () => (await pod(name)).status.conditions?.find((c) => c.type === 'PodScheduled' && c.message)?.message),
    events: async (name: string) => {
      const { items } = await client.list(Event, { namespace: 'default' })
      return items.filter((e) => e.involvedObject.name === name).map((e) => [e.type, e.reason, e.message])
    },
  }
}
