// POST pods/NAME/binding: the scheduler's word that a Pod goes to a node.
import { approved, mutated } from '../admission/chain.ts'
import { Binding } from '../api/core/binding.ts'
import { Pod } from '../api/core/pod.ts'
import type { PodCondition } from '../api/core/pod-status.ts'
import { type FieldError, notSupported, required } from '../api/field-error.ts'
import type { AnyObject } from '../api/kind.ts'
import { badRequest, conflict, invalidObject, notFound, type Status } from '../api/status.ts'
import type { Ref } from '../client/client.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { WriteContext } from './api-server.ts'
import { decodeBody, placeInNamespace } from './decode-body.ts'
import { keyOf } from './keys.ts'
import { encode } from './stored.ts'
import { admissionRequest, commit, present, type World } from './world.ts'

const podsBinding = { group: '', plural: 'pods/binding', kind: 'Binding' }

export async function bind(world: World, ref: Ref, body: unknown, context: WriteContext): Promise<Status> {
  const given = placeInNamespace(Binding, decodeBody(Binding, body, context), ref.namespace)
  if (given.metadata.name && given.metadata.name !== ref.name)
    throw badRequest('name in URL does not match name in Binding object')
  given.metadata.name = ref.name
  const request = admissionRequest(world, context, { verb: 'create', kind: Pod, subresource: 'binding', object: given })
  const binding = (await mutated(world.plugins, request)) as Binding
  const errors = bindingErrors(binding)
  if (errors.length > 0) throw invalidObject(Binding, ref.name, errors)
  await approved(world.plugins, { ...request, object: binding })
  await assign(world, ref, binding, context)
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
}

function bindingErrors({ target }: Binding): FieldError[] {
  const errors: FieldError[] = []
  if (target.kind && target.kind !== 'Node') errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target.name) errors.push(required('target.name'))
  return errors
}

async function assign(world: World, ref: Ref, binding: Binding, { dryRun }: WriteContext): Promise<void> {
  const key = keyOf(Pod, ref)
  let old = await present(world, Pod, key)
  for (;;) {
    if (!old) throw notFound(Pod, ref.name)
    const pod = old.object as Pod
    const why = refusal(pod, binding, old.revision)
    if (why) throw conflict(podsBinding, ref.name, why)
    if (dryRun) return
    const next: AnyObject = bound(pod, binding, rfc3339(world.clock.now()))
    const outcome = await commit(world, Pod, { key, expected: old.revision }, encode(Pod, next))
    if (outcome.done) return
    old = outcome.current
  }
}

function refusal({ metadata, spec }: Pod, binding: Binding, revision: number): string | undefined {
  const { uid, resourceVersion } = binding.metadata
  if (uid && uid !== metadata.uid)
    return `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`
  if (resourceVersion && resourceVersion !== String(revision))
    return `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${revision}`
  if (metadata.deletionTimestamp) return `pod ${metadata.name} is being deleted, cannot be assigned to a host`
  if (spec.nodeName) return `pod ${metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`
  if (spec.schedulingGates?.length) return `pod ${metadata.name} has non-empty .spec.schedulingGates`
  return undefined
}

/** The Pod on its node. k8s: the Binding's annotations and labels come with it. */
function bound(pod: Pod, binding: Binding, now: string): Pod {
  const { labels, annotations } = binding.metadata
  const scheduled: PodCondition = { type: 'PodScheduled', status: 'True', lastTransitionTime: now }
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  const metadata = { ...pod.metadata }
  if (annotations) metadata.annotations = { ...metadata.annotations, ...annotations }
  if (labels) metadata.labels = { ...metadata.labels, ...labels }
  return {
    ...pod,
    metadata,
    spec: { ...pod.spec, nodeName: binding.target.name },
    status: { ...pod.status, conditions: [...others, scheduled] },
  }
}
