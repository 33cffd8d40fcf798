// What a Pod asks for.
import { labelSelector } from '../label-selector.ts'
import { anyJson, bool, type Infer, integer, listOf, mapOf, object, optional, pointer, text } from '../schema.ts'
import { affinity } from './affinity.ts'
import { container, ephemeralContainer } from './container.ts'
import { localObjectReference } from './object-reference.ts'
import { resourceList, resourceRequirements } from './resources.ts'
import { podSecurityContext } from './security-context.ts'
import { toleration } from './toleration.ts'
import { volume } from './volume.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const hostAlias = object({ ip: text({ required: true }), hostnames: optional(listOf(text())) }, name('HostAlias'))
const dnsOption = object({ name: optional(text()), value: pointer(text()) }, name('PodDNSConfigOption'))
const dnsConfig = object(
  { nameservers: optional(listOf(text())), searches: optional(listOf(text())), options: optional(listOf(dnsOption)) },
  name('PodDNSConfig'),
)
const readinessGate = object({ conditionType: text() }, name('PodReadinessGate'))
const schedulingGate = object({ name: text({ required: true }) }, name('PodSchedulingGate'))
const podOS = object({ name: text({ required: true }) }, name('PodOS'))
const topologySpread = object(
  {
    maxSkew: integer(),
    topologyKey: text(),
    whenUnsatisfiable: text(),
    labelSelector: pointer(labelSelector),
    minDomains: pointer(integer()),
    nodeAffinityPolicy: pointer(text()),
    nodeTaintsPolicy: pointer(text()),
    matchLabelKeys: optional(listOf(text())),
  },
  name('TopologySpreadConstraint'),
)

const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']

export const podSpec = object(
  {
    volumes: optional(listOf(volume, { merge: { keys: ['name'] } })),
    initContainers: optional(listOf(container, { merge: { keys: ['name'] } })),
    containers: listOf(container, { merge: { keys: ['name'] } }),
    ephemeralContainers: optional(listOf(ephemeralContainer, { merge: { keys: ['name'] } })),
    restartPolicy: optional(text({ default: 'Always', enum: ['Always', 'OnFailure', 'Never'] })),
    terminationGracePeriodSeconds: pointer(integer('int64', { default: 30 })),
    activeDeadlineSeconds: pointer(integer('int64')),
    dnsPolicy: optional(text({ default: 'ClusterFirst', enum: dnsPolicies })),
    nodeSelector: optional(mapOf(text(), { atomic: true })),
    serviceAccountName: optional(text()),
    serviceAccount: optional(text()),
    automountServiceAccountToken: pointer(bool()),
    nodeName: optional(text()),
    hostNetwork: optional(bool()),
    hostPID: optional(bool()),
    hostIPC: optional(bool()),
    shareProcessNamespace: pointer(bool()),
    // k8s: always there, {} at least
    securityContext: pointer(podSecurityContext),
    imagePullSecrets: optional(listOf(localObjectReference, { merge: { keys: ['name'] } })),
    hostname: optional(text()),
    subdomain: optional(text()),
    affinity: pointer(affinity),
    schedulerName: optional(text({ default: 'default-scheduler' })),
    tolerations: optional(listOf(toleration)),
    hostAliases: optional(listOf(hostAlias, { merge: { keys: ['ip'] } })),
    priorityClassName: optional(text()),
    priority: pointer(integer()),
    dnsConfig: pointer(dnsConfig),
    readinessGates: optional(listOf(readinessGate)),
    runtimeClassName: pointer(text()),
    enableServiceLinks: pointer(bool({ default: true })),
    preemptionPolicy: pointer(text({ enum: ['Never', 'PreemptLowerPriority'] })),
    // k8s: an empty map differs from none: admission refuses `overhead: {}` on a Pod without a class
    overhead: pointer(resourceList),
    topologySpreadConstraints: optional(listOf(topologySpread, { merge: { keys: ['topologyKey', 'whenUnsatisfiable'] } })),
    setHostnameAsFQDN: pointer(bool()),
    os: pointer(podOS),
    hostUsers: pointer(bool()),
    schedulingGates: optional(listOf(schedulingGate, { merge: { keys: ['name'] } })),
    resourceClaims: optional(listOf(anyJson())),
    resources: pointer(resourceRequirements),
  },
  {
    ...name('PodSpec'),
    complete(spec) {
      spec.securityContext ??= {}
      // k8s: the old and the new name of the same field always agree
      spec.serviceAccountName ??= spec.serviceAccount
      if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName
      else delete spec.serviceAccountName
      if (!spec.hostNetwork) return
      // k8s: on the host's network a container port is a host port
      for (const port of [...spec.containers, ...(spec.initContainers ?? [])].flatMap((c) => c.ports ?? []))
        port.hostPort ??= port.containerPort
    },
  },
)
export type PodSpec = Infer<typeof podSpec>
