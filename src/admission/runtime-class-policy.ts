// RuntimeClassPolicy, which is ours alone: a namespace gives its Pods a RuntimeClass, and says which ones they may have.
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import {
  allowedClassesAnnotation,
  defaultClassAnnotation,
  noClass,
  policyErrors,
  policyModeAnnotation,
  resultingClass,
  type RuntimeClassPolicy,
  runtimeClassPolicy as policyOf,
  violation,
} from '../api/polypod/runtime-class-policy.ts'
import { admissionAnnotation, type AdmissionNote } from '../api/polypod/trace-notes.ts'
import { invalidObject } from '../api/status.ts'
import { type AdmissionRequest, plugin } from './chain.ts'
import { denied } from './denied.ts'

const name = 'RuntimeClassPolicy'

/** Before RuntimeClass, which merges what the class says. Only new Pods are looked at: those that are there stay as they are. */
export const runtimeClassPolicy = plugin({
  name,
  kind: Pod,
  verbs: ['create'],
  async mutate(request) {
    const { object } = request
    const policy = await policyFor(request)
    const given = policy?.defaultClass
    if (given === undefined || object.spec.runtimeClassName !== undefined) return object
    if (policy?.mode === 'warn') {
      request.warn(`${name}: would get RuntimeClass "${given}" (annotation ${defaultClassAnnotation} of the namespace)`)
      return object
    }
    if (!(await exists(request, given)))
      throw denied(
        request,
        `pod rejected: RuntimeClass "${given}", which annotation ${defaultClassAnnotation} of the namespace gives to Pods that name none, not found`,
      )
    return givenTo(request, given)
  },
  async validate(request) {
    const policy = await policyFor(request)
    const why = policy && violation(policy, resultingClass(policy, request.object.spec.runtimeClassName))
    if (why === undefined) return
    if (policy?.mode !== 'warn') throw denied(request, `pod rejected: ${why}`)
    request.warn(`${name}: would be refused: ${why}`)
  },
})

/** Refuses annotations that mean nothing, where they are new: nobody is kept from writing other things beside old ones. */
export const runtimeClassPolicies = plugin({
  name,
  kind: Namespace,
  verbs: ['create', 'update'],
  validate(request) {
    const { object, old } = request
    if (old && written(old) === written(object)) return
    const errors = policyErrors(object)
    if (errors.length > 0) throw invalidObject(Namespace, object.metadata.name, errors)
    const policy = policyOf(object)
    if (!policy) return
    for (const absent of absentClasses(request, policy))
      request.warn(`${name}: there is no RuntimeClass "${absent}" yet: Pods cannot be created with it`)
    const strangers = strangersIn(request, policy)
    if (strangers.length > 0)
      request.warn(`${name}: Pods that are there stay, and could not be created anew: ${strangers.join(', ')}`)
  },
})

/** With the beginning of the note that RuntimeClass finishes: by then nobody could tell who named the class. */
function givenTo({ object: { metadata, spec, ...rest }, nowMs }: AdmissionRequest<Pod>, given: string): Pod {
  const note: Pick<AdmissionNote, 'at' | 'class' | 'from'> = {
    at: new Date(nowMs).toISOString(),
    class: given,
    from: 'namespace',
  }
  const annotations = { ...metadata.annotations, [admissionAnnotation]: JSON.stringify(note) }
  return { ...rest, metadata: { ...metadata, annotations }, spec: { ...spec, runtimeClassName: given } }
}

async function policyFor({ namespace, read }: AdmissionRequest<Pod>): Promise<RuntimeClassPolicy | undefined> {
  if (namespace === undefined) return undefined
  const ref = { name: namespace }
  const found = read.cached(Namespace, ref) ?? (await read.live(Namespace, ref))
  return found && policyOf(found)
}

/** A class too young for the cache is asked for at the store. */
const exists = async ({ read }: AdmissionRequest<Pod>, className: string): Promise<boolean> =>
  (read.cached(RuntimeClass, { name: className }) ?? (await read.live(RuntimeClass, { name: className }))) !== undefined

const written = ({ metadata: { annotations = {} } }: Namespace): string =>
  JSON.stringify([defaultClassAnnotation, allowedClassesAnnotation, policyModeAnnotation].map((key) => annotations[key] ?? null))

function absentClasses({ read }: AdmissionRequest<Namespace>, { defaultClass, allowed = [] }: RuntimeClassPolicy): string[] {
  const named = new Set([...(defaultClass === undefined ? [] : [defaultClass]), ...allowed])
  return [...named].filter((one) => one !== noClass && !read.cached(RuntimeClass, { name: one }))
}

const mostShown = 5

/** Pods that run on and break the new rule, the first few by name and class. */
function strangersIn({ read, object }: AdmissionRequest<Namespace>, policy: RuntimeClassPolicy): string[] {
  const found = read
    .cachedList(Pod, object.metadata.name)
    .filter(({ spec }) => violation(policy, spec.runtimeClassName) !== undefined)
    .map(({ metadata, spec }) => `${metadata.name} (${spec.runtimeClassName ?? noClass})`)
  return found.length > mostShown ? [...found.slice(0, mostShown), `and ${found.length - mostShown} more`] : found
}
