// THE list of kinds that are served. A new kind is one file and one line here.
import { Lease } from './coordination/lease.ts'
import { Binding } from './core/binding.ts'
import { ConfigMap } from './core/config-map.ts'
import { Event } from './core/event.ts'
import { LimitRange } from './core/limit-range.ts'
import { Namespace } from './core/namespace.ts'
import { Node } from './core/node.ts'
import { Pod } from './core/pod.ts'
import { ResourceQuota } from './core/resource-quota.ts'
import { Secret } from './core/secret.ts'
import { ServiceAccount } from './core/service-account.ts'
import { Service } from './core/service.ts'
import type { AnyKind } from './kind.ts'
import { RuntimeClass } from './node/runtime-class.ts'
import { Eviction } from './policy/eviction.ts'
import { PodDisruptionBudget } from './policy/pod-disruption-budget.ts'
import { HandlerMeasurement } from './polypod/handler-measurement.ts'
import { NodeHandler } from './polypod/node-handler.ts'
import { PriorityClass } from './scheduling/priority-class.ts'

export const kinds: readonly AnyKind[] = [
  Binding,
  ConfigMap,
  Event,
  LimitRange,
  Namespace,
  Node,
  Pod,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
  Lease,
  RuntimeClass,
  PodDisruptionBudget,
  PriorityClass,
  NodeHandler,
  HandlerMeasurement,
]

/** Kinds that are bodies of requests to subresources, and nothing else. */
export const bodyKinds: readonly AnyKind[] = [Eviction]
