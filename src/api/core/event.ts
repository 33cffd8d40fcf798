// Event: what happened to an object, for people to read.
import { since } from '../age.ts'
import { nameColumn } from '../column.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { embedded, type Infer, integer, microTime, object, optional, pointer, text, time } from '../schema.ts'
import { eventErrors } from './event-rules.ts'
import { objectReference } from './object-reference.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const eventSource = object({ component: optional(text()), host: optional(text()) }, name('EventSource'))
const eventSeries = object({ count: optional(integer()), lastObservedTime: optional(microTime()) }, name('EventSeries'))

type EventReference = Infer<typeof objectReference>
interface Times {
  series?: { lastObservedTime?: string | undefined } | undefined
  lastTimestamp?: string | undefined
  firstTimestamp?: string | undefined
  eventTime?: string | undefined
}
interface Reporter {
  source: { component?: string | undefined; host?: string | undefined }
  reportingComponent: string
  reportingInstance: string
}

const lastSeen = ({ series, lastTimestamp, firstTimestamp, eventTime }: Times): string | undefined =>
  series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime

const objectText = ({ kind: of = '', name: named }: EventReference): string =>
  named === undefined ? of.toLowerCase() : `${of.toLowerCase()}/${named}`

/** Component and host; newer events say reporter and instance. */
function sourceText({ source, reportingComponent, reportingInstance }: Reporter): string {
  const component = source.component ?? reportingComponent
  const host = source.host ?? reportingInstance
  return host === '' ? component : `${component}, ${host}`
}

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
  validateCreate: eventErrors,
  ownColumns: true,
  columns: [
    { name: 'Last Seen', cell: (event, now) => since(lastSeen(event), now) },
    { name: 'Type', cell: (event) => event.type ?? '' },
    { name: 'Reason', cell: (event) => event.reason ?? '' },
    { name: 'Object', cell: (event) => objectText(event.involvedObject) },
    { name: 'Subobject', wide: true, cell: (event) => event.involvedObject.fieldPath ?? '' },
    { name: 'Source', wide: true, cell: (event) => sourceText(event) },
    { name: 'Message', cell: (event) => (event.message ?? '').trim() },
    { name: 'First Seen', wide: true, cell: (event, now) => since(event.firstTimestamp ?? event.eventTime, now) },
    { name: 'Count', wide: true, type: 'integer', cell: (event) => event.series?.count ?? event.count ?? 1 },
    { ...nameColumn, wide: true },
  ],
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
