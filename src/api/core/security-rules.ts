// Security settings of Pods and containers.
import { duplicate, type FieldError, forbiddenField, invalid, outside, required } from '../field-error.ts'
import { descendingPathErrors } from './path-rules.ts'
import type { PodSpec } from './pod-spec.ts'
import type { SecurityContext, SecurityProfile } from './security-context.ts'

type HostNamespace = 'hostNetwork' | 'hostPID' | 'hostIPC'
const maxId = 2_147_483_647

/** The Pod's own settings, and what does not go together with the host's namespaces. */
export function podSecurityErrors(spec: PodSpec, field: string): FieldError[] {
  const context = spec.securityContext ?? {}
  const at = `${field}.securityContext`
  const wrong = [
    ...outside(`${at}.fsGroup`, context.fsGroup, 0, maxId),
    ...outside(`${at}.runAsUser`, context.runAsUser, 0, maxId),
    ...outside(`${at}.runAsGroup`, context.runAsGroup, 0, maxId),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => outside(`${at}.supplementalGroups[${i}]`, id, 0, maxId)),
  ]
  if (spec.shareProcessNamespace && spec.hostPID)
    wrong.push(invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  wrong.push(...sysctlErrors(spec, `${at}.sysctls`), ...profileErrors(context, at))
  if (spec.hostUsers === false)
    // k8s: two of the names are written with a capital
    for (const [key, shown] of Object.entries({ hostNetwork: 'hostNetwork', hostPID: 'HostPID', hostIPC: 'HostIPC' }))
      if (spec[key as HostNamespace]) wrong.push(forbiddenField(`${field}.${shown}`, 'when `pod.Spec.HostUsers` is false'))
  return wrong
}

const sysctlSyntax = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const sysctlText =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const ipcSysctl = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/

function sysctlErrors(spec: PodSpec, field: string): FieldError[] {
  const wrong: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, { name }] of (spec.securityContext?.sysctls ?? []).entries()) {
    const at = `${field}[${i}].name`
    if (name !== '' && (name.length > 253 || !sysctlSyntax.test(name))) wrong.push(invalid(at, name, sysctlText))
    else if (taken.has(name)) wrong.push(duplicate(at, name))
    taken.add(name)
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith('net.'))
      wrong.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    if (spec.hostIPC && ipcSysctl.test(dotted)) wrong.push(invalid(at, name, "may not be specified when 'hostIPC' is true"))
  }
  return wrong
}

interface Profiled {
  seccompProfile?: SecurityProfile | undefined
  appArmorProfile?: SecurityProfile | undefined
}

function profileErrors({ seccompProfile, appArmorProfile }: Profiled, at: string): FieldError[] {
  const wrong: FieldError[] = []
  if (seccompProfile) {
    const field = `${at}.seccompProfile.localhostProfile`
    wrong.push(...localhostErrors(seccompProfile, 'seccomp', field))
    if (seccompProfile.type === 'Localhost' && seccompProfile.localhostProfile)
      wrong.push(...descendingPathErrors(seccompProfile.localhostProfile, field))
  }
  if (appArmorProfile) wrong.push(...localhostErrors(appArmorProfile, 'AppArmor', `${at}.appArmorProfile.localhostProfile`))
  return wrong
}

function localhostErrors({ type, localhostProfile }: SecurityProfile, what: string, field: string): FieldError[] {
  if (type === 'Localhost') return localhostProfile ? [] : [required(field, `must be set when ${what} type is Localhost`)]
  if (localhostProfile === undefined) return []
  return [invalid(field, localhostProfile, `can only be set when ${what} type is Localhost`)]
}

/** One container's settings. `hostUsers`: the Pod's; false gives it a user namespace. */
export function securityContextErrors(
  context: SecurityContext | undefined,
  field: string,
  hostUsers: boolean | undefined,
): FieldError[] {
  if (!context) return []
  const wrong = [
    ...outside(`${field}.runAsUser`, context.runAsUser, 0, maxId),
    ...outside(`${field}.runAsGroup`, context.runAsGroup, 0, maxId),
    ...profileErrors(context, field),
  ]
  if (context.procMount === 'Unmasked' && hostUsers !== false)
    wrong.push(invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  if (context.allowPrivilegeEscalation !== false) return wrong
  const cannot = 'cannot set `allowPrivilegeEscalation` to false and'
  if (context.privileged) wrong.push(invalid(field, context, `${cannot} \`privileged\` to true`))
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN'))
    wrong.push(invalid(field, context, `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`))
  return wrong
}
