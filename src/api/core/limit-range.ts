// LimitRange: what containers and Pods of a namespace must stay between, and what they get when they ask for nothing.
import { nameColumn } from '../column.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { embedded, type Infer, listOf, object, optional, text } from '../schema.ts'
import { limitRangeErrors } from './limit-range-rules.ts'
import { resourceList } from './resources.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const limitRangeItem = object(
  {
    type: text(),
    max: optional(resourceList),
    min: optional(resourceList),
    default: optional(resourceList),
    defaultRequest: optional(resourceList),
    maxLimitRequestRatio: optional(resourceList),
  },
  {
    ...name('LimitRangeItem'),
    // k8s: a container's limit defaults to the maximum, its request to that limit, else to the minimum
    complete(item) {
      if (item.type !== 'Container') return
      const limits = { ...item.max, ...item.default }
      const requests = { ...item.min, ...limits, ...item.defaultRequest }
      if (Object.keys(limits).length > 0) item.default = limits
      if (Object.keys(requests).length > 0) item.defaultRequest = requests
    },
  },
)

export const LimitRange = kind({
  ...{ group: '', version: 'v1', kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.LimitRange',
  fields: { spec: embedded(object({ limits: listOf(limitRangeItem) }, name('LimitRangeSpec'))) },
  validate: limitRangeErrors,
  ownColumns: true,
  // k8s: the one kind that shows when it was made and not how old it is
  columns: [nameColumn, { name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp ?? '' }],
})
export type LimitRange = ObjectOf<typeof LimitRange>
export type LimitRangeItem = Infer<typeof limitRangeItem>
