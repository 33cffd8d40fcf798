// The admission plugins that are on, in upstream's order. A new plugin is one file and one line here.
import type { Plugin } from './chain.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priority, priorityClasses } from './priority.ts'
import { resourceQuota, resourceQuotaCount } from './resource-quota.ts'
import { recordedRuntimeClass } from './runtime-class-record.ts'
import { runtimeClassPolicies, runtimeClassPolicy } from './runtime-class-policy.ts'
import { serviceAccount } from './service-account.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export const defaultPlugins: readonly Plugin[] = [
  namespaceLifecycle,
  limitRanger,
  serviceAccount,
  taintNodesByCondition,
  priority,
  priorityClasses,
  defaultTolerationSeconds,
  runtimeClassPolicy,
  runtimeClassPolicies,
  recordedRuntimeClass,
  resourceQuotaCount,
  resourceQuota,
]
