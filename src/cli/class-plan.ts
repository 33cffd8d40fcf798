// Which RuntimeClasses the handlers of a cluster lack. Pure; what users wrote is never changed, whatever it says.
import type { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { handlerKey, handlerReadiness, unprovedHandlers } from '../api/polypod/handler-readiness.ts'
import { dnsLabel } from '../api/name.ts'
import { amounts, amountText } from '../ledger/amounts.ts'
import { measuredByAnnotation } from './apply-overhead.ts'

export interface ClassWorld {
  nodes: readonly Node[]
  classes: readonly RuntimeClass[]
  measurements: readonly HandlerMeasurement[]
  /** Give each class a node selector for schedulers that do not look at handlers themselves. */
  select: boolean
}

export interface ClassPlan {
  handler: string
  /** Present: this class is to be made. */
  make?: RuntimeClass | undefined
  /** In words for users: why none is made, or what is noteworthy of the one that is. */
  note: string
}

/** One for each handler that some node offers, by name. */
export function classPlans(world: ClassWorld): ClassPlan[] {
  return handlersOf(world.nodes).map((handler) => planFor(handler, world))
}

/** Whether some handler's first proof is still under way: whoever waits a moment knows more. */
export const isProving = (nodes: readonly Node[]): boolean =>
  nodes.some((node) => offered(node).some((handler) => handlerReadiness(node, handler) === 'pending'))

const offered = ({ status }: Node): string[] =>
  (status.runtimeHandlers ?? []).map(({ name }) => name).filter((name) => name !== '')

const handlersOf = (nodes: readonly Node[]): string[] => [...new Set(nodes.flatMap(offered))].sort()

function planFor(handler: string, { nodes, classes, measurements, select }: ClassWorld): ClassPlan {
  const named = classes.filter((one) => one.handler === handler).map(({ metadata }) => metadata.name)
  if (named.length > 0) return { handler, note: `RuntimeClass ${named.join(', ')} names it already` }
  const taken = classes.find(({ metadata }) => metadata.name === handler)
  if (taken) return { handler, note: `RuntimeClass ${handler} is there and means handler ${taken.handler}` }
  if (dnsLabel(handler).length > 0) return { handler, note: 'no RuntimeClass can say this name' }
  const having = nodes.filter((node) => offered(node).includes(handler))
  const unproved = having.map((node) => ({ node, why: whyUnproved(node, handler) }))
  const usable = unproved.filter(({ why }) => why === undefined)
  if (usable.length === 0)
    return { handler, note: unproved.map(({ node, why }) => `node ${node.metadata.name}: ${why}`).join('; ') }
  const overhead = dearest(measurements.filter(({ spec }) => spec.handler === handler))
  const where = `proved on ${usable.length} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`
  return {
    handler,
    make: runtimeClass(handler, overhead, select),
    note: `${where}; ${overhead ? `overhead measured: ${overhead.from}` : 'overhead not measured: see polypod measure'}`,
  }
}

function whyUnproved(node: Node, handler: string): string | undefined {
  const unproved = unprovedHandlers(node)
  return unproved?.has(handler) ? (unproved.get(handler) ?? 'not proved yet') : undefined
}

interface Overhead {
  podFixed: Record<string, string>
  /** Names of the measurements. */
  from: string
}

/** A class holds on every node that has the handler: of each resource the most that any of them needs. */
function dearest(measurements: readonly HandlerMeasurement[]): Overhead | undefined {
  const most = new Map<string, bigint>()
  const from: string[] = []
  for (const { metadata, status } of measurements) {
    if (!status.recommended) continue
    from.push(`${metadata.namespace}/${metadata.name}`)
    for (const [resource, amount] of amounts(status.recommended.podFixed))
      if (amount > (most.get(resource) ?? -1n)) most.set(resource, amount)
  }
  if (most.size === 0) return undefined
  const podFixed = Object.fromEntries([...most].map(([resource, amount]) => [resource, amountText(resource, amount)]))
  return { podFixed, from: from.sort().join(', ') }
}

function runtimeClass(handler: string, overhead: Overhead | undefined, select: boolean): RuntimeClass {
  const metadata = {
    name: handler,
    labels: { 'app.kubernetes.io/managed-by': 'polypod' },
    ...(overhead ? { annotations: { [measuredByAnnotation]: overhead.from } } : {}),
  }
  return RuntimeClass.decode(
    {
      ...{ metadata, handler },
      ...(overhead ? { overhead: { podFixed: overhead.podFixed } } : {}),
      ...(select ? { scheduling: { nodeSelector: { [handlerKey(handler)]: 'ready' } } } : {}),
    },
    { unknown: [] },
  )
}
