// Clears away Pods that nobody else will: of nodes that are gone, never scheduled, or finished long ago.
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { unlessNotFound } from '../api/status.ts'
import type { Client, Ref } from '../client/client.ts'
import { type Controller, refOf, watching, type World } from './controller.ts'
import { disrupt, isTerminal } from './disruption.ts'

// k8s: as kube-controller-manager holds them
const sweepMs = 20_000
const quarantineMs = 40_000

export interface PodGcOptions {
  /** Finished Pods beyond this many go, the oldest first. 0: none go. */
  terminatedPodThreshold?: number | undefined
}

export function podGc({ terminatedPodThreshold = 12_500 }: PodGcOptions = {}): Controller {
  /** Nodes that Pods name and that are not there: since when, in milliseconds. */
  const missing = new Map<string, number>()
  return {
    name: 'pod-gc',
    watches: [watching(Pod, () => []), watching(Node, () => [])],
    starts: [{ name: 'sweep' }],
    async reconcile(_ref, world) {
      const pods = world.mirrored(Pod).list()
      await removeFinished(pods, terminatedPodThreshold, world.client)
      await removeOrphans(pods, missing, world)
      const unscheduled = pods.filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp)
      await Promise.all(unscheduled.map((pod) => removeNow(pod, world.client)))
      return { againMs: sweepMs }
    },
  }
}

async function removeFinished(pods: readonly Pod[], threshold: number, client: Client): Promise<void> {
  if (threshold <= 0) return
  const finished = pods.filter(isTerminal)
  if (finished.length <= threshold) return
  const createdAt = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp ?? '')
  const oldest = finished.sort((a, b) => createdAt(a) - createdAt(b)).slice(0, finished.length - threshold)
  for (const pod of oldest) await removeNow(pod, client)
}

/** k8s: a node must be gone for a while, and then for the server itself, before its Pods go. */
async function removeOrphans(pods: readonly Pod[], missing: Map<string, number>, world: World): Promise<void> {
  const nodes = world.mirrored(Node)
  const orphans = new Map<string, Pod[]>()
  for (const pod of pods) {
    const { nodeName = '' } = pod.spec
    if (nodeName === '' || nodes.get({ name: nodeName })) continue
    const others = orphans.get(nodeName)
    if (others) others.push(pod)
    else orphans.set(nodeName, [pod])
  }
  for (const name of missing.keys()) if (!orphans.has(name)) missing.delete(name)
  for (const [name, left] of orphans) {
    const since = missing.get(name) ?? world.clock.now()
    missing.set(name, since)
    if (world.clock.now() - since < quarantineMs || (await isThere(world.client, { name }))) continue
    for (const pod of left)
      await disrupt(
        pod,
        { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists', fail: true, delete: atOnce },
        world,
      )
  }
}

const atOnce = { gracePeriodSeconds: 0 }

async function isThere(client: Client, node: Ref): Promise<boolean> {
  return (await client.get(Node, node).catch(unlessNotFound)) !== undefined
}

async function removeNow(pod: Pod, client: Client): Promise<void> {
  await client.delete(Pod, refOf(pod), { ...atOnce, preconditions: { uid: pod.metadata.uid } }).catch(unlessNotFound)
}
