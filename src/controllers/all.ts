// THE list of controllers. A new one is one file and one line here.
import type { Controller } from './controller.ts'
import { eventTtl } from './event-ttl.ts'
import { ledgerCheck, type LedgerCheckOptions } from './ledger-check.ts'
import { namespaceController } from './namespace.ts'
import { nodeFacts } from './node-facts.ts'
import { nodeLifecycle } from './node-lifecycle.ts'
import { type DriftOptions, overheadDrift } from './overhead-drift.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'
import { podGc } from './pod-gc.ts'
import { resourceQuota } from './resource-quota.ts'
import { rootCa } from './root-ca.ts'
import { serviceAccount } from './service-account.ts'
import { taintEviction } from './taint-eviction.ts'

export interface ControllerOptions {
  /** The cluster's CA certificate in PEM, which every namespace gets as kube-root-ca.crt. */
  rootCa: string
  ledger?: LedgerCheckOptions | undefined
  /** Absent: nobody watches what sandboxes use. */
  drift?: DriftOptions | undefined
}

/** Fresh controllers for one cluster; each keeps its own memory. */
export const controllers = (options: ControllerOptions): readonly Controller[] => [
  namespaceController(),
  serviceAccount(),
  rootCa(options.rootCa),
  podGc(),
  podDisruptionBudget(),
  nodeLifecycle(),
  nodeFacts(),
  taintEviction(),
  resourceQuota(),
  eventTtl(),
  ledgerCheck(options.ledger),
  ...(options.drift ? [overheadDrift(options.drift)] : []),
]
