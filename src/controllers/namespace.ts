// Empties a namespace that is going away, Pods first, and lets it go when nothing is left.
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import { unlessNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { type Again, type Controller, refOf, watching, type World } from './controller.ts'
import { namespacesOf } from './in-every-namespace.ts'
import { conditionsOf, type Left } from './namespace-conditions.ts'

const finalizer = 'kubernetes'
/** k8s: how long finalizers of others are expected to take. */
const finalizerSeconds = 15

export const namespaceController = (served: readonly AnyKind[] = kinds): Controller => ({
  name: 'namespace',
  component: 'namespace-controller',
  watches: [watching(Namespace), watching(Pod, (change) => (change.type === 'DELETED' ? namespacesOf(change) : []))],
  async reconcile({ name }, world) {
    const namespace = await world.client.get(Namespace, { name })
    const { metadata, spec } = namespace
    return metadata.deletionTimestamp && spec.finalizers?.includes(finalizer) ? end(namespace, served, world) : undefined
  },
})

async function end(namespace: Namespace, served: readonly AnyKind[], { client, clock }: World): Promise<Again | undefined> {
  const { name } = namespace.metadata
  const left = await empty(client, name, served)
  const conditions = conditionsOf(namespace.status.conditions ?? [], left, clock.now())
  let now = namespace
  if (conditions !== namespace.status.conditions) {
    const status = { ...namespace.status, phase: 'Terminating', conditions }
    now = await client.update(Namespace, { ...namespace, status }, { subresource: 'status' })
  }
  if (left.errors.length > 0) throw new AggregateError(left.errors, `cannot delete all content of namespace ${name}`)
  // k8s: looks again after half of the time it should take
  if (left.objects.length > 0) return { againMs: (Math.floor(secondsFor(left.objects) / 2) + 1) * 1000 }
  const finalizers = now.spec.finalizers?.filter((other) => other !== finalizer)
  await client.update(Namespace, { ...now, spec: { ...now.spec, finalizers } }, { subresource: 'finalize' })
  return undefined
}

/** Deletes what a namespace holds. Pods go first, and everything else stays for them until they are gone. */
async function empty(client: Client, namespace: string, served: readonly AnyKind[]): Promise<Left> {
  const mortal = served.filter(({ scope, without = [] }) => scope === 'namespaced' && !without.includes('list'))
  const left: Left = { objects: [], errors: [] }
  await emptyKind(client, Pod, namespace, left)
  if (left.objects.length > 0 || left.errors.length > 0) return left
  await Promise.all(mortal.filter(({ kind }) => kind !== Pod.kind).map((kind) => emptyKind(client, kind, namespace, left)))
  return left
}

async function emptyKind(client: Client, kind: AnyKind, namespace: string, left: Left): Promise<void> {
  try {
    const { items } = await client.list(kind, { namespace })
    if (items.length === 0) return
    if (kind.without?.includes('deletecollection')) for (const item of items) await remove(client, kind, item as AnyObject)
    else await client.deleteCollection(kind, { namespace })
    const remaining = await client.list(kind, { namespace })
    for (const object of remaining.items) left.objects.push({ kind, object: object as AnyObject })
  } catch (error) {
    left.errors.push(error)
  }
}

async function remove(client: Client, kind: AnyKind, object: AnyObject): Promise<void> {
  await client.delete(kind, refOf(object)).catch(unlessNotFound)
}

function secondsFor(objects: Left['objects']): number {
  const times = objects.map(({ kind, object }) => {
    if ((object.metadata.finalizers ?? []).length > 0) return finalizerSeconds
    return kind.kind === Pod.kind ? (object.metadata.deletionGracePeriodSeconds ?? 0) : 0
  })
  return times.reduce((longest, seconds) => Math.max(longest, seconds), 0)
}
