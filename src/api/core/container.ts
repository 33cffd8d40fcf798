// Containers of a Pod: regular, init (sidecars too) and ephemeral ones.
import { bool, type Fields, type Infer, integer, listOf, object, optional, embedded, pointer, text } from '../schema.ts'
import { lifecycle, probe } from './probe.ts'
import { resourceRequirements } from './resources.ts'
import { securityContext } from './security-context.ts'
import { objectFieldSelector, resourceFieldSelector } from './volume.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const keySelector = { name: optional(text()), key: text({ required: true }), optional: pointer(bool()) }
const envVarSource = object(
  {
    fieldRef: pointer(objectFieldSelector),
    resourceFieldRef: pointer(resourceFieldSelector),
    configMapKeyRef: pointer(object(keySelector, { ...name('ConfigMapKeySelector'), atomic: true })),
    secretKeyRef: pointer(object(keySelector, { ...name('SecretKeySelector'), atomic: true })),
  },
  name('EnvVarSource'),
)
const envVar = object({ name: text(), value: optional(text()), valueFrom: pointer(envVarSource) }, name('EnvVar'))
const envFromTarget = { name: optional(text()), optional: pointer(bool()) }
const envFromSource = object(
  {
    prefix: optional(text()),
    configMapRef: pointer(object(envFromTarget, name('ConfigMapEnvSource'))),
    secretRef: pointer(object(envFromTarget, name('SecretEnvSource'))),
  },
  name('EnvFromSource'),
)
const containerPort = object(
  {
    name: optional(text()),
    hostPort: optional(integer()),
    containerPort: integer(),
    protocol: optional(text({ default: 'TCP', enum: ['TCP', 'UDP', 'SCTP'] })),
    hostIP: optional(text()),
  },
  name('ContainerPort'),
)
const volumeMount = object(
  {
    name: text({ required: true }),
    readOnly: optional(bool()),
    recursiveReadOnly: pointer(text({ enum: ['Disabled', 'IfPossible', 'Enabled'] })),
    mountPath: text({ required: true }),
    subPath: optional(text()),
    subPathExpr: optional(text()),
    mountPropagation: pointer(text({ enum: ['None', 'HostToContainer', 'Bidirectional'] })),
  },
  name('VolumeMount'),
)
const volumeDevice = object({ name: text(), devicePath: text() }, name('VolumeDevice'))
const resizePolicy = object({ resourceName: text(), restartPolicy: text() }, name('ContainerResizePolicy'))

const fields = {
  name: text({ required: true }),
  image: optional(text()),
  command: optional(listOf(text())),
  args: optional(listOf(text())),
  workingDir: optional(text()),
  ports: optional(listOf(containerPort, { merge: { keys: ['containerPort', 'protocol'] } })),
  envFrom: optional(listOf(envFromSource)),
  env: optional(listOf(envVar, { merge: { keys: ['name'] } })),
  resources: embedded(resourceRequirements),
  resizePolicy: optional(listOf(resizePolicy)),
  restartPolicy: pointer(text()),
  volumeMounts: optional(listOf(volumeMount, { merge: { keys: ['mountPath'] } })),
  volumeDevices: optional(listOf(volumeDevice, { merge: { keys: ['devicePath'] } })),
  livenessProbe: pointer(probe),
  readinessProbe: pointer(probe),
  startupProbe: pointer(probe),
  lifecycle: pointer(lifecycle),
  terminationMessagePath: optional(text({ default: '/dev/termination-log' })),
  terminationMessagePolicy: optional(text({ default: 'File', enum: ['File', 'FallbackToLogsOnError'] })),
  imagePullPolicy: optional(text({ enum: ['Always', 'IfNotPresent', 'Never'] })),
  securityContext: pointer(securityContext),
  stdin: optional(bool()),
  stdinOnce: optional(bool()),
  tty: optional(bool()),
} satisfies Fields

/** k8s: `:latest` and no tag mean Always, any other tag or a digest IfNotPresent. */
function completeContainer(container: { image?: string | undefined; imagePullPolicy?: string | undefined }): void {
  if (container.imagePullPolicy !== undefined) return
  const reference = container.image ?? ''
  const tag = /:([\w][\w.-]*)$/.exec(reference.split('/').at(-1) ?? '')?.[1]
  const latest = !reference.includes('@') && (tag === undefined || tag === 'latest')
  container.imagePullPolicy = latest ? 'Always' : 'IfNotPresent'
}

export const container = object(fields, { ...name('Container'), complete: completeContainer })
export const ephemeralContainer = object(
  { ...fields, targetContainerName: optional(text()) },
  { ...name('EphemeralContainer'), complete: completeContainer },
)
export type Container = Infer<typeof container>
export type ContainerPort = Infer<typeof containerPort>
export type EnvVar = Infer<typeof envVar>
export type EnvFromSource = Infer<typeof envFromSource>
export type VolumeMount = Infer<typeof volumeMount>
