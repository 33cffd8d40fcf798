// Pod: the smallest thing that runs.
import { kind, type ObjectOf } from '../kind.ts'
import { embedded } from '../schema.ts'
import { podSpec } from './pod-spec.ts'
import { podStatus } from './pod-status.ts'

export const Pod = kind({
  ...{ group: '', version: 'v1', kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Pod',
  fields: { spec: embedded(podSpec), status: embedded(podStatus) },
  hasStatus: true,
  selectable: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status.phase ?? '',
    'status.podIP': (pod) => pod.status.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status.nominatedNodeName ?? '',
  },
})
export type Pod = ObjectOf<typeof Pod>
