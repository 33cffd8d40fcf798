// RuntimeClass: the name Pods choose a runtime handler by, what that runtime costs, and where it is.
import { resourceList } from '../core/resources.ts'
import { overheadErrors } from '../core/resource-rules.ts'
import { toleration } from '../core/toleration.ts'
import { tolerationErrors } from '../core/toleration-rules.ts'
import { immutable, invalid } from '../field-error.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { labelErrors } from '../meta.ts'
import { dnsLabel } from '../name.ts'
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
  validate: (rc) => [
    ...dnsLabel(rc.handler).map((why) => invalid('handler', rc.handler, why)),
    // k8s: bad amounts are reported at overhead.limits, although the field is overhead.podFixed
    ...overheadErrors(rc.overhead?.podFixed, 'overhead'),
    ...labelErrors(rc.scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...tolerationErrors(rc.scheduling?.tolerations, 'scheduling.tolerations'),
  ],
  validateUpdate: (next, old) => immutable('handler', next.handler, old.handler),
  columns: [{ name: 'Handler', cell: (rc) => rc.handler }],
})
export type RuntimeClass = ObjectOf<typeof RuntimeClass>
