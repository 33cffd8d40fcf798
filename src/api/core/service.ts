// Service: enough of it for default/kubernetes; nothing here routes to Services yet.
import { kind, type ObjectOf } from '../kind.ts'
import { dns1035Label } from '../name.ts'
import {
  anyJson,
  bool,
  embedded,
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
    internalTrafficPolicy: pointer(text({ default: 'Cluster' })),
    trafficDistribution: pointer(text()),
  },
  name('ServiceSpec'),
)
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
  name: dns1035Label,
  selectable: { 'spec.clusterIP': (s) => s.spec.clusterIP ?? '', 'spec.type': (s) => s.spec.type ?? '' },
})
export type Service = ObjectOf<typeof Service>
