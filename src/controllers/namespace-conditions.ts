// What a terminating namespace says of its own end.
import type { NamespaceCondition } from '../api/core/namespace.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { rfc3339 } from '../lib/clock.ts'

/** What deleting has left behind. */
export interface Left {
  objects: { kind: AnyKind; object: AnyObject }[]
  errors: unknown[]
}

type Said = Pick<NamespaceCondition, 'type' | 'status' | 'reason' | 'message'>

/** All five conditions, as upstream words them; `present` itself when nothing changed. Times are in milliseconds. */
export function conditionsOf(present: NamespaceCondition[], left: Left, nowMs: number): NamespaceCondition[] {
  const lastTransitionTime = rfc3339(nowMs)
  const said = [discovery, parsing, deletion(left), content(left), finalizers(left)].map((wanted): NamespaceCondition => {
    const old = present.find(({ type }) => type === wanted.type)
    const same = old?.status === wanted.status && old.reason === wanted.reason && old.message === wanted.message
    return old && same ? old : { ...wanted, lastTransitionTime }
  })
  const others = present.filter(({ type }) => !said.some((condition) => condition.type === type))
  const all = [...others, ...said]
  return all.length === present.length && all.every((condition) => present.includes(condition)) ? present : all
}

const condition = (type: string, failed: boolean, reason: string, message: string): Said => ({
  type,
  status: failed ? 'True' : 'False',
  reason,
  message,
})

// the kinds are known here, so that these two never fail
const discovery = condition(
  'NamespaceDeletionDiscoveryFailure',
  false,
  'ResourcesDiscovered',
  'All resources successfully discovered',
)
const parsing = condition(
  'NamespaceDeletionGroupVersionParsingFailure',
  false,
  'ParsedGroupVersions',
  'All legacy kube types successfully parsed',
)

function deletion({ errors }: Left): Said {
  const type = 'NamespaceDeletionContentFailure'
  if (errors.length === 0)
    return condition(type, false, 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization')
  const texts = errors.map((error) => (error instanceof Error ? error.message : String(error))).sort()
  const message = `Failed to delete all resource types, ${errors.length} remaining: ${texts.join(', ')}`
  return condition(type, true, 'ContentDeletionFailed', message)
}

function content({ objects }: Left): Said {
  const type = 'NamespaceContentRemaining'
  if (objects.length === 0) return condition(type, false, 'ContentRemoved', 'All content successfully removed')
  // k8s: the core group leaves a full stop behind the resource
  const counts = tally(objects.map(({ kind }) => `${kind.plural}.${kind.group}`))
  const texts = counts.map(([resource, count]) => `${resource} has ${count} resource instances`)
  return condition(type, true, 'SomeResourcesRemain', `Some resources are remaining: ${texts.join(', ')}`)
}

function finalizers({ objects }: Left): Said {
  const type = 'NamespaceFinalizersRemaining'
  const counts = tally(objects.flatMap(({ object }) => object.metadata.finalizers ?? []))
  if (counts.length === 0) return condition(type, false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished')
  const texts = counts.map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
  const message = `Some content in the namespace has finalizers remaining: ${texts.join(', ')}`
  return condition(type, true, 'SomeFinalizersRemain', message)
}

/** How often each occurs, sorted by name. */
function tally(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}
