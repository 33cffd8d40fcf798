// Pod: the smallest thing that runs.
import { kind, type ObjectOf } from '../kind.ts'
import { embedded } from '../schema.ts'
import { podColumns } from './pod-columns.ts'
import { podCreateErrors, podErrors } from './pod-rules.ts'
import { podSpec } from './pod-spec.ts'
import { type PodCondition, podStatus } from './pod-status.ts'
import { podStatusErrors } from './pod-status-rules.ts'
import { podUpdateErrors } from './pod-update-rules.ts'
import { qosClass } from './qos.ts'

const gated: PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

export const Pod = kind({
  ...{ group: '', version: 'v1', kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.Pod',
  fields: { spec: embedded(podSpec), status: embedded(podStatus) },
  hasStatus: true,
  prepareCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClass(pod) }
    if (pod.spec.schedulingGates?.length) pod.status.conditions = [gated]
  },
  prepareStatusUpdate(next, old) {
    // k8s: kubelets may not touch owners through /status, and old ones send no class
    if (old.metadata.ownerReferences) next.metadata.ownerReferences = old.metadata.ownerReferences
    else delete next.metadata.ownerReferences
    next.status.qosClass ??= old.status.qosClass
  },
  validate: podErrors,
  validateCreate: podCreateErrors,
  validateUpdate: podUpdateErrors,
  validateStatusUpdate: podStatusErrors,
  columns: podColumns,
  selectable: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    // k8s: the old name of spec.nodeName
    'spec.host': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status.phase ?? '',
    'status.podIP': (pod) => pod.status.podIP ?? '',
    'status.podIPs': (pod) => pod.status.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': (pod) => pod.status.nominatedNodeName ?? '',
  },
})
export type Pod = ObjectOf<typeof Pod>
