// Security settings of Pods and of containers.
import { anyJson, bool, type Infer, integer, listOf, object, optional, pointer, text } from '../schema.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const seLinuxOptions = object(
  { user: optional(text()), role: optional(text()), type: optional(text()), level: optional(text()) },
  name('SELinuxOptions'),
)
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']
const profile = (kind: string) =>
  object({ type: text({ required: true, enum: profileTypes }), localhostProfile: pointer(text()) }, name(kind))
const seccompProfile = profile('SeccompProfile')
const appArmorProfile = profile('AppArmorProfile')
const capabilities = object({ add: optional(listOf(text())), drop: optional(listOf(text())) }, name('Capabilities'))
const sysctl = object({ name: text({ required: true }), value: text() }, name('Sysctl'))
const user = { runAsUser: pointer(integer('int64')), runAsGroup: pointer(integer('int64')), runAsNonRoot: pointer(bool()) }
const profiles = {
  seLinuxOptions: pointer(seLinuxOptions),
  seccompProfile: pointer(seccompProfile),
  appArmorProfile: pointer(appArmorProfile),
}

export const podSecurityContext = object(
  {
    ...user,
    ...profiles,
    windowsOptions: pointer(anyJson()),
    supplementalGroups: optional(listOf(integer('int64'))),
    supplementalGroupsPolicy: pointer(text({ enum: ['Merge', 'Strict'] })),
    fsGroup: pointer(integer('int64')),
    fsGroupChangePolicy: pointer(text({ enum: ['OnRootMismatch', 'Always'] })),
    sysctls: optional(listOf(sysctl)),
    seLinuxChangePolicy: pointer(text()),
  },
  name('PodSecurityContext'),
)

export const securityContext = object(
  {
    ...user,
    ...profiles,
    windowsOptions: pointer(anyJson()),
    capabilities: pointer(capabilities),
    privileged: pointer(bool()),
    readOnlyRootFilesystem: pointer(bool()),
    allowPrivilegeEscalation: pointer(bool()),
    procMount: pointer(text({ enum: ['Default', 'Unmasked'] })),
  },
  name('SecurityContext'),
)
export type SecurityContext = Infer<typeof securityContext>
export type SecurityProfile = Infer<typeof seccompProfile>
