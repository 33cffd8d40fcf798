// Probes and lifecycle hooks: exactly one action each, with numbers that make sense.
import { type FieldError, forbiddenField, invalid, invalidFor, negative, required } from '../field-error.ts'
import { portName } from '../name.ts'
import type { IntOrString } from '../schema.ts'
import type { HttpGetAction, LifecycleHandler, Probe } from './probe.ts'

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>

interface Probed {
  livenessProbe?: Probe | undefined
  readinessProbe?: Probe | undefined
  startupProbe?: Probe | undefined
  lifecycle?: { postStart?: LifecycleHandler | undefined; preStop?: LifecycleHandler | undefined } | undefined
}

/** Probes and hooks of one container. `graceSeconds` is the Pod's, which a sleep may not outlast. */
export function probedErrors(container: Probed, field: string, graceSeconds: number | undefined): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  const wrong: FieldError[] = []
  for (const step of ['postStart', 'preStop'] as const) {
    const handler = lifecycle?.[step]
    if (handler) wrong.push(...handlerErrors(handler, `${field}.lifecycle.${step}`, graceSeconds))
  }
  if (livenessProbe) wrong.push(...onceErrors(livenessProbe, `${field}.livenessProbe`, graceSeconds))
  if (readinessProbe) {
    const at = `${field}.readinessProbe`
    wrong.push(...probeErrors(readinessProbe, at, graceSeconds))
    const own = readinessProbe.terminationGracePeriodSeconds
    if (own !== undefined) wrong.push(invalid(`${at}.terminationGracePeriodSeconds`, own, 'must not be set for readinessProbes'))
  }
  if (startupProbe) wrong.push(...onceErrors(startupProbe, `${field}.startupProbe`, graceSeconds))
  return wrong
}

/** A probe that need not succeed twice. */
function onceErrors(probe: Probe, field: string, graceSeconds: number | undefined): FieldError[] {
  const times = probe.successThreshold
  const wrong = probeErrors(probe, field, graceSeconds)
  return times === 1 ? wrong : [...wrong, invalid(`${field}.successThreshold`, times, 'must be 1')]
}

const counts = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const

function probeErrors(probe: Probe, field: string, graceSeconds: number | undefined): FieldError[] {
  const own = probe.terminationGracePeriodSeconds
  return [
    ...handlerErrors(probe, field, graceSeconds),
    ...counts.flatMap((name) => negative(`${field}.${name}`, probe[name])),
    ...(own !== undefined && own <= 0 ? [invalid(`${field}.terminationGracePeriodSeconds`, own, 'must be greater than 0')] : []),
  ]
}

function handlerErrors(handler: Handler, field: string, graceSeconds: number | undefined): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  const given = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(([, action]) => action !== undefined)
  if (given.length === 0) return [required(field, 'must specify a handler type')]
  const wrong = given.slice(1).map(([name]) => forbiddenField(`${field}.${name}`, 'may not specify more than 1 handler type'))
  // k8s: what comes second is refused unread
  const first = given[0]?.[0]
  if (first === 'exec' && !exec?.command) wrong.push(required(`${field}.exec.command`))
  if (first === 'httpGet' && httpGet) wrong.push(...httpErrors(httpGet, `${field}.httpGet`))
  if (first === 'tcpSocket' && tcpSocket) wrong.push(...portErrors(tcpSocket.port, `${field}.tcpSocket.port`))
  if (first === 'grpc' && grpc) wrong.push(...portErrors(grpc.port, `${field}.grpc.port`))
  if (first === 'sleep' && sleep && graceSeconds !== undefined && (sleep.seconds < 1 || sleep.seconds > graceSeconds)) {
    const range = `must be greater than 0 and less than terminationGracePeriodSeconds (${graceSeconds}).`
    const gate = 'Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.'
    wrong.push(invalid(`${field}.sleep`, sleep.seconds, `${range} ${gate}`))
  }
  return wrong
}

const headerText =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"

const httpErrors = (action: HttpGetAction, field: string): FieldError[] => [
  ...portErrors(action.port, `${field}.port`),
  ...(action.httpHeaders ?? []).flatMap(({ name }) =>
    /^[-A-Za-z0-9]+$/.test(name) ? [] : [invalid(`${field}.httpHeaders`, name, headerText)],
  ),
]

/** A number of a port, or its name. */
export function portErrors(port: IntOrString, field: string): FieldError[] {
  if (typeof port === 'string') return invalidFor(field, port, portName(port))
  return port >= 1 && port <= 65_535 ? [] : [invalid(field, port, 'must be between 1 and 65535, inclusive')]
}
