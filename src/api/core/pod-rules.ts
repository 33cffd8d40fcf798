// What a Pod may ask for, on creation and after every update.
import { duplicate, type FieldError, forbiddenField, invalidFor, notSupported, outside } from '../field-error.ts'
import { labelErrors } from '../meta.ts'
import { dnsLabel, dnsSubdomain, type NameCheck, qualifiedName } from '../name.ts'
import { affinityErrors, spreadErrors } from './affinity-rules.ts'
import { containerErrors } from './container-rules.ts'
import { dnsErrors, hostAliasErrors } from './dns-rules.ts'
import type { PodSpec } from './pod-spec.ts'
import { overheadErrors, resourceRequirementsErrors } from './resource-rules.ts'
import { podSecurityErrors } from './security-rules.ts'
import { tolerationErrors } from './toleration-rules.ts'
import { volumeErrors } from './volume-rules.ts'

interface PodShape {
  metadata: { annotations?: Record<string, string> | undefined }
  spec: PodSpec
}

/** Everything wrong with a Pod's spec, whether it is new or changed. */
export function podErrors(pod: PodShape): FieldError[] {
  return [...annotationErrors(pod), ...specErrors(pod.spec, 'spec'), ...tokenErrors(pod.spec, 'spec.volumes')]
}

function specErrors(spec: PodSpec, field: string): FieldError[] {
  return [
    ...volumeErrors(spec.volumes, `${field}.volumes`),
    ...containerErrors(spec, field),
    ...(spec.resources ? resourceRequirementsErrors(spec.resources, `${field}.resources`) : []),
    ...labelErrors(spec.nodeSelector, `${field}.nodeSelector`),
    ...podSecurityErrors(spec, field),
    ...affinityErrors(spec.affinity, `${field}.affinity`),
    ...dnsErrors(spec, field),
    ...gateErrors(spec, field),
    ...spreadErrors(spec.topologySpreadConstraints, `${field}.topologySpreadConstraints`),
    ...nameErrors(spec, field),
    ...outside(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2_147_483_647),
    ...tolerationErrors(spec.tolerations, `${field}.tolerations`),
    ...hostAliasErrors(spec.hostAliases, `${field}.hostAliases`),
    ...overheadErrors(spec.overhead, `${field}.overhead`),
    ...osErrors(spec.os?.name, `${field}.os.name`),
  ]
}

const names = {
  serviceAccountName: dnsSubdomain,
  nodeName: dnsSubdomain,
  hostname: dnsLabel,
  subdomain: dnsLabel,
  priorityClassName: dnsSubdomain,
  runtimeClassName: dnsSubdomain,
} satisfies Partial<Record<keyof PodSpec, NameCheck>>

/** k8s: `runtimeClassName: ""` is a name, and a wrong one; the other empty names are none. */
function nameErrors(spec: PodSpec, field: string): FieldError[] {
  return Object.entries(names).flatMap(([key, check]) => {
    const name = spec[key as keyof typeof names]
    return name === undefined ? [] : invalidFor(`${field}.${key}`, name, check(name))
  })
}

function gateErrors({ readinessGates, schedulingGates }: PodSpec, field: string): FieldError[] {
  const wrong = (readinessGates ?? []).flatMap(({ conditionType }, i) =>
    invalidFor(`${field}.readinessGates[${i}].conditionType`, conditionType, qualifiedName(conditionType)),
  )
  const taken = new Set<string>()
  for (const [i, { name }] of (schedulingGates ?? []).entries()) {
    const at = `${field}.schedulingGates[${i}]`
    wrong.push(...invalidFor(at, name, qualifiedName(name)))
    if (taken.has(name)) wrong.push(duplicate(at, name))
    taken.add(name)
  }
  return wrong
}

const systems = ['linux', 'windows']
const osErrors = (name: string | undefined, field: string): FieldError[] =>
  name === undefined || name === '' || systems.includes(name) ? [] : [notSupported(field, name, systems)]

const mirror = 'kubernetes.io/config.mirror'

function annotationErrors({ metadata: { annotations = {} }, spec }: PodShape): FieldError[] {
  const given = annotations[mirror]
  if (given === undefined || spec.nodeName !== undefined) return []
  return invalidFor(`metadata.annotations[${mirror}]`, given, ['must set spec.nodeName if mirror pod annotation is set'])
}

function tokenErrors({ serviceAccountName, volumes }: PodSpec, field: string): FieldError[] {
  if (serviceAccountName !== undefined) return []
  return (volumes ?? []).flatMap((volume, v) =>
    (volume.projected?.sources ?? []).flatMap((source, s) => {
      if (!source.serviceAccountToken) return []
      const at = `${field}[${v}].projected.sources[${s}].serviceAccountToken`
      return [forbiddenField(at, 'must not be specified when serviceAccountName is not set')]
    }),
  )
}

/** What only a new Pod may not have. */
export function podCreateErrors({ spec }: PodShape): FieldError[] {
  const wrong: FieldError[] = []
  if (spec.ephemeralContainers) wrong.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'))
  if (spec.nodeName !== undefined && spec.schedulingGates)
    wrong.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  return wrong
}
