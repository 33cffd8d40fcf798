// POST: an object that was not there before.
import { type AdmissionRequest, approved, mutated } from '../admission/chain.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { alreadyExists, failure, invalidObject, methodNotAllowed } from '../api/status.ts'
import { validateCreate } from '../api/validate.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { Stored, WriteContext } from './api-server.ts'
import { decodeBody, placeInNamespace, redecoded } from './decode-body.ts'
import { keyOf } from './keys.ts'
import { encode, unstored } from './stored.ts'
import { admissionRequest, commit, settling, type World } from './world.ts'

const nameTries = 8
const longestName = 63
const suffixLength = 5
// k8s: no vowels and nothing that looks like one, so that no word comes out
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789'

export async function create(
  world: World,
  { kind, namespace }: { kind: AnyKind; namespace?: string | undefined },
  body: unknown,
  context: WriteContext,
): Promise<Stored> {
  // what cannot be read is never stored: Bindings have their own verb
  if (kind.without?.includes('get')) throw methodNotAllowed()
  const given = placeInNamespace(kind, decodeBody(kind, body, context), namespace)
  if (given.metadata.resourceVersion) throw failure(500, '', 'resourceVersion should not be set on objects to be created')
  if (given.metadata.name || !given.metadata.generateName) return createNamed(world, kind, given, context)
  return createGenerated(world, kind, given, context)
}

async function createGenerated(world: World, kind: AnyKind, given: AnyObject, context: WriteContext): Promise<Stored> {
  for (let tries = nameTries; ; tries--) {
    const outcome = await tryCreate(world, kind, structuredClone(given), context)
    if ('stored' in outcome) return outcome.stored
    if (tries <= 1) throw alreadyExists(kind, outcome.taken)
  }
}

function generatedName({ random }: World, base: string): string {
  const letter = () => suffixLetters[random.integer(suffixLetters.length)]
  const suffix = Array.from({ length: suffixLength }, letter).join('')
  return `${base.slice(0, longestName - suffixLength)}${suffix}`
}

/** Creates a decoded object in its own namespace under its own name. */
export async function createNamed(world: World, kind: AnyKind, given: AnyObject, context: WriteContext): Promise<Stored> {
  const outcome = await tryCreate(world, kind, given, context)
  if ('taken' in outcome) throw alreadyExists(kind, outcome.taken)
  return outcome.stored
}

type Attempt = { stored: Stored } | { taken: string }

async function tryCreate(world: World, kind: AnyKind, given: AnyObject, context: WriteContext): Promise<Attempt> {
  const end = settling()
  const request = admissionRequest(world, context, {
    verb: 'create',
    kind,
    object: withSystemFields(world, given),
    settling: end,
  })
  let stored = false
  try {
    const attempt = await admitAndStore(world, kind, request, context)
    stored = 'stored' in attempt && !context.dryRun
    return attempt
  } finally {
    await end.settle(stored)
  }
}

async function admitAndStore(world: World, kind: AnyKind, request: AdmissionRequest, context: WriteContext): Promise<Attempt> {
  const fresh = request.object
  const object = redecoded(kind, fresh, await mutated(world.plugins, request))
  // k8s: names are generated after admission, whose refusals therefore name the generateName
  if (!object.metadata.name && object.metadata.generateName)
    object.metadata = { ...object.metadata, name: generatedName(world, object.metadata.generateName) }
  kind.prepareCreate?.(object)
  const { name } = object.metadata
  const errors = validateCreate(kind, object)
  if (errors.length > 0) throw invalidObject(kind, name ?? '', errors)
  const key = keyOf(kind, object.metadata)
  // quota must not be charged for what cannot be stored
  if (world.cache.of(kind).get(key)) return { taken: name }
  await approved(world.plugins, { ...request, name, object })
  if (context.dryRun) return { stored: unstored(kind, object) }
  const outcome = await commit(world, kind, { key, expected: 0 }, encode(kind, object))
  return outcome.done ? { stored: outcome.stored } : { taken: name }
}

/** The metadata that is the server's own. */
function withSystemFields({ clock, random }: World, given: AnyObject): AnyObject {
  const {
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    selfLink: _link,
    generation: _generation,
    ...meta
  } = given.metadata
  return { ...given, metadata: { ...meta, uid: random.uid(), creationTimestamp: rfc3339(clock.now()) } }
}
