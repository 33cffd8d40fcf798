// Deleting a Pod on behalf of the cluster: the Pod says why before it goes.
import { Pod } from '../api/core/pod.ts'
import type { PodCondition } from '../api/core/pod-status.ts'
import { isNotFound } from '../api/status.ts'
import type { Client, DeleteOptions } from '../client/client.ts'
import { type Clock, rfc3339 } from '../lib/clock.ts'

export interface Disruption {
  reason: string
  message: string
  /** Also ends the Pod's phase, for a Pod that nobody else will. */
  fail?: boolean | undefined
  delete?: DeleteOptions | undefined
}

/** Marks the Pod with DisruptionTarget, then deletes this very Pod. One that is gone already is fine. */
export async function disrupt(pod: Pod, why: Disruption, { client, clock }: { client: Client; clock: Clock }): Promise<void> {
  try {
    const status = { ...pod.status, conditions: withCondition(pod.status.conditions, why, clock.now()) }
    if (why.fail && !isTerminal(pod)) status.phase = 'Failed'
    await client.update(Pod, { ...pod, status }, { subresource: 'status' })
    await client.delete(Pod, pod.metadata, { ...why.delete, preconditions: { uid: pod.metadata.uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export const isTerminal = ({ status: { phase } }: Pod): boolean => phase === 'Succeeded' || phase === 'Failed'

function withCondition(present: readonly PodCondition[] = [], { reason, message }: Disruption, nowMs: number): PodCondition[] {
  const type = 'DisruptionTarget'
  const old = present.find((condition) => condition.type === type)
  const lastTransitionTime = old?.status === 'True' ? old.lastTransitionTime : rfc3339(nowMs)
  const condition = { type, status: 'True', lastTransitionTime, reason, message }
  return [...present.filter((other) => other !== old), condition]
}
