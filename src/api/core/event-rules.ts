// Which events may be recorded: they lie where the object they tell of lies.
import { type FieldError, invalid, invalidFor, required } from '../field-error.ts'
import { qualifiedName } from '../name.ts'

interface EventShape {
  metadata: { namespace?: string | undefined }
  involvedObject: { namespace?: string | undefined }
  eventTime?: string | undefined
  reportingComponent: string
  reportingInstance: string
  action?: string | undefined
  reason?: string | undefined
  message?: string | undefined
}

const shortText = 128
const longText = 1024

/** k8s: only events with an eventTime are judged as the new kind, which says who reports and what was done. */
export function eventErrors(event: EventShape): FieldError[] {
  const { namespace = '' } = event.metadata
  const involved = event.involvedObject.namespace ?? ''
  const isNew = event.eventTime !== undefined
  const ofCluster = isNew ? ['default', 'kube-system'] : ['', 'default']
  const agrees = involved === '' ? ofCluster.includes(namespace) : isNew || involved === namespace
  const wrong = agrees ? [] : [invalid('involvedObject.namespace', involved, 'does not match event.namespace')]
  return isNew ? [...wrong, ...reporterErrors(event)] : wrong
}

function reporterErrors({
  reportingComponent,
  reportingInstance,
  action = '',
  reason = '',
  message = '',
}: EventShape): FieldError[] {
  const wrong: FieldError[] = []
  if (reportingComponent === '') wrong.push(required('reportingComponent'))
  wrong.push(...invalidFor('reportingComponent', reportingComponent, qualifiedName(reportingComponent)))
  for (const [field, value] of Object.entries({ reportingInstance, action, reason })) {
    if (value === '') wrong.push(required(field))
    if (value.length > shortText) wrong.push(invalid(field, '', `can have at most ${shortText} characters`))
  }
  if (message.length > longText) wrong.push(invalid('message', '', `can have at most ${longText} characters`))
  return wrong
}
