// Keeps snapshot and queue in step with the API server.
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { sameValue } from '../api/equal.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { unprovedHandlers } from '../api/polypod/handler-readiness.ts'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import type { Change } from '../client/mirror.ts'
import type { Mirrors } from '../client/mirrors.ts'
import { runtimeHandler } from '../placement/filters/runtime-handler.ts'
import { podNeed } from '../placement/pod-need.ts'
import { tellWhyNot } from './condition.ts'
import type { SchedulerWorld } from './world.ts'

/** Resolves when everything that exists is known. Goes on until `signal` aborts. */
export async function follow(world: SchedulerWorld, mirrorOf: Mirrors, signal: AbortSignal): Promise<void> {
  const { log } = world
  const options = <T>(what: string, take: (world: SchedulerWorld, change: Change<T>) => void) => ({
    signal,
    onChange(change: Change<T>) {
      try {
        take(world, change)
      } catch (error) {
        log(`scheduler: cannot read one of the ${what}: ${String(error)}`, error)
      }
    },
  })
  // classes and nodes first: a Pod that is new to us should find them
  if (world.profile.filters.includes(runtimeHandler)) await mirrorOf(RuntimeClass, options('runtime classes', takeClass))
  await mirrorOf(Namespace, options('namespaces', takeNamespace))
  await mirrorOf(PodDisruptionBudget, options('disruption budgets', takeBudget))
  await mirrorOf(Node, options('nodes', takeNode))
  await mirrorOf(Pod, options('pods', takePod))
}

function takeClass({ snapshot, queue }: SchedulerWorld, { type, object }: Change<RuntimeClass>): void {
  const { name } = object.metadata
  if (type === 'DELETED') snapshot.classes.delete(name)
  else if (snapshot.classes.get(name) === object.handler) return
  else snapshot.classes.set(name, object.handler)
  queue.retryWhere(({ pod }) => pod.spec.runtimeClassName === name)
}

/** Pod affinity may select namespaces by their labels. */
function takeNamespace({ snapshot, room }: SchedulerWorld, { type, object, old }: Change<Namespace>): void {
  const { name, labels = {} } = object.metadata
  if (type === 'DELETED') snapshot.namespaces.delete(name)
  else snapshot.namespaces.set(name, labels)
  if (type !== 'MODIFIED' || !sameValue(labels, old?.metadata.labels ?? {})) room.ofTopology()
}

function takeBudget({ snapshot: { budgets } }: SchedulerWorld, { type, object }: Change<PodDisruptionBudget>): void {
  const { uid = '' } = object.metadata
  if (type === 'DELETED') budgets.delete(uid)
  else budgets.set(uid, object)
}

function takeNode({ snapshot, room, queue }: SchedulerWorld, { type, object, old }: Change<Node>): void {
  const changed = type === 'DELETED' ? snapshot.removeNode(object.metadata.name) : snapshot.setNode(object)
  if (!changed) return
  if (type !== 'DELETED') room.onNode(changed)
  // who waited for a proof is told what came of it
  const failed = type === 'MODIFIED' ? failedProofs(object, old) : []
  if (failed.length > 0)
    queue.retryWhere(({ pod }) => failed.includes(snapshot.classes.get(pod.spec.runtimeClassName ?? '') ?? ''))
  // whom its Pods refused they refuse no more, or in another domain
  for (const need of changed.affine.values()) room.ofPod(need, true)
  // the emptiest domain may be another one now
  room.ofTopology()
}

/** Handlers whose first proof ended badly. */
function failedProofs(node: Node, old: Node): string[] {
  const before = unprovedHandlers(old)
  if (!before) return []
  const isNews = ([handler, why]: [string, string | undefined]) =>
    why !== undefined && before.has(handler) && before.get(handler) === undefined
  return [...(unprovedHandlers(node) ?? [])].filter(isNews).map(([handler]) => handler)
}

const isOver = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

function takePod(world: SchedulerWorld, change: Change<Pod>): void {
  const { snapshot, queue, room } = world
  const { type, object: pod } = change
  const uid = pod.metadata.uid ?? ''
  if (type === 'DELETED' || isOver(pod)) {
    queue.remove(uid)
    const kept = snapshot.denominate(uid)
    if (kept) room.onNode(kept)
    const left = snapshot.removePod(uid)
    if (!left) return
    room.onNode(left)
    room.ofPod(podNeed(pod), true)
  } else if (pod.spec.nodeName) {
    queue.remove(uid)
    const need = podNeed(pod)
    const left = snapshot.setPod(need, pod.spec.nodeName)
    if (left) room.onNode(left)
    if (!isNews(change)) return
    room.ofPod(need, false)
    // whom it kept away as what it was
    if (change.old?.spec.nodeName) room.ofPod(podNeed(change.old), false)
  } else takePending(world, change)
}

/** For those who look at other Pods: where it is, its labels, and whether it goes. */
const isNews = ({ object, old }: Change<Pod>): boolean =>
  !old ||
  old.spec.nodeName !== object.spec.nodeName ||
  old.metadata.deletionTimestamp !== object.metadata.deletionTimestamp ||
  !sameValue(old.metadata.labels ?? {}, object.metadata.labels ?? {})

function takePending(world: SchedulerWorld, { object: pod, old }: Change<Pod>): void {
  const { snapshot, queue } = world
  const uid = pod.metadata.uid ?? ''
  // a binding is under way (should it fail, this is the Pod to try again), or done and this is older than it
  if (snapshot.nodeOf(uid) !== undefined) return queue.has(uid) ? queue.put(podNeed(pod), false) : undefined
  if (pod.spec.schedulerName !== world.name) return queue.remove(uid)
  if (pod.spec.schedulingGates?.length) {
    queue.remove(uid)
    const message = 'Scheduling is blocked due to non-empty scheduling gates'
    return world.spawn(() => tellWhyNot(world, pod, { reason: 'SchedulingGated', message }))
  }
  // our own words in its status are no news, but its labels are: others may refuse it by them
  const changed = old === undefined || !sameValue(old.spec, pod.spec) || !sameValue(old.metadata.labels, pod.metadata.labels)
  const need = podNeed(pod)
  // promised before we started
  if (old === undefined && pod.status.nominatedNodeName) snapshot.nominate(need, pod.status.nominatedNodeName)
  queue.put(need, changed)
}
