// Event: what happened to an object, for people to read.
import { kind, type ObjectOf } from '../kind.ts'
import { embedded, integer, microTime, object, optional, pointer, text, time } from '../schema.ts'
import { objectReference } from './object-reference.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const eventSource = object({ component: optional(text()), host: optional(text()) }, name('EventSource'))
const eventSeries = object({ count: optional(integer()), lastObservedTime: optional(microTime()) }, name('EventSeries'))

export const Event = kind({
  ...{ group: '', version: 'v1', kind: 'Event', plural: 'events', shortNames: ['ev'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Event',
  fields: {
    involvedObject: embedded(objectReference),
    reason: optional(text()),
    message: optional(text()),
    source: embedded(eventSource),
    firstTimestamp: optional(time()),
    lastTimestamp: optional(time()),
    count: optional(integer()),
    type: optional(text()),
    eventTime: optional(microTime()),
    series: pointer(eventSeries),
    action: optional(text()),
    related: pointer(objectReference),
    reportingComponent: text(),
    reportingInstance: text(),
  },
  selectable: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent,
    source: (event) => event.source.component ?? event.reportingComponent,
    type: (event) => event.type ?? '',
  },
})
export type Event = ObjectOf<typeof Event>
