// The PodScheduled condition: why a Pod has no node yet.
import { Pod } from '../api/core/pod.ts'
import { isConflict, isNotFound, unlessNotFound } from '../api/status.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { SchedulerWorld } from './world.ts'

export interface WhyNot {
  reason: 'Unschedulable' | 'SchedulerError' | 'SchedulingGated'
  message: string
  /** The node that is being cleared for the Pod; '' takes an older promise back. Absent: as it was. */
  nominatedNodeName?: string | undefined
}

const maxTries = 3

/**
 * Writes the condition when the Pod does not say so already. A Pod that is gone or has a node by now is no failure:
 * the version it was judged by is a precondition, so that this never overtakes a binding.
 */
export async function tellWhyNot(world: Pick<SchedulerWorld, 'client' | 'clock'>, judged: Pod, why: WhyNot): Promise<void> {
  let pod = judged
  for (let tries = 1; ; tries += 1) {
    if (pod.metadata.uid !== judged.metadata.uid || pod.spec.nodeName || says(pod, why)) return
    try {
      return await write(world, pod, why)
    } catch (error) {
      if (isNotFound(error)) return
      if (!isConflict(error) || tries === maxTries) throw error
    }
    const now = await world.client.get(Pod, judged.metadata).catch(unlessNotFound)
    if (!now) return
    pod = now
  }
}

const conditionOf = (pod: Pod) => pod.status.conditions?.find(({ type }) => type === 'PodScheduled')

function says(pod: Pod, why: WhyNot): boolean {
  const old = conditionOf(pod)
  const { nominatedNodeName = '' } = pod.status
  if ((why.nominatedNodeName ?? nominatedNodeName) !== nominatedNodeName) return false
  return old?.status === 'False' && old.reason === why.reason && old.message === why.message
}

async function write({ client, clock }: Pick<SchedulerWorld, 'client' | 'clock'>, pod: Pod, told: WhyNot): Promise<void> {
  const { nominatedNodeName, ...why } = told
  const old = conditionOf(pod)
  const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime : rfc3339(clock.now())
  const { uid, resourceVersion } = pod.metadata
  const conditions = [{ type: 'PodScheduled', status: 'False', lastTransitionTime, ...why }]
  const body = {
    metadata: { uid, resourceVersion },
    status: { conditions, ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) },
  }
  await client.patch(Pod, pod.metadata, { type: 'strategic', subresource: 'status', body })
}
