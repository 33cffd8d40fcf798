// ObjectMeta: what every object carries.
import { type FieldError, forbiddenField, immutable, invalid, required, tooLong } from './field-error.ts'
import { labelValue, type NameCheck, qualifiedName } from './name.ts'
import { anyJson, bool, type Infer, integer, listOf, mapOf, object, optional, pointer, text, time } from './schema.ts'

export const ownerReference = object(
  {
    apiVersion: text(),
    kind: text(),
    name: text(),
    uid: text(),
    controller: pointer(bool()),
    blockOwnerDeletion: pointer(bool()),
  },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference', atomic: true },
)

export const objectMeta = object(
  {
    name: optional(text()),
    generateName: optional(text()),
    namespace: optional(text()),
    selfLink: optional(text()),
    uid: optional(text()),
    resourceVersion: optional(text()),
    generation: optional(integer('int64')),
    creationTimestamp: optional(time()),
    deletionTimestamp: optional(time()),
    deletionGracePeriodSeconds: pointer(integer('int64')),
    labels: optional(mapOf(text())),
    annotations: optional(mapOf(text())),
    ownerReferences: optional(listOf(ownerReference, { merge: { keys: ['uid'] } })),
    finalizers: optional(listOf(text(), { merge: 'set' })),
    managedFields: optional(listOf(anyJson())),
  },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
)
export type OwnerReference = Infer<typeof ownerReference>

/** As stored and served: an object without a name never leaves the server, so `name` is always there. */
export type ObjectMeta = Omit<Infer<typeof objectMeta>, 'name'> & { name: string }

const annotationsLimitBytes = 256 * 1024
const encoder = new TextEncoder()
export const utf8Length = (text: string): number => encoder.encode(text).length

/** Label map errors, at `field`. Keys first, then values, as upstream reports them. */
export function labelErrors(labels: Record<string, string> | undefined, field: string): FieldError[] {
  const wrong: FieldError[] = []
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const why of qualifiedName(key)) wrong.push(invalid(field, key, why))
    for (const why of labelValue(value)) wrong.push(invalid(field, value, why))
  }
  return wrong
}

function annotationErrors(annotations: Record<string, string>, field: string): FieldError[] {
  const wrong: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    // k8s: annotation keys may be upper case in the prefix
    for (const why of qualifiedName(key.toLowerCase())) wrong.push(invalid(field, key, why))
    bytes += utf8Length(key) + utf8Length(value)
  }
  if (bytes > annotationsLimitBytes) wrong.push(tooLong(field, annotationsLimitBytes))
  return wrong
}

/** What creation checks of metadata. `checkName` is the kind's rule for names. */
export function metaErrors(meta: ObjectMeta, checkName: NameCheck): FieldError[] {
  const wrong: FieldError[] = []
  if (meta.name === '' || meta.name === undefined) wrong.push(required('metadata.name', 'name or generateName is required'))
  else for (const why of checkName(meta.name)) wrong.push(invalid('metadata.name', meta.name, why))
  wrong.push(...labelErrors(meta.labels, 'metadata.labels'))
  wrong.push(...annotationErrors(meta.annotations ?? {}, 'metadata.annotations'))
  for (const [i, finalizer] of (meta.finalizers ?? []).entries())
    wrong.push(...finalizerErrors(finalizer, 'metadata.finalizers', `metadata.finalizers[${i}]`))
  for (const [i, owner] of (meta.ownerReferences ?? []).entries())
    wrong.push(...ownerErrors(owner, `metadata.ownerReferences[${i}]`))
  wrong.push(...controllerErrors(meta.ownerReferences ?? []))
  return wrong
}

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion']

/** A finalizer is the system's own or has a domain. k8s: bad syntax is reported at the list, the other fault at `field`. */
export function finalizerErrors(finalizer: string, list: string, field = list): FieldError[] {
  const syntax = qualifiedName(finalizer).map((why) => invalid(list, finalizer, why))
  if (syntax.length > 0 || finalizer.includes('/') || standardFinalizers.includes(finalizer)) return syntax
  return [invalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')]
}

/** k8s: an object has one controller at most. */
function controllerErrors(owners: readonly OwnerReference[]): FieldError[] {
  const [first, second] = owners.filter(({ controller }) => controller)
  if (!first || !second) return []
  const why = `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`
  return [invalid('metadata.ownerReferences', owners, why)]
}

function ownerErrors(owner: OwnerReference, field: string): FieldError[] {
  const wrong: FieldError[] = []
  for (const key of ['apiVersion', 'kind', 'name', 'uid'] as const)
    if (owner[key] === '')
      wrong.push(invalid(`${field}.${key}`, '', `${key === 'apiVersion' ? 'version' : key} must not be empty`))
  return wrong
}

/** What an update may not change in metadata, on top of `metaErrors`. */
export function metaUpdateErrors(next: ObjectMeta, old: ObjectMeta): FieldError[] {
  const wrong: FieldError[] = []
  const fixed = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const
  for (const key of fixed) {
    wrong.push(...immutable(`metadata.${key}`, next[key], old[key]))
  }
  const added = (next.finalizers ?? []).filter((f) => !old.finalizers?.includes(f))
  if (old.deletionTimestamp !== undefined && added.length > 0)
    wrong.push(
      forbiddenField(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => JSON.stringify(f)).join(', ')}}`,
      ),
    )
  return wrong
}
