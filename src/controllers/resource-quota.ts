// Keeps the status of ResourceQuotas true: says when to count, and the server counts, which alone knows what is under way.
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { sameValue } from '../api/equal.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import type { Ref } from '../client/client.ts'
import type { Change } from '../client/mirror.ts'
import { isCountable, overAt, ownsResource } from '../ledger/quota-usage.ts'
import { type Controller, type Mirrored, refOf, type Watch, watching } from './controller.ts'

/** k8s: everything is counted again after this time, whatever happened. */
const resyncMs = 5 * 60_000

/** Renewed all the time, and rarely limited: their deletes are found by the next full count. */
const unwatched = new Set(['Lease'])

export const resourceQuota = (): Controller => ({
  name: 'resource-quota',
  component: 'resourcequota-controller',
  watches: kinds.filter((kind) => isCountable(kind) && !unwatched.has(kind.kind)).map(watchOf),
  async reconcile(ref, { client, clock, mirrored }) {
    const { status: _counted, ...quota } = await client.get(ResourceQuota, ref)
    const { resourceVersion: _any, ...metadata } = quota.metadata
    const { hard } = quota.spec
    await client.update(ResourceQuota, { ...quota, metadata, status: hard ? { hard } : {} }, { subresource: 'status' })
    const now = clock.now()
    const overdue = (ref.namespace === undefined ? [] : mirrored(Pod).list())
      .filter(({ metadata: { namespace } }) => namespace === ref.namespace)
      .map((pod) => (overAt(pod) ?? 0) + 1 - now)
      .filter((ms) => ms > 0)
    return { againMs: overdue.reduce((soonest, ms) => Math.min(soonest, ms), resyncMs) }
  },
})

function watchOf(kind: AnyKind): Watch {
  if (kind.kind !== ResourceQuota.kind)
    return watching(kind, (change, mirrored) => (frees(change) ? quotasOver(kind, change, mirrored) : []))
  return watching(ResourceQuota, (change, mirrored) => {
    // quotas count quotas
    if (change.type === 'DELETED') return quotasOver(kind, change, mirrored)
    return change.type === 'ADDED' || isStale(change.object, change.old) ? [refOf(change.object)] : []
  })
}

const isStale = ({ spec, status }: ResourceQuota, old: ResourceQuota): boolean =>
  !sameValue(spec, old.spec) || !sameValue(status.hard, spec.hard)

/** Whether less may be used after a change: something is gone, a Pod is over, about to be or has a deadline, a Service is another one. */
function frees({ type, object, old }: Change<AnyObject>): boolean {
  if (type !== 'MODIFIED') return type === 'DELETED'
  if (object.kind === 'Service') return !sameValue(object.spec, old.spec)
  if (object.kind !== Pod.kind) return false
  const [now, before] = [object as Pod, old as Pod]
  return overAt(now) !== overAt(before) || now.spec.activeDeadlineSeconds !== before.spec.activeDeadlineSeconds
}

function quotasOver(kind: AnyKind, { object }: Change<AnyObject>, mirrored: Mirrored): Ref[] {
  const { namespace } = object.metadata
  const quotas = mirrored(ResourceQuota).list()
  const about = quotas.filter(
    ({ metadata, spec }) =>
      metadata.namespace === namespace && Object.keys(spec.hard ?? {}).some((name) => ownsResource(kind, name)),
  )
  return about.map(refOf)
}
