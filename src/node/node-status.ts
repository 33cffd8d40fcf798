// The status of our Node object, from what the machine and the runtime say. Pure.
import type { Node, NodeCondition } from '../api/core/node.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { sameValue } from '../api/equal.ts'
import { amounts, amountText } from '../ledger/amounts.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { PressureCondition } from './eviction-signals.ts'
import type { Image, RuntimeHandler, RuntimeStatus } from './cri/runtime.ts'

export interface NodeStatusFacts {
  now: number
  capacity: ResourceList
  reserved: ResourceList
  addresses: readonly { type: string; address: string }[]
  nodeInfo: Node['status']['nodeInfo']
  kubeletPort: number
  /** Undefined: the runtime cannot be asked. */
  runtime: RuntimeStatus | undefined
  images: readonly Image[]
  pressures?: readonly PressureCondition[] | undefined
}

/** `old` keeps the times of transitions, and handlers and images while the runtime is away. */
export function nodeStatus(old: Node['status'], facts: NodeStatusFacts): Node['status'] {
  const { runtime, capacity, reserved, addresses, nodeInfo, kubeletPort } = facts
  return {
    ...old,
    capacity,
    allocatable: lessReserved(capacity, reserved),
    conditions: conditions(old.conditions ?? [], facts),
    addresses: [...addresses],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo,
    ...(runtime ? { runtimeHandlers: runtime.handlers.map(handlerOf) } : {}),
    ...(runtime && facts.images.length > 0 ? { images: imagesOf(facts.images) } : {}),
  }
}

// k8s: what the runtime does not claim is false, not absent
const handlerOf = ({ name, features }: RuntimeHandler) => ({
  name,
  features: {
    recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
    userNamespaces: features?.userNamespaces ?? false,
  },
})

export function lessReserved(capacity: ResourceList, reserved: ResourceList): ResourceList {
  const held = amounts(reserved)
  const left = [...amounts(capacity)].map(([name, amount]): [string, string] => {
    const rest = amount - (held.get(name) ?? 0n)
    return [name, held.has(name) ? amountText(name, rest > 0n ? rest : 0n) : (capacity[name] ?? '0')]
  })
  return Object.fromEntries(left)
}

/** k8s: the fifty largest, by all their names. */
function imagesOf(images: readonly Image[]): NonNullable<Node['status']['images']> {
  return images
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, 50)
    .map(({ repoDigests, repoTags, sizeBytes }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes }))
}

/** Why the node is not ready; undefined: it is. */
export function unreadiness(runtime: RuntimeStatus | undefined): string | undefined {
  if (!runtime?.runtimeReady) return 'container runtime is down'
  return networkProblem(runtime)
}

export const networkProblem = (runtime: RuntimeStatus | undefined): string | undefined =>
  !runtime || runtime.networkReady
    ? undefined
    : `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${runtime.message}`

type Words = [reason: string, message: string]
const pressureWords: [PressureCondition, pressed: Words, relieved: Words][] = [
  [
    'MemoryPressure',
    ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ],
  [
    'DiskPressure',
    ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ],
  [
    'PIDPressure',
    ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ],
]

function conditions(old: readonly NodeCondition[], { now, runtime, pressures = [] }: NodeStatusFacts): NodeCondition[] {
  const why = unreadiness(runtime)
  const told: [string, string, string, string][] = [
    ...pressureWords.map(([type, pressed, relieved]): [string, string, string, string] =>
      pressures.includes(type) ? [type, 'True', ...pressed] : [type, 'False', ...relieved],
    ),
    why === undefined
      ? ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status']
      : ['Ready', 'False', 'KubeletNotReady', why],
  ]
  const own = told.map(([type, status, reason, message]): NodeCondition => {
    const before = old.find((c) => c.type === type)
    const since = before?.status === status ? before.lastTransitionTime : undefined
    const times = { lastHeartbeatTime: rfc3339(now), lastTransitionTime: since ?? rfc3339(now) }
    return { type, status, ...times, reason, message }
  })
  return [...old.filter((c) => !own.some((o) => o.type === c.type)), ...own]
}

/** The same but for heartbeat times: no reason to write. */
export function sameStatus(a: Node['status'], b: Node['status']): boolean {
  const still = (status: Node['status']) => ({
    ...status,
    conditions: status.conditions?.map((condition) => ({ ...condition, lastHeartbeatTime: undefined })),
  })
  return sameValue(still(a), still(b))
}
