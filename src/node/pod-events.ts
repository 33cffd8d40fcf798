// How the kubelet's parts tell what happened to a Pod: an event recorder, seen from where the Pod is known.
import type { Pod } from '../api/core/pod.ts'
import type { EventRecorder } from '../client/event-recorder.ts'

/** A Pod, or the container of that name in it (involvedObject.fieldPath `spec.containers{name}`). */
interface Concerned {
  pod: Pod
  container?: string | undefined
}

export interface PodEvents {
  /** Never throws. */
  event(concerned: Concerned, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export const podEvents = (recorder: EventRecorder): PodEvents => ({
  event({ pod, container }, type, reason, message) {
    const at = container === undefined ? recorder : recorder.at(fieldPathOf(pod, container))
    at.event(pod, type, reason, message)
  },
})

const containerLists = ['containers', 'initContainers', 'ephemeralContainers'] as const

/** `spec.initContainers{name}`: where a container stands in its Pod, as events and log texts name it. */
function fieldPathOf(pod: Pod, container: string): string {
  const list = containerLists.find((l) => pod.spec[l]?.some((c) => c.name === container)) ?? 'containers'
  return `spec.${list}{${container}}`
}
