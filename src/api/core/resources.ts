// Amounts of resources, as containers, Pods, nodes and RuntimeClasses declare them.
import { own } from '../own.ts'
import { type Infer, listOf, mapOf, object, optional, quantity, text } from '../schema.ts'

/** Resource name to quantity: `{ cpu: '100m', memory: '64Mi' }`. */
export const resourceList = mapOf(quantity())
export type ResourceList = Infer<typeof resourceList>

const resourceClaim = object({ name: text(), request: optional(text()) }, { name: 'io.k8s.api.core.v1.ResourceClaim' })

export const resourceRequirements = object(
  {
    limits: optional(resourceList),
    requests: optional(resourceList),
    claims: optional(listOf(resourceClaim, { merge: { keys: ['name'] } })),
  },
  {
    name: 'io.k8s.api.core.v1.ResourceRequirements',
    // k8s: a limit without a request is its own request
    complete(resources) {
      for (const [name, limit] of Object.entries(resources.limits ?? {}))
        if (own(resources.requests, name) === undefined) resources.requests = { ...resources.requests, [name]: limit }
    },
  },
)
export type ResourceRequirements = Infer<typeof resourceRequirements>
