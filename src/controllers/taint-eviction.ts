// NoExecute taints: Pods that do not tolerate them go, now or when their toleration runs out.
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { tolerates } from '../api/core/tolerates.ts'
import type { Taint, Toleration } from '../api/core/toleration.ts'
import { type Change, keyOf, type Mirror } from '../client/mirror.ts'
import { type Again, type Controller, refOf, watching, type World } from './controller.ts'
import { disrupt } from './disruption.ts'

/** When an eviction was first planned. A new object of the same name is another Pod. */
interface Planned {
  uid: string | undefined
  sinceMs: number
}

export function taintEviction(): Controller {
  const planned = new Map<string, Planned>()
  return {
    name: 'taint-eviction',
    component: 'taint-eviction-controller',
    watches: [watching(Pod), watching(Node, (change, mirrored) => podsOf(change, mirrored(Pod)))],
    async reconcile(ref, world) {
      const pod = world.mirrored(Pod).get(ref)
      if (pod && !pod.metadata.deletionTimestamp) return settle(pod, planned, world)
      planned.delete(keyOf(ref))
      return undefined
    },
  }
}

/** Lets a Pod be, plans its end, or ends it. */
async function settle(pod: Pod, planned: Map<string, Planned>, world: World): Promise<Again | undefined> {
  const { uid } = pod.metadata
  const key = keyOf(pod.metadata)
  const node = world.mirrored(Node).get({ name: pod.spec.nodeName ?? '' })
  const staysMs = tolerationMs(noExecute(node), pod.spec.tolerations ?? [])
  const old = planned.get(key)
  const plan = old?.uid === uid ? old : undefined
  if (staysMs === Number.POSITIVE_INFINITY) {
    planned.delete(key)
    if (plan) speak(world, pod, `Cancelling deletion of Pod ${key}`)
    return undefined
  }
  // k8s: counted from when this controller saw the taint, so that a restart gives nodes time to be heard of
  const sinceMs = plan?.sinceMs ?? world.clock.now()
  const leftMs = sinceMs + staysMs - world.clock.now()
  if (leftMs > 0) {
    planned.set(key, { uid, sinceMs })
    return { againMs: leftMs }
  }
  await disrupt(pod, { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' }, world)
  speak(world, pod, `Marking for deletion Pod ${key}`)
  planned.delete(key)
  return undefined
}

const speak = ({ events }: World, pod: Pod, message: string): void => events.event(pod, 'Normal', 'TaintManagerEviction', message)

const noExecute = (node: Node | undefined): readonly Taint[] =>
  (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute')

/** Only when the taints changed: a node says that it is well all the time. */
function podsOf({ object, old }: Change<Node>, pods: Mirror<Pod>) {
  const text = (node: Node | undefined) => JSON.stringify(noExecute(node))
  if (text(object) === text(old)) return []
  return pods
    .list()
    .filter(({ spec }) => spec.nodeName === object.metadata.name)
    .map(refOf)
}

/**
 * How long a Pod stays: 0 when a taint is not tolerated, infinite when none limits it.
 * k8s: of several tolerations that bear one taint the first counts; a negative time is 0.
 */
export function tolerationMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let shortest = Number.POSITIVE_INFINITY
  for (const taint of taints) {
    const bearing = tolerations.find((toleration) => tolerates(toleration, taint))
    if (!bearing) return 0
    if (bearing.tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, bearing.tolerationSeconds) * 1000)
  }
  return shortest
}
