// Containers of a Pod: regular, init and ephemeral ones, each alone and against each other.
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  invalidFor,
  notFoundField,
  notSupported,
  outside,
  required,
} from '../field-error.ts'
import { dnsLabel, portName } from '../name.ts'
import type { Container, ContainerPort } from './container.ts'
import { envErrors, envFromErrors } from './env-rules.ts'
import { mountErrors } from './mount-rules.ts'
import type { PodSpec } from './pod-spec.ts'
import { probedErrors } from './probe-rules.ts'
import { resourceRequirementsErrors } from './resource-rules.ts'
import { securityContextErrors } from './security-rules.ts'
import type { Volume } from './volume.ts'

export function containerErrors(spec: PodSpec, field: string): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]))
  const taken = new Set<string>()
  return [
    ...regularErrors(spec, volumes, taken, `${field}.containers`),
    ...initErrors(spec, volumes, taken, `${field}.initContainers`),
    ...ephemeralErrors(spec, volumes, taken, `${field}.ephemeralContainers`),
  ]
}

type Volumes = ReadonlyMap<string, Volume>

function regularErrors(spec: PodSpec, volumes: Volumes, taken: Set<string>, field: string): FieldError[] {
  if (spec.containers.length === 0) return [required(field)]
  const ports = new Set<string>()
  return spec.containers.flatMap((container, i) => {
    const at = `${field}[${i}]`
    const wrong = [
      ...anyContainerErrors(container, spec, volumes, at),
      ...nameTaken(container.name, taken, at),
      ...probedErrors(container, at, spec.terminationGracePeriodSeconds),
    ]
    if (container.restartPolicy !== undefined)
      wrong.push(forbiddenField(`${at}.restartPolicy`, 'may not be set for non-init containers'))
    return [...wrong, ...hostPortConflicts(container.ports, ports, at)]
  })
}

const sidecarOnly = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

function initErrors(spec: PodSpec, volumes: Volumes, taken: Set<string>, field: string): FieldError[] {
  return (spec.initContainers ?? []).flatMap((container, i) => {
    const at = `${field}[${i}]`
    const wrong = anyContainerErrors(container, spec, volumes, at)
    const policy = container.restartPolicy
    if (policy !== undefined && policy !== 'Always') wrong.push(notSupported(`${at}.restartPolicy`, policy, ['Always']))
    wrong.push(...nameTaken(container.name, taken, at))
    // init containers run one by one: only within one can ports conflict
    wrong.push(...hostPortConflicts(container.ports, new Set(), at))
    if (policy === 'Always') return [...wrong, ...probedErrors(container, at, spec.terminationGracePeriodSeconds)]
    for (const key of sidecarOnly)
      if (container[key] !== undefined)
        wrong.push(forbiddenField(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always'))
    return wrong
  })
}

const notEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'restartPolicy'] as const

function ephemeralErrors(spec: PodSpec, volumes: Volumes, taken: Set<string>, field: string): FieldError[] {
  const targets = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name))
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = `${field}[${i}]`
    const wrong = [...anyContainerErrors(container, spec, volumes, at), ...nameTaken(container.name, taken, at)]
    const { targetContainerName: target, resources } = container
    if (target !== undefined && !targets.has(target)) wrong.push(notFoundField(`${at}.targetContainerName`, target))
    for (const key of notEphemeral)
      if (container[key] !== undefined) wrong.push(forbiddenField(`${at}.${key}`, 'cannot be set for an Ephemeral Container'))
    if (resources.limits ?? resources.requests)
      wrong.push(forbiddenField(`${at}.resources`, 'cannot be set for an Ephemeral Container'))
    for (const [m, mount] of (container.volumeMounts ?? []).entries())
      for (const key of ['subPath', 'subPathExpr'] as const)
        if (mount[key] !== undefined)
          wrong.push(forbiddenField(`${at}.volumeMounts[${m}].${key}`, 'cannot be set for an Ephemeral Container'))
    return wrong
  })
}

function nameTaken(name: string, taken: Set<string>, at: string): FieldError[] {
  if (name === '') return []
  const wrong = taken.has(name) ? [duplicate(`${at}.name`, name)] : []
  taken.add(name)
  return wrong
}

/** What holds for every container. */
function anyContainerErrors(container: Container, spec: PodSpec, volumes: Volumes, at: string): FieldError[] {
  const { name, image = '' } = container
  return [
    ...(name === '' ? [required(`${at}.name`)] : invalidFor(`${at}.name`, name, dnsLabel(name))),
    ...imageErrors(image, `${at}.image`),
    ...portsErrors(container.ports, `${at}.ports`, spec.hostNetwork === true),
    ...envErrors(container.env, `${at}.env`),
    ...envFromErrors(container.envFrom, `${at}.envFrom`),
    ...mountErrors(container, volumes, at),
    ...resourceRequirementsErrors(container.resources, `${at}.resources`),
    ...resizeErrors(container, spec, `${at}.resizePolicy`),
    ...securityContextErrors(container.securityContext, `${at}.securityContext`, spec.hostUsers),
  ]
}

export function imageErrors(image: string, field: string): FieldError[] {
  if (image === '') return [required(field)]
  return image.trim() === image ? [] : [invalid(field, image, 'must not have leading or trailing whitespace')]
}

const inRange = (field: string, port: number) => outside(field, port, 1, 65_535)

function portsErrors(ports: readonly ContainerPort[] | undefined, field: string, onHost: boolean): FieldError[] {
  const taken = new Set<string>()
  return (ports ?? []).flatMap((port, i) => {
    const at = `${field}[${i}]`
    const wrong: FieldError[] = []
    if (port.name !== undefined) {
      const bad = portName(port.name)
      wrong.push(...invalidFor(`${at}.name`, port.name, bad))
      if (bad.length === 0 && taken.has(port.name)) wrong.push(duplicate(`${at}.name`, port.name))
      taken.add(port.name)
    }
    if (port.containerPort === 0) wrong.push(required(`${at}.containerPort`))
    else wrong.push(...inRange(`${at}.containerPort`, port.containerPort))
    if (port.hostPort !== undefined) wrong.push(...inRange(`${at}.hostPort`, port.hostPort))
    if (onHost && port.hostPort !== port.containerPort)
      wrong.push(invalid(`${at}.hostPort`, port.hostPort ?? 0, 'must match `containerPort` when `hostNetwork` is true'))
    return wrong
  })
}

function hostPortConflicts(ports: readonly ContainerPort[] | undefined, taken: Set<string>, at: string): FieldError[] {
  return (ports ?? []).flatMap(({ hostPort, protocol = 'TCP', hostIP = '' }, i) => {
    if (hostPort === undefined) return []
    const claim = `${protocol}/${hostIP}/${hostPort}`
    const wrong = taken.has(claim) ? [duplicate(`${at}.ports[${i}].hostPort`, claim)] : []
    taken.add(claim)
    return wrong
  })
}

const resizable = ['cpu', 'memory']
const resizeRestarts = ['NotRequired', 'RestartContainer']

function resizeErrors(container: Container, spec: PodSpec, field: string): FieldError[] {
  const taken = new Set<string>()
  return (container.resizePolicy ?? []).flatMap(({ resourceName, restartPolicy }) => {
    const wrong: FieldError[] = []
    if (taken.has(resourceName)) wrong.push(duplicate(field, resourceName))
    taken.add(resourceName)
    // k8s: reported at the list, without an index
    if (!resizable.includes(resourceName)) wrong.push(notSupported(field, resourceName, resizable))
    if (!resizeRestarts.includes(restartPolicy)) wrong.push(notSupported(field, restartPolicy, resizeRestarts))
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      wrong.push(invalid(field, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    return wrong
  })
}
