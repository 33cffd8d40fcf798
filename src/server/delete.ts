// DELETE: at once, or marked first, when somebody has to finish or a Pod has to stop in its own time.
import { approved } from '../admission/chain.ts'
import type { Pod } from '../api/core/pod.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { conflict, invalidObject, notFound, type Status, success } from '../api/status.ts'
import type { DeleteOptions } from '../client/client.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { Stored, WriteContext } from './api-server.ts'
import { hasFinalizers } from './finalizers.ts'
import { keyOf } from './keys.ts'
import { encode, unstored } from './stored.ts'
import { admissionRequest, commit, present, remove, type Target, type World } from './world.ts'

export interface Deletion {
  /** The object as it was last. */
  stored: Stored
  /** False: it is only marked, and goes later. */
  gone: boolean
}

/** k8s: the kinds whose finished delete answers with the object. */
const answersWithObject = new Set(['Pod', 'Service', 'ServiceAccount', 'ResourceQuota', 'PodTemplate'])

const propagationPolicies = ['Foreground', 'Background', 'Orphan']
const deleteOptions = { group: 'meta.k8s.io', plural: '', kind: 'DeleteOptions' }

export async function deleteOne(
  world: World,
  { kind, ref }: Target,
  options: DeleteOptions,
  context: WriteContext,
): Promise<Stored | Status> {
  const { stored, gone } = await deleted(world, { kind, ref }, options, context)
  const { name, uid = '' } = stored.object.metadata
  return gone && !answersWithObject.has(kind.kind) ? success(kind, name, uid) : stored
}

/** Deletes or marks an object; other writers' changes in between are never lost. */
export async function deleted(
  world: World,
  { kind, ref }: Target,
  options: DeleteOptions,
  context: WriteContext,
): Promise<Deletion> {
  checkOptions(options)
  const key = keyOf(kind, ref)
  const dryRun = context.dryRun ?? options.dryRun ?? false
  let old = await present(world, kind, key)
  for (;;) {
    if (!old) throw notFound(kind, ref.name)
    checkPreconditions(kind, old, options)
    await approved(world.plugins, admissionRequest(world, { ...context, dryRun }, { verb: 'delete', kind, object: old.object }))
    const plan = planDeletion(kind, old.object, options, world.clock.now())
    if (plan.do === 'nothing') return { stored: old, gone: false }
    if (plan.do === 'mark') {
      if (dryRun) return { stored: unstored(kind, plan.object, old.revision), gone: false }
      const outcome = await commit(world, kind, { key, expected: old.revision }, encode(kind, plan.object))
      if (outcome.done) return { stored: outcome.stored, gone: false }
      old = outcome.current
    } else {
      if (dryRun) return { stored: unstored(kind, plan.object, old.revision), gone: true }
      const outcome = await remove(world, kind, key, old.revision)
      if (outcome.done) return { stored: unstored(kind, plan.object, outcome.revision), gone: true }
      old = outcome.current
    }
  }
}

/** `object`: what is stored, or what the answer shows of an object that is gone. */
export type DeletionPlan = { do: 'nothing' } | { do: 'mark' | 'remove'; object: AnyObject }

/** Decides, from the object alone, what a delete does to it. `now` is in milliseconds. */
export function planDeletion(kind: AnyKind, object: AnyObject, options: DeleteOptions, now: number): DeletionPlan {
  if (kind.kind === 'Pod') return planPod(kind, object as Pod, options, now)
  if (!hasFinalizers(kind, object)) return { do: 'remove', object }
  if (object.metadata.deletionTimestamp !== undefined) return { do: 'nothing' }
  if (kind.kind !== 'Namespace') return { do: 'mark', object: marking(object, 0, now) }
  // k8s: a Namespace has no grace to speak of, and says what is going on
  const metadata = { ...object.metadata, deletionTimestamp: rfc3339(now) }
  return { do: 'mark', object: { ...object, metadata, status: { ...(object.status as object), phase: 'Terminating' } } }
}

function planPod(kind: AnyKind, pod: Pod, options: DeleteOptions, now: number): DeletionPlan {
  const { deletionTimestamp, deletionGracePeriodSeconds: granted = 0 } = pod.metadata
  if (deletionTimestamp === undefined) {
    const grace = graceOf(pod, options)
    return { do: grace > 0 || hasFinalizers(kind, pod) ? 'mark' : 'remove', object: marking(pod, grace, now) }
  }
  // k8s: a second delete may only shorten the time a Pod has
  const asked = options.gracePeriodSeconds ?? granted
  if (granted === 0 || asked >= granted)
    return granted === 0 && !hasFinalizers(kind, pod) ? { do: 'remove', object: pod } : { do: 'nothing' }
  const grace = asked < 0 ? 1 : asked
  const start = Date.parse(deletionTimestamp) - granted * 1000
  return { do: grace > 0 || hasFinalizers(kind, pod) ? 'mark' : 'remove', object: marking(pod, grace, start) }
}

/** k8s: what was never started or is over needs no time to stop; a negative grace means one second. */
function graceOf({ spec, status }: Pod, { gracePeriodSeconds }: DeleteOptions): number {
  if (!spec.nodeName || status.phase === 'Succeeded' || status.phase === 'Failed') return 0
  const grace = gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 0
  return grace < 0 ? 1 : grace
}

/** k8s: deletionTimestamp is when the grace will be over. Where there is a generation, the first mark raises it. */
function marking<T extends AnyObject>(object: T, grace: number, startMs: number): T {
  const metadata = { ...object.metadata, deletionTimestamp: rfc3339(startMs + grace * 1000), deletionGracePeriodSeconds: grace }
  if (metadata.generation && object.metadata.deletionTimestamp === undefined) metadata.generation++
  return { ...object, metadata }
}

/** Owners' garbage is not collected, so every policy leaves dependents alone. */
function checkOptions({ propagationPolicy }: DeleteOptions): void {
  if (propagationPolicy === undefined || propagationPolicies.includes(propagationPolicy)) return
  const supported = [...propagationPolicies, 'nil'].map((policy) => JSON.stringify(policy)).join(', ')
  const message = `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: ${supported}`
  throw invalidObject(deleteOptions, '', [{ reason: 'FieldValueNotSupported', field: 'propagationPolicy', message }])
}

/** Throws 409. */
export function checkPreconditions(kind: AnyKind, { object, revision }: Stored, { preconditions = {} }: DeleteOptions): void {
  const { name, uid = '' } = object.metadata
  if (preconditions.uid !== undefined && preconditions.uid !== uid)
    throw conflict(
      kind,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== String(revision))
    throw conflict(
      kind,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${revision}). The object might have been modified`,
    )
}
