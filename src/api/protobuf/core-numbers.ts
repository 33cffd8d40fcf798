// Protobuf field numbers of io.k8s.api.core.v1: everything small.
import type { NumbersOfTypes } from './numbers.ts'

export const coreNumbers = {
  ObjectReference: { kind: 1, namespace: 2, name: 3, uid: 4, apiVersion: 5, resourceVersion: 6, fieldPath: 7 },
  LocalObjectReference: { name: 1 },
  Binding: { metadata: 1, target: 2 },
  ConfigMap: { metadata: 1, immutable: 4, data: 2, binaryData: 3 },
  EventSource: { component: 1, host: 2 },
  EventSeries: { count: 1, lastObservedTime: 2 },
  Event: {
    ...{ metadata: 1, involvedObject: 2, reason: 3, message: 4, source: 5, firstTimestamp: 6, lastTimestamp: 7, count: 8 },
    ...{ type: 9, eventTime: 10, series: 11, action: 12, related: 13, reportingComponent: 14, reportingInstance: 15 },
  },
  NamespaceCondition: { type: 1, status: 2, lastTransitionTime: 4, reason: 5, message: 6 },
  NamespaceSpec: { finalizers: 1 },
  NamespaceStatus: { phase: 1, conditions: 2 },
  Namespace: { metadata: 1, spec: 2, status: 3 },
  Secret: { metadata: 1, immutable: 5, data: 2, stringData: 4, type: 3 },
  ServiceAccount: { metadata: 1, secrets: 2, imagePullSecrets: 3, automountServiceAccountToken: 4 },
  ServicePort: { name: 1, protocol: 2, appProtocol: 6, port: 3, targetPort: 4, nodePort: 5 },
  ServiceSpec: {
    ...{ ports: 1, selector: 2, clusterIP: 3, clusterIPs: 18, type: 4, externalIPs: 5, sessionAffinity: 7 },
    ...{ sessionAffinityConfig: 14, loadBalancerIP: 8, loadBalancerSourceRanges: 9, externalName: 10 },
    ...{ externalTrafficPolicy: 11, healthCheckNodePort: 12, publishNotReadyAddresses: 13, ipFamilies: 19 },
    ...{ ipFamilyPolicy: 17, allocateLoadBalancerNodePorts: 20, loadBalancerClass: 21, internalTrafficPolicy: 22 },
    ...{ trafficDistribution: 23 },
  },
  LoadBalancerStatus: {},
  ServiceStatus: { loadBalancer: 1 },
  Service: { metadata: 1, spec: 2, status: 3 },
  SessionAffinityConfig: { clientIP: 1 },
  ClientIPConfig: { timeoutSeconds: 1 },
} satisfies NumbersOfTypes
