// Service: enough of it for default/kubernetes; nothing here routes to Services yet.
import { kind, type ObjectOf } from '../kind.ts'
import { dns1035Label } from '../name.ts'
import {
  anyJson,
  bool,
  embedded,
  type Infer,
  integer,
  intOrString,
  listOf,
  mapOf,
  object,
  oneOf,
  optional,
  pointer,
  text,
} from '../schema.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const servicePort = object(
  {
    name: optional(text()),
    protocol: optional(oneOf(['TCP', 'UDP', 'SCTP'], { default: 'TCP' })),
    appProtocol: pointer(text()),
    port: integer(),
    targetPort: pointer(intOrString()),
    nodePort: optional(integer()),
  },
  {
    ...name('ServicePort'),
    complete(port) {
      port.targetPort ??= port.port
    },
  },
)

interface Routing {
  type?: string | undefined
  sessionAffinity?: string | undefined
  sessionAffinityConfig?: unknown
  externalIPs?: string[] | undefined
  internalTrafficPolicy?: string | undefined
  externalTrafficPolicy?: string | undefined
  allocateLoadBalancerNodePorts?: boolean | undefined
}

function completeService(spec: Routing): void {
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (spec.sessionAffinity === 'ClientIP') spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10_800 } }
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (isExternal || spec.externalIPs) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

const serviceSpec = object(
  {
    ports: optional(listOf(servicePort, { merge: { keys: ['port', 'protocol'] } })),
    selector: optional(mapOf(text(), { atomic: true })),
    clusterIP: optional(text()),
    clusterIPs: optional(listOf(text())),
    type: optional(oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], { default: 'ClusterIP' })),
    externalIPs: optional(listOf(text())),
    sessionAffinity: optional(oneOf(['None', 'ClientIP'], { default: 'None' })),
    sessionAffinityConfig: pointer(anyJson()),
    loadBalancerIP: optional(text()),
    loadBalancerSourceRanges: optional(listOf(text())),
    externalName: optional(text()),
    externalTrafficPolicy: optional(text()),
    healthCheckNodePort: optional(integer()),
    publishNotReadyAddresses: optional(bool()),
    ipFamilies: optional(listOf(text())),
    ipFamilyPolicy: pointer(text()),
    allocateLoadBalancerNodePorts: pointer(bool()),
    loadBalancerClass: pointer(text()),
    internalTrafficPolicy: pointer(text()),
    trafficDistribution: pointer(text()),
  },
  { ...name('ServiceSpec'), complete: completeService },
)
/** Writes the plural forms of a given address. Nothing here allocates one: a Service that names none has none. */
function nameFamilies(spec: Infer<typeof serviceSpec>): void {
  if (spec.clusterIP === undefined || spec.type === 'ExternalName') return
  spec.clusterIPs ??= [spec.clusterIP]
  spec.ipFamilies ??= [spec.clusterIP.includes(':') ? 'IPv6' : 'IPv4']
  spec.ipFamilyPolicy ??= 'SingleStack'
}

const serviceStatus = object({ loadBalancer: embedded(object({}, name('LoadBalancerStatus'))) }, name('ServiceStatus'))

export const Service = kind({
  ...{
    group: '',
    version: 'v1',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    scope: 'namespaced',
  },
  openapiName: 'io.k8s.api.core.v1.Service',
  fields: { spec: embedded(serviceSpec), status: embedded(serviceStatus) },
  hasStatus: true,
  prepareCreate(service) {
    service.status = { loadBalancer: {} }
    nameFamilies(service.spec)
  },
  prepareUpdate(next, old) {
    // k8s: a type that has an address keeps it when the update names none
    if (next.spec.type === 'ExternalName') return
    next.spec.clusterIP ??= old.spec.clusterIP
    nameFamilies(next.spec)
  },
  name: dns1035Label,
  selectable: { 'spec.clusterIP': (s) => s.spec.clusterIP ?? '', 'spec.type': (s) => s.spec.type ?? '' },
})
export type Service = ObjectOf<typeof Service>
