// RuntimeClass: a Pod gets its class's overhead and scheduling; whatever contradicts the class is refused.
import { Pod } from '../api/core/pod.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { amounts, sameAmounts } from '../ledger/amounts.ts'
import { type AdmissionRequest, plugin } from './chain.ts'
import { denied } from './denied.ts'
import { mergeTolerations } from './toleration-merge.ts'

type PodRequest = AdmissionRequest<Pod>

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
const uncalledFor = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'

export const runtimeClass = plugin({
  name: 'RuntimeClass',
  kind: Pod,
  verbs: ['create'],
  async mutate(request) {
    const chosen = await classOf(request)
    if (!chosen) return request.object
    return withScheduling(withOverhead(request, chosen), chosen, request)
  },
  // k8s: looks the class up once more, and sees what other plugins made of the Pod
  async validate(request) {
    const overhead = (await classOf(request))?.overhead
    const asked = request.object.spec.overhead
    if (!overhead) {
      // k8s: an empty map counts as set
      if (asked) throw denied(request, uncalledFor)
    } else if (!sameList(asked, overhead.podFixed)) throw denied(request, mismatch)
  },
})

/** Undefined when the Pod names none. A class too young for the cache is asked for at the store. */
async function classOf(request: PodRequest): Promise<RuntimeClass | undefined> {
  const name = request.object.spec.runtimeClassName
  if (name === undefined) return undefined
  const found =
    name === '' ? undefined : (request.read.cached(RuntimeClass, { name }) ?? (await request.read.live(RuntimeClass, { name })))
  if (!found) throw denied(request, `pod rejected: RuntimeClass "${name}" not found`)
  return found
}

/** By amount, whatever the spelling; none and an empty list are equal. */
const sameList = (a: ResourceList | undefined, b: ResourceList | undefined): boolean => sameAmounts(amounts(a), amounts(b))

function withOverhead(request: PodRequest, chosen: RuntimeClass): Pod {
  if (!chosen.overhead) return request.object
  const { overhead: asked, ...spec } = request.object.spec
  const { podFixed } = chosen.overhead
  if (asked && !sameList(asked, podFixed)) throw denied(request, mismatch)
  return { ...request.object, spec: podFixed ? { ...spec, overhead: podFixed } : spec }
}

function withScheduling(pod: Pod, { scheduling }: RuntimeClass, request: PodRequest): Pod {
  if (!scheduling) return pod
  const { nodeSelector: demanded, tolerations: lent = [] } = scheduling
  const { nodeSelector: asked = {}, tolerations: own = [], ...spec } = pod.spec
  for (const [key, value] of Object.entries(demanded ?? {})) {
    const present = Object.hasOwn(asked, key) ? asked[key] : undefined
    if (present !== undefined && present !== value)
      throw denied(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${present}`,
      )
  }
  const nodeSelector = { ...asked, ...demanded }
  const tolerations = mergeTolerations(own, lent)
  return {
    ...pod,
    spec: {
      ...spec,
      ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
      ...(tolerations.length > 0 ? { tolerations } : {}),
    },
  }
}
