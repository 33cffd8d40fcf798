// Service: enough of it for default/kubernetes; nothing here routes to Services yet.
import { ageColumn, nameColumn } from '../column.ts'
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
import { serviceErrors, serviceUpdateErrors } from './service-rules.ts'

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

type Spec = Infer<typeof serviceSpec>

function externalText({ type, externalIPs = [], externalName = '' }: Spec): string {
  if (type === 'ExternalName') return externalName
  if (externalIPs.length > 0) return externalIPs.join(',')
  return type === 'LoadBalancer' ? '<pending>' : '<none>'
}

const portsText = ({ ports = [] }: Spec): string =>
  ports.map((p) => `${p.port}${p.nodePort === undefined ? '' : `:${p.nodePort}`}/${p.protocol}`).join(',') || '<none>'

const selectorText = (selector: Record<string, string> | undefined): string =>
  Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',') || '<none>'

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
  validate: serviceErrors,
  validateUpdate: serviceUpdateErrors,
  name: dns1035Label,
  ownColumns: true,
  columns: [
    nameColumn,
    { name: 'Type', cell: (s) => s.spec.type ?? '' },
    { name: 'Cluster-IP', cell: (s) => s.spec.clusterIPs?.[0] ?? s.spec.clusterIP ?? '<none>' },
    { name: 'External-IP', cell: (s) => externalText(s.spec) },
    { name: 'Port(s)', cell: (s) => portsText(s.spec) },
    ageColumn,
    { name: 'Selector', wide: true, cell: (s) => selectorText(s.spec.selector) },
  ],
  selectable: { 'spec.clusterIP': (s) => s.spec.clusterIP ?? '', 'spec.type': (s) => s.spec.type ?? '' },
})
export type Service = ObjectOf<typeof Service>
