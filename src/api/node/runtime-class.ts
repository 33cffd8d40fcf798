// RuntimeClass: the name Pods choose a runtime handler by, what that runtime costs, and where it is.
import { toleration } from '../core/toleration.ts'
import { resourceList } from '../core/resources.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { listOf, mapOf, object, optional, pointer, text } from '../schema.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.node.v1.${kindName}` })

const overhead = object({ podFixed: optional(resourceList) }, name('Overhead'))
const scheduling = object(
  { nodeSelector: optional(mapOf(text(), { atomic: true })), tolerations: optional(listOf(toleration)) },
  name('Scheduling'),
)

export const RuntimeClass = kind({
  ...{ group: 'node.k8s.io', version: 'v1', kind: 'RuntimeClass', plural: 'runtimeclasses', scope: 'cluster' },
  openapiName: 'io.k8s.api.node.v1.RuntimeClass',
  fields: { handler: text(), overhead: pointer(overhead), scheduling: pointer(scheduling) },
  createOnUpdate: true,
  // k8s: one of the few kinds that refuse a PUT without resourceVersion
  unconditionalUpdate: false,
  columns: [{ name: 'Handler', cell: (rc) => rc.handler }],
})
export type RuntimeClass = ObjectOf<typeof RuntimeClass>
