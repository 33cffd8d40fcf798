// Tells the API server where a Pod goes, and takes it back when that fails.
import { Binding } from '../api/core/binding.ts'
import { Pod } from '../api/core/pod.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { PodNeed } from '../placement/pod-need.ts'
import { type SchedulingNote, schedulingAnnotation } from '../api/polypod/trace-notes.ts'
import type { Placed } from '../placement/decide.ts'
import { tellWhyNot } from './condition.ts'
import type { SchedulerWorld } from './world.ts'

/** The Pod is assumed on the node already; it stays so until the watch confirms it. Never rejects because of the binding. */
export async function bindPod(world: SchedulerWorld, need: PodNeed, placed: Placed & { nodes: number }): Promise<void> {
  const { name, namespace, uid } = need.pod.metadata
  const { apiVersion, kind } = Binding
  const nodeName = placed.node.name
  const target = { kind: 'Node', name: nodeName }
  // the Pod is written anyway: what was decided goes along
  const annotations = { [schedulingAnnotation]: JSON.stringify(noteOf(world, need, placed)) }
  try {
    await world.client.createSubresource(Pod, { namespace, name }, 'binding', {
      apiVersion,
      kind,
      metadata: { name, namespace, uid, annotations },
      target,
    })
  } catch (error) {
    return takeBack(world, need, error)
  }
  world.queue.remove(need.uid)
  world.events.event(need.pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`)
}

// cost: once per Pod
function noteOf({ clock, queue }: SchedulerWorld, { uid }: PodNeed, placed: Placed & { nodes: number }): SchedulingNote {
  const { node, nodes, examined, feasible, score, next } = placed
  const now = clock.now()
  const { sinceMs, failures } = queue.historyOf(uid) ?? { sinceMs: now, failures: 0 }
  return {
    ...{ at: new Date(now).toISOString(), queuedMs: now - sinceMs, attempt: failures + 1, node: node.name },
    ...{ nodes, examined, feasible },
    ...(next ? { score: rounded(score), next: { node: next.node.name, score: rounded(next.score) } } : {}),
  }
}

const rounded = (score: number): number => Math.round(score * 10) / 10

async function takeBack(world: SchedulerWorld, need: PodNeed, error: unknown): Promise<void> {
  const { queue, snapshot, events } = world
  // the watch may have confirmed the binding, or told that the Pod is gone, although the answer was lost
  if (!queue.has(need.uid)) return
  const left = snapshot.removePod(need.uid)
  queue.failed(need.uid, 'error')
  if (left) world.room.onNode(left)
  world.room.ofPod(need, true)
  // gone, being deleted or bound by somebody else: the watch tells the rest
  if (isNotFound(error) || isConflict(error)) return
  const message = `binding rejected: ${error instanceof Error ? error.message : String(error)}`
  events.event(need.pod, 'Warning', 'FailedScheduling', message)
  await tellWhyNot(world, need.pod, { reason: 'SchedulerError', message })
}
