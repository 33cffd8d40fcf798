// Keeps the status of ResourceQuotas true: says when to count, and the server counts, which alone knows what is under way.
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { sameValue } from '../api/equal.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import type { Ref } from '../client/client.ts'
import { type Change, keyOf } from '../client/mirror.ts'
import { costsByStatus } from '../ledger/pod-ledger.ts'
import { isCountable, isCountedLate, overAt, ownsResource } from '../ledger/quota-usage.ts'
import { type Controller, type Mirrored, refOf, type Watch, watching, type World } from './controller.ts'

/** k8s: everything is counted again after this time, whatever happened. */
const resyncMs = 5 * 60_000

/** How many times as long as its last count took a quota rests, so that many deletes are not as many counts. */
const restFactor = 9

export function resourceQuota(): Controller {
  /** By quota: not to be counted again before, in milliseconds. */
  const restsUntil = new Map<string, number>()
  return {
    name: 'resource-quota',
    component: 'resourcequota-controller',
    watches: kinds.filter((kind) => isCountable(kind) && !isCountedLate(kind)).map(watchOf),
    async reconcile(ref, world) {
      const key = keyOf(ref)
      const startedAt = world.clock.now()
      const again = (restsUntil.get(key) ?? 0) - startedAt
      if (again > 0) return { againMs: again }
      restsUntil.delete(key)
      await count(ref, world)
      const now = world.clock.now()
      if (now > startedAt) restsUntil.set(key, now + (now - startedAt) * restFactor)
      return { againMs: nextAt(ref, world) - now }
    },
  }
}

async function count(ref: Ref, { client }: World): Promise<void> {
  const { status: _counted, ...quota } = await client.get(ResourceQuota, ref)
  const { resourceVersion: _any, ...metadata } = quota.metadata
  const { hard } = quota.spec
  await client.update(ResourceQuota, { ...quota, metadata, status: hard ? { hard } : {} }, { subresource: 'status' })
}

/** When a Pod will be over with nobody saying so, or everything is counted again. */
function nextAt({ namespace }: Ref, { clock, mirrored }: World): number {
  const now = clock.now()
  let next = now + resyncMs
  for (const pod of mirrored(Pod).list()) {
    const at = pod.metadata.namespace === namespace ? overAt(pod) : undefined
    if (at !== undefined && at >= now) next = Math.min(next, at + 1)
  }
  return next
}

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
  // resized in place, it may have had more than it has now
  return (
    costsByStatus(before) ||
    overAt(now) !== overAt(before) ||
    now.spec.activeDeadlineSeconds !== before.spec.activeDeadlineSeconds
  )
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
