// Takes Pods of lower priority away for one that fits nowhere, and keeps the place for it.
import { Pod } from '../api/core/pod.ts'
import type { PodCondition } from '../api/core/pod-status.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { Unplaced } from '../placement/decide.ts'
import { failureText } from '../placement/explain.ts'
import type { PodNeed } from '../placement/pod-need.ts'
import { type Candidate, preempt } from '../placement/preempt.ts'
import { tellWhyNot, type WhyNot } from './condition.ts'
import { knownWorld } from './snapshot.ts'
import type { SchedulerWorld } from './world.ts'

/** Says why the Pod waits; before that, makes room for it where that is possible. Writes go on behind. */
export function giveUpOrPreempt(world: SchedulerWorld, need: PodNeed, unplaced: Unplaced, start: number): void {
  const { snapshot, profile, events } = world
  const nominated = snapshot.nominatedNode(need.uid)?.name
  const budgets = [...snapshot.budgets.values()]
  const decision =
    unplaced.nodes === 0 ? undefined : preempt(need, unplaced, { ...knownWorld(snapshot), profile, budgets, nominated, start })
  const message = failureText(unplaced, decision?.do === 'nothing' ? decision.why : undefined)
  events.event(need.pod, 'Warning', 'FailedScheduling', message)
  const why: WhyNot = { reason: 'Unschedulable', message }
  if (decision?.do === 'preempt') {
    const { candidate } = decision
    snapshot.nominate(need, candidate.node.name)
    dropLesser(world, need, candidate)
    return world.spawn(() => makeRoom(world, need, candidate, why))
  }
  if (nominated !== undefined && decision?.isHopeless) {
    const freed = snapshot.denominate(need.uid)
    if (freed) world.room.onNode(freed)
    why.nominatedNodeName = ''
  }
  world.spawn(() => tellWhyNot(world, need.pod, why))
}

/** Rejects when the server refuses; then nothing is promised any more, and the Pod is tried again after its back-off. */
async function makeRoom(world: SchedulerWorld, need: PodNeed, { node, victims }: Candidate, why: WhyNot): Promise<void> {
  try {
    await Promise.all(victims.map((victim) => takeAway(world, victim.pod, need, node.name)))
  } catch (error) {
    world.snapshot.denominate(need.uid)
    world.queue.retryWhere(({ uid }) => uid === need.uid)
    throw error
  }
  await tellWhyNot(world, need.pod, { ...why, nominatedNodeName: node.name })
}

/** k8s: the promise to a Pod of lower priority is taken back; it looks for another place. */
function dropLesser(world: SchedulerWorld, need: PodNeed, { node }: Candidate): void {
  for (const other of [...node.nominated.values()]) {
    if (other.priority >= need.priority) continue
    world.snapshot.denominate(other.uid)
    world.queue.retryWhere(({ uid }) => uid === other.uid)
    world.spawn(() => clearNomination(world, other.pod))
  }
}

async function clearNomination({ client }: SchedulerWorld, { metadata }: Pod): Promise<void> {
  const body = { metadata: { uid: metadata.uid }, status: { nominatedNodeName: null } }
  await client.patch(Pod, metadata, { type: 'merge', subresource: 'status', body }).catch(unlessGone)
}

const maxTries = 3

/** Marks the victim, deletes this very Pod, and says so. One that is going already is left alone. */
async function takeAway(world: SchedulerWorld, victim: Pod, need: PodNeed, nodeName: string): Promise<void> {
  const { client, events } = world
  if (victim.metadata.deletionTimestamp !== undefined) return
  try {
    await mark(world, victim)
    await client.delete(Pod, victim.metadata, { preconditions: { uid: victim.metadata.uid } })
  } catch (error) {
    return unlessGone(error)
  }
  events.event(victim, 'Normal', 'Preempted', `Preempted by pod ${need.pod.metadata.uid ?? need.uid} on node ${nodeName}`)
}

async function mark({ client, clock, name }: SchedulerWorld, victim: Pod): Promise<void> {
  const condition: PodCondition = {
    ...{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: rfc3339(clock.now()), reason: 'PreemptionByScheduler' },
    message: `${name}: preempting to accommodate a higher priority pod`,
  }
  const body = { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } }
  for (let tries = 1; ; tries += 1) {
    try {
      return void (await client.patch(Pod, victim.metadata, { type: 'strategic', subresource: 'status', body }))
    } catch (error) {
      if (!isConflict(error) || tries === maxTries) throw error
    }
  }
}

/** Gone, or another Pod of the same name by now. */
function unlessGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error
}
