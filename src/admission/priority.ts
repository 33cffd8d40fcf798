// Priority: a Pod's priority is its class's number, and at most one class is the default.
import { Pod } from '../api/core/pod.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { type AdmissionRequest, type Plugin, plugin, type Reader } from './chain.ts'
import { denied } from './denied.ts'

type PodRequest = AdmissionRequest<Pod>

const systemClasses: readonly string[] = ['system-node-critical', 'system-cluster-critical']

export const priority: Plugin = plugin({
  name: 'Priority',
  kind: Pod,
  verbs: ['create', 'update'],
  mutate: (request) => (request.verb === 'create' ? withPriority(request) : keptPriority(request)),
})

/** The same upstream plugin; it watches over a second kind. */
export const priorityClasses: Plugin = plugin({
  name: 'Priority',
  kind: PriorityClass,
  verbs: ['create', 'update', 'delete'],
  validate(request) {
    if (request.verb === 'delete') {
      if (systemClasses.includes(request.name)) throw denied(request, 'this is a system priority class and cannot be deleted')
      return
    }
    if (!request.object.globalDefault) return
    const present = globalDefault(request.read)
    if (!present || (request.verb === 'update' && present.metadata.name === request.object.metadata.name)) return
    const { name } = present.metadata
    throw denied(request, `PriorityClass ${name} is already marked as default. Only one default can exist`)
  },
})

function withPriority(request: PodRequest): Pod {
  const { spec } = request.object
  const chosen = spec.priorityClassName === undefined ? globalDefault(request.read) : named(request, spec.priorityClassName)
  const value = chosen?.value ?? 0
  if (spec.priority !== undefined && spec.priority !== value)
    throw denied(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    )
  const policy = chosen ? chosen.preemptionPolicy : 'PreemptLowerPriority'
  if (policy !== undefined && spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw denied(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  const priorityClassName = chosen?.metadata.name
  return {
    ...request.object,
    spec: {
      ...spec,
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      priority: value,
      ...(policy === undefined ? {} : { preemptionPolicy: policy }),
    },
  }
}

function named(request: PodRequest, name: string): PriorityClass {
  const found = request.read.cached(PriorityClass, { name })
  if (!found) throw denied(request, `no PriorityClass with name ${name} was found`)
  return found
}

/** k8s: should a race have left several defaults, the lowest value counts. */
function globalDefault(read: Reader): PriorityClass | undefined {
  const defaults = read.cachedList(PriorityClass).filter((pc) => pc.globalDefault)
  return defaults.reduce<PriorityClass | undefined>((low, pc) => (!low || pc.value < low.value ? pc : low), undefined)
}

/** A client that never heard of these fields may leave them out of an update. */
function keptPriority({ object, old }: PodRequest): Pod {
  if (!old) return object
  const { priority: value = old.spec.priority, preemptionPolicy = old.spec.preemptionPolicy } = object.spec
  if (value === object.spec.priority && preemptionPolicy === object.spec.preemptionPolicy) return object
  return { ...object, spec: { ...object.spec, priority: value, preemptionPolicy } }
}
