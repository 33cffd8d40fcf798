// How the kubelet's parts tell what happened to a Pod: an event recorder, seen from where the Pod is known.
import type { Pod } from '../api/core/pod.ts'

export interface PodEvents {
  /** `container` names the container concerned (involvedObject.fieldPath `spec.containers{name}`). Never throws. */
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void
}
