// PUT, and the loop under every write to an object that is there: read, wish, admit, validate, compare-and-set, again.
import { approved, mutated } from '../admission/chain.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { conflict, invalidObject, isAlreadyExists, modified, notFound } from '../api/status.ts'
import { validateUpdate } from '../api/validate.ts'
import type { Stored, Subresource, WriteContext } from './api-server.ts'
import { createNamed } from './create.ts'
import { checkName, decodeBody, placeInNamespace, redecoded, warningOnce } from './decode-body.ts'
import { isFinished } from './finalizers.ts'
import { keyOf } from './keys.ts'
import { encode, sameAsStored, unstored } from './stored.ts'
import {
  admissionRequest,
  commit,
  type Committed,
  present,
  remove,
  type Settling,
  settling,
  type Target,
  type World,
} from './world.ts'

export type UpdateContext = WriteContext & { subresource?: Subresource | undefined }

export async function update(
  world: World,
  { kind, ref }: Target,
  body: unknown,
  asked: UpdateContext,
): Promise<{ stored: Stored; created: boolean }> {
  const context = warningOnce(asked)
  const wish = () => {
    const object = decodeBody(kind, body, context)
    checkName(object, ref)
    return placeInNamespace(kind, object, ref.namespace)
  }
  const created = await createdInstead(world, { kind, ref }, wish, context)
  if (created) return { stored: created, created: true }
  return { stored: await rewrite(world, { kind, ref }, wish, context), created: false }
}

/** k8s: for some kinds a PUT to a free name creates. Undefined when it is not free, or somebody was quicker. */
async function createdInstead(
  world: World,
  { kind, ref }: Target,
  wish: () => AnyObject,
  context: UpdateContext,
): Promise<Stored | undefined> {
  if (!kind.createOnUpdate || context.subresource || (await present(world, kind, keyOf(kind, ref)))) return undefined
  const given = wish()
  delete given.metadata.resourceVersion
  try {
    return await createNamed(world, kind, given, context)
  } catch (error) {
    if (isAlreadyExists(error)) return undefined
    throw error
  }
}

/** A fresh object to take the old one's place; may be asked again when another write came between. */
export type Wish = (old: Stored) => AnyObject

/** Replaces an object by what is wished for it; other writers' changes in between are never lost. */
export async function rewrite(world: World, { kind, ref }: Target, wish: Wish, context: UpdateContext): Promise<Stored> {
  const key = keyOf(kind, ref)
  let old = await present(world, kind, key)
  for (;;) {
    if (!old) throw notFound(kind, ref.name)
    const wished = wish(old)
    checkVersion(kind, wished, old)
    const outcome = await attempt(world, kind, { key, old, wished }, context)
    if (outcome.done) return outcome.stored
    old = outcome.current
  }
}

async function attempt(
  world: World,
  kind: AnyKind,
  { key, old, wished }: { key: string; old: Stored; wished: AnyObject },
  context: UpdateContext,
): Promise<Committed> {
  const end = settling()
  let stored = false
  try {
    const next = await admittedNext(world, kind, { wished, old: old.object, end }, context)
    const outcome = await replaced(world, kind, { key, old, next }, context)
    stored = outcome.done && !context.dryRun
    return outcome
  } finally {
    await end.settle(stored)
  }
}

/** One try to put `next` where `old` is. */
async function replaced(
  world: World,
  kind: AnyKind,
  { key, old, next }: { key: string; old: Stored; next: AnyObject },
  { dryRun }: UpdateContext,
): Promise<Committed> {
  const value = encode(kind, next)
  const finished = isFinished(kind, next, old.object)
  if (!finished && sameAsStored(kind, value, old)) return { done: true, stored: old }
  if (dryRun) return { done: true, stored: unstored(kind, next, old.revision) }
  if (!finished) return commit(world, kind, { key, expected: old.revision }, value)
  const outcome = await remove(world, kind, key, old.revision)
  return outcome.done ? { done: true, stored: unstored(kind, next, outcome.revision) } : outcome
}

/** k8s: a resourceVersion asks for exactly that state; some kinds insist on one. */
function checkVersion(kind: AnyKind, { metadata }: AnyObject, old: Stored): void {
  const { name, uid } = old.object.metadata
  if (metadata.uid && metadata.uid !== uid)
    throw conflict(kind, name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid ?? ''}`)
  const asked = metadata.resourceVersion ?? ''
  if (asked === '' || asked === '0') {
    if (kind.unconditionalUpdate !== false) return
    const message = 'Invalid value: 0x0: must be specified for an update'
    throw invalidObject(kind, name, [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }])
  }
  if (asked !== String(old.revision)) throw conflict(kind, name, modified)
}

/** The wish after admission, with everything kept that this way of writing may not change; valid. */
async function admittedNext(
  world: World,
  kind: AnyKind,
  { wished, old, end }: { wished: AnyObject; old: AnyObject; end: Settling },
  context: UpdateContext,
): Promise<AnyObject> {
  const { subresource } = context
  const fresh = withSystemFields(wished, old)
  const request = admissionRequest(world, context, { verb: 'update', kind, subresource, object: fresh, old, settling: end })
  const next = shaped(kind, redecoded(kind, fresh, await mutated(world.plugins, request)), old, subresource)
  // /finalize writes one list that has no rules of its own
  const errors = validateUpdate(kind, next, old, subresource === undefined ? undefined : 'status')
  if (errors.length > 0) throw invalidObject(kind, old.metadata.name, errors)
  await approved(world.plugins, { ...request, object: next })
  return next
}

const systemFields = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/** k8s: system metadata left out means "as it was"; generation and managedFields are the server's alone. */
function withSystemFields(next: AnyObject, { metadata: old }: AnyObject): AnyObject {
  const { selfLink: _link, resourceVersion: _version, generation: _generation, ...metadata } = next.metadata
  for (const field of systemFields)
    if (old[field] !== undefined) Object.assign(metadata, { [field]: metadata[field] ?? old[field] })
  if (old.generation !== undefined) Object.assign(metadata, { generation: old.generation })
  return { ...next, metadata }
}

/** Keeps what the subresource does not write. May change `next`. */
function shaped(kind: AnyKind, next: AnyObject, old: AnyObject, subresource: Subresource | undefined): AnyObject {
  if (subresource === 'finalize') return { ...old, spec: next.spec, metadata: next.metadata }
  if (subresource === 'status') {
    const shapedNext = { ...old, metadata: next.metadata, status: next.status }
    kind.prepareStatusUpdate?.(shapedNext, old)
    return shapedNext
  }
  const kept = kind.hasStatus ? { ...next, status: old.status } : next
  kind.prepareUpdate?.(kept, old)
  return kept
}
