// metrics.k8s.io: PodMetrics and NodeMetrics out of what kubelets measure.
import type { Node } from '../api/core/node.ts'
import { Node as NodeKind } from '../api/core/node.ts'
import { Pod as PodKind, type Pod } from '../api/core/pod.ts'
import type { AnyKind } from '../api/kind.ts'
import { NodeMetrics, PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import { formatQuantity } from '../api/quantity.ts'
import { failure, methodNotAllowed } from '../api/status.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { Call, HttpWorld, ResourceHandler } from './call.ts'
import { sendJson } from './respond.ts'
import { containerKey, nodeKey, type Rate, sandboxKey } from './usage-rates.ts'

type Rates = (key: string, startedAt?: number) => Rate | undefined

/** GET of a collection. Selectors are those of Pods and Nodes; a kubelet that is silent costs only its own. */
export const listMetrics: ResourceHandler = async (call, { kind, namespace }) => {
  if (['true', '1'].includes(call.query.get('watch') ?? '')) throw methodNotAllowed()
  const of = kind.kind === 'PodMetrics' ? PodKind : NodeKind
  const [labelSelector, fieldSelector] = [call.query.get('labelSelector') ?? '', call.query.get('fieldSelector') ?? '']
  const { items } = await call.world.api.list(of, { namespace, labelSelector, fieldSelector })
  const objects = items.map(({ object }) => object)
  const metrics =
    kind.kind === 'PodMetrics'
      ? await ofPods(call, objects as unknown as Pod[])
      : await ofNodes(call, objects as unknown as Node[])
  await sendJson(call, 200, { kind: `${kind.kind}List`, apiVersion: kind.apiVersion, metadata: {}, items: metrics })
}

/** GET of one; 404 in upstream's words while nothing has been measured. */
export const getMetrics: ResourceHandler = async (call, { kind, namespace, name }) => {
  const of = kind.kind === 'PodMetrics' ? PodKind : NodeKind
  const { items } = await call.world.api.list(of, { namespace, fieldSelector: `metadata.name=${name}` })
  const objects = items.map(({ object }) => object)
  const [found] =
    kind.kind === 'PodMetrics'
      ? await ofPods(call, objects as unknown as Pod[])
      : await ofNodes(call, objects as unknown as Node[])
  if (!found) throw notMeasured(kind, namespace === undefined ? name : `${namespace}/${name}`)
  await sendJson(call, 200, found)
}

function notMeasured({ kind, group, plural }: AnyKind, name: string) {
  const message = `${kind.toLowerCase()}.${group} "${name}" not found`
  return failure(404, 'NotFound', message, { name, group, kind: plural })
}

async function ratesByNode(world: HttpWorld, nodes: Iterable<string>): Promise<Map<string, Rates>> {
  const found = new Map<string, Rates>()
  const ask = async (node: string) => {
    try {
      found.set(node, await world.usage.ratesOf(node))
    } catch (error) {
      world.log(`metrics of node ${node} cannot be had`, error)
    }
  }
  await Promise.all([...new Set(nodes)].map(ask))
  return found
}

export async function ofPods({ world }: Pick<Call, 'world'>, pods: readonly Pod[]) {
  const placed = pods.filter(({ spec }) => !!spec.nodeName)
  const rates = await ratesByNode(
    world,
    placed.map(({ spec }) => spec.nodeName ?? ''),
  )
  return placed.flatMap((pod) => podMetrics(pod, rates.get(pod.spec.nodeName ?? '')) ?? [])
}

/** Undefined while none of its containers runs. */
function podMetrics(pod: Pod, rates: Rates | undefined) {
  const { uid = '', name, namespace, labels, creationTimestamp } = pod.metadata
  const measured = containersOf(pod).flatMap(({ container, startedAt }) => {
    const rate = rates?.(containerKey(uid, container), startedAt)
    return rate ? [{ container, rate }] : []
  })
  const [first] = measured
  if (!first) return undefined
  const sandbox = rates?.(sandboxKey(uid), Date.parse(pod.status.startTime ?? ''))
  return {
    ...{ kind: PodMetrics.kind, apiVersion: PodMetrics.apiVersion },
    metadata: {
      ...{ name, namespace, creationTimestamp },
      ...(labels ? { labels } : {}),
      // apart from the containers: an autoscaler sees the same numbers on every class
      ...(sandbox ? { annotations: { [sandboxUsageAnnotation]: JSON.stringify(usageOf(sandbox)) } } : {}),
    },
    ...momentOf(first.rate),
    containers: measured.map(({ container, rate }) => ({ name: container, usage: usageOf(rate) })),
  }
}

/** Those that run, by name, and since when. */
function containersOf({ status }: Pod): { container: string; startedAt: number | undefined }[] {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  return all.flatMap(({ name, state }) =>
    state?.running ? [{ container: name, startedAt: Date.parse(state.running.startedAt ?? '') }] : [],
  )
}

const usageOf = ({ cpuNanoCores, memoryBytes }: Rate) => ({
  cpu: formatQuantity({ nano: BigInt(Math.max(0, cpuNanoCores)), format: 'DecimalSI' }),
  memory: formatQuantity({ nano: BigInt(Math.round(memoryBytes)) * 1_000_000_000n, format: 'BinarySI' }),
})

const momentOf = ({ at, windowMs }: Rate) => ({ timestamp: rfc3339(at), window: `${windowMs / 1000}s` })

/** Two looks at a node that was never asked before have to lie so far apart. */
const firstWindowMs = 1100

async function ofNodes({ world }: Pick<Call, 'world'>, nodes: readonly Node[]) {
  const names = nodes.map(({ metadata }) => metadata.name)
  let rates = await ratesByNode(world, names)
  if (names.some((name) => rates.has(name) && !rates.get(name)?.(nodeKey))) {
    await world.clock.sleep(firstWindowMs)
    rates = await ratesByNode(world, names)
  }
  return nodes.flatMap(({ metadata: { name, labels, creationTimestamp } }) => {
    const rate = rates.get(name)?.(nodeKey)
    if (!rate) return []
    return [
      {
        ...{ kind: NodeMetrics.kind, apiVersion: NodeMetrics.apiVersion },
        metadata: { name, creationTimestamp, ...(labels ? { labels } : {}) },
        ...momentOf(rate),
        usage: usageOf(rate),
      },
    ]
  })
}
