// The request that kubelet eviction and preemption hold a Pod's usage against.
import { amounts } from './amounts.ts'
import { asSpecified, type Costed, isPodLevelResource, podLedger } from './pod-ledger.ts'

/**
 * Nano-units of `resource` that `pod` counts as having requested when the kubelet ranks Pods for eviction.
 * k8s: overhead counts only where the Pod itself requests something, unlike everywhere else; and with Pod-level resources
 * the containers' requests are not read at all, so a resource that cannot be given at Pod level counts as none.
 */
export function evictionRequest(pod: Costed, resource: string): bigint {
  const base = pod.spec.resources
    ? (amounts(pod.spec.resources.requests).get(isPodLevelResource(resource) ? resource : '') ?? 0n)
    : (podLedger(asSpecified(pod), 'requests').base.get(resource) ?? 0n)
  return base === 0n ? 0n : base + (amounts(pod.spec.overhead).get(resource) ?? 0n)
}
