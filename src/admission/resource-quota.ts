// ResourceQuota: what a namespace's quotas do not leave room for is refused; what is let through is charged first.
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { sameValue } from '../api/equal.ts'
import { chargeOf } from '../ledger/quota-check.ts'
import { isCountable } from '../ledger/quota-usage.ts'
import { type AdmissionRequest, type Plugin, plugin } from './chain.ts'
import { denied } from './denied.ts'
import { charge, counted, deskOf, type Flight, quotasFor, settle, statusOf } from './quota-desk.ts'

/** Last of all plugins: what another one refuses must not be charged. */
export const resourceQuota: Plugin = {
  name: 'ResourceQuota',
  verbs: ['create', 'update'],
  async validate(request) {
    const { namespace, kind, object, read } = request
    if (namespace === undefined || !isCharged(request)) return
    if (request.dryRun) return checkOnly(request, quotasFor(read, namespace, kind))
    const desk = deskOf(read, namespace)
    const flight: Flight = { kind, object, admitted: false }
    desk.flights.add(flight)
    request.onSettled((stored) => settle(desk, request, { flight, stored }))
    // a quota that comes after this moment counts the flight
    if (quotasFor(read, namespace, kind).length === 0) flight.admitted = true
    else await charge(desk, request, flight)
  },
}

/** k8s: objects are charged when they are made; an update counts only where it may raise what is used. */
function isCharged({ verb, kind, subresource, object, old }: AdmissionRequest): boolean {
  if (subresource !== undefined || !isCountable(kind)) return false
  if (verb === 'create' || kind.kind === 'Service') return true
  return kind.kind === Pod.kind && hasDeadline(object as Pod) !== hasDeadline(old as Pod)
}

const hasDeadline = ({ spec }: Pod): boolean => spec.activeDeadlineSeconds !== undefined

function checkOnly(request: AdmissionRequest, quotas: readonly ResourceQuota[]): void {
  for (const quota of quotas) {
    const answer = chargeOf(quota, request)
    if (answer && 'refused' in answer) throw denied(request as Parameters<typeof denied>[0], answer.refused)
  }
}

/**
 * The same upstream plugin, and ours alone: a status that repeats spec.hard and says nothing of `used` asks to be counted.
 * Only here is it known what is charged and not yet stored, so only here can a count be exact while objects are created.
 */
export const resourceQuotaCount: Plugin = plugin({
  name: 'ResourceQuota',
  kind: ResourceQuota,
  verbs: ['update'],
  subresources: ['status'],
  async mutate(request) {
    const { object, old, namespace, read } = request
    if (request.subresource !== 'status' || !old || namespace === undefined) return object
    const { hard, used } = object.status
    if (used !== undefined || hard === undefined || !sameValue(hard, old.spec.hard)) return object
    const desk = deskOf(read, namespace)
    if (request.dryRun) return { ...object, status: statusOf(desk, request as unknown as AdmissionRequest, old) }
    await counted(desk, request as unknown as AdmissionRequest, old.metadata.name)
    // it has been written: what is left of this update changes nothing
    return { ...object, status: old.status }
  },
})
