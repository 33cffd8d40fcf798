// When an object that is being deleted is done: nobody has to clean up after it any more, and its grace is over.
import type { Namespace } from '../api/core/namespace.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'

/** Somebody must still finish something before the object may go. */
export function hasFinalizers(kind: AnyKind, object: AnyObject): boolean {
  if ((object.metadata.finalizers ?? []).length > 0) return true
  // k8s: Namespaces have a second list, which only /finalize writes
  return kind.kind === 'Namespace' && ((object as Namespace).spec.finalizers ?? []).length > 0
}

/** Whether an update that leaves `next` is the end of an object that was being deleted already. */
export function isFinished(kind: AnyKind, next: AnyObject, old: AnyObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = old.metadata
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && !hasFinalizers(kind, next)
}
