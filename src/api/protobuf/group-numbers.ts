// Protobuf field numbers of the groups that have few types.
import type { NumbersOfTypes } from './numbers.ts'

/** io.k8s.api.coordination.v1 */
export const coordinationNumbers = {
  LeaseSpec: {
    ...{ holderIdentity: 1, leaseDurationSeconds: 2, acquireTime: 3, renewTime: 4, leaseTransitions: 5, strategy: 6 },
    ...{ preferredHolder: 7 },
  },
  Lease: { metadata: 1, spec: 2 },
} satisfies NumbersOfTypes

/** io.k8s.api.node.v1 */
export const runtimeClassNumbers = {
  Overhead: { podFixed: 1 },
  Scheduling: { nodeSelector: 1, tolerations: 2 },
  RuntimeClass: { metadata: 1, handler: 2, overhead: 3, scheduling: 4 },
} satisfies NumbersOfTypes

/** io.k8s.api.scheduling.v1 */
export const schedulingNumbers = {
  PriorityClass: { metadata: 1, value: 2, globalDefault: 3, description: 4, preemptionPolicy: 5 },
} satisfies NumbersOfTypes

/** io.k8s.api.policy.v1 */
export const policyNumbers = {
  Eviction: { metadata: 1, deleteOptions: 2 },
  PodDisruptionBudget: { metadata: 1, spec: 2, status: 3 },
  PodDisruptionBudgetSpec: { minAvailable: 1, selector: 2, maxUnavailable: 3, unhealthyPodEvictionPolicy: 4 },
  PodDisruptionBudgetStatus: {
    ...{ observedGeneration: 1, disruptedPods: 2, disruptionsAllowed: 3, currentHealthy: 4, desiredHealthy: 5 },
    ...{ expectedPods: 6, conditions: 7 },
  },
} satisfies NumbersOfTypes
