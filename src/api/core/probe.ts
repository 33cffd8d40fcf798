// Probes and lifecycle hooks: the actions a kubelet takes against a container.
import { type Infer, integer, intOrString, listOf, object, optional, pointer, text } from '../schema.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const execAction = object({ command: optional(listOf(text())) }, name('ExecAction'))
const httpHeader = object({ name: text(), value: text() }, name('HTTPHeader'))
const httpGetAction = object(
  {
    path: optional(text({ default: '/' })),
    port: intOrString(),
    host: optional(text()),
    scheme: optional(text({ default: 'HTTP', enum: ['HTTP', 'HTTPS'] })),
    httpHeaders: optional(listOf(httpHeader)),
  },
  name('HTTPGetAction'),
)
const tcpSocketAction = object({ port: intOrString(), host: optional(text()) }, name('TCPSocketAction'))
// k8s: an empty service name is kept, it asks for the whole server's health
const grpcAction = object({ port: integer(), service: pointer(text({ default: '' })) }, name('GRPCAction'))
const actions = { exec: pointer(execAction), httpGet: pointer(httpGetAction), tcpSocket: pointer(tcpSocketAction) }

export const probe = object(
  {
    ...actions,
    grpc: pointer(grpcAction),
    initialDelaySeconds: optional(integer()),
    timeoutSeconds: optional(integer('int32', { default: 1 })),
    periodSeconds: optional(integer('int32', { default: 10 })),
    successThreshold: optional(integer('int32', { default: 1 })),
    failureThreshold: optional(integer('int32', { default: 3 })),
    terminationGracePeriodSeconds: pointer(integer('int64')),
  },
  name('Probe'),
)
const sleepAction = object({ seconds: integer('int64') }, name('SleepAction'))
const lifecycleHandler = object({ ...actions, sleep: pointer(sleepAction) }, name('LifecycleHandler'))
export const lifecycle = object({ postStart: pointer(lifecycleHandler), preStop: pointer(lifecycleHandler) }, name('Lifecycle'))

export type Probe = Infer<typeof probe>
export type HttpGetAction = Infer<typeof httpGetAction>
export type LifecycleHandler = Infer<typeof lifecycleHandler>
