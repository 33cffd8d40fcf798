// Why one node refuses a Pod, in a line: what the filter says, with the facts it went by.
import type { Pod } from '../../api/core/pod.ts'
import { untolerated } from '../../api/core/tolerates.ts'
import { own } from '../../api/own.ts'
import { amountText } from '../../ledger/amounts.ts'
import type { Refusal } from '../decide.ts'
import { matchesNode, nodeTest } from '../node-selector.ts'
import type { NodeView } from '../node-view.ts'
import type { Reason, Shortage } from '../reason.ts'
import { classOf, type Facts, needOf } from './facts.ts'
import { type Origins, originsOf, termText } from './origins.ts'

/** `pod` is the one after admission. */
export function refusalText(facts: Facts, pod: Pod, { node, filter, reasons }: Refusal): string[] {
  const detail = details[filter]
  return reasons.flatMap((reason) => detail?.({ facts, pod, node, reason, origins: originsOf(facts, pod) }) ?? [reason.text])
}

interface Asked {
  facts: Facts
  pod: Pod
  node: NodeView
  reason: Reason
  origins: Origins
}

const plain = (text: string): string => text.replace(/^node\(s\) /, '')

const details: Record<string, (asked: Asked) => string[] | undefined> = {
  NodeUnschedulable: () => ['cordoned: spec.unschedulable is true'],
  NodeName: ({ pod }) => [`is not ${pod.spec.nodeName}, which the Pod names`],
  TaintToleration: ({ pod, node }) => {
    const taint = untolerated(node.hardTaints, pod.spec.tolerations ?? [])
    return taint && [`taint ${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect} is not tolerated`]
  },
  NodeAffinity: selectorText,
  RuntimeHandler: ({ node, reason }) => {
    const offered = [...(node.handlers ?? [])].filter((handler) => handler !== '').sort()
    return [`${plain(reason.text)}; handlers here: ${offered.join(', ') || 'none'}`]
  },
  NodePorts: ({ pod, node }) => {
    const taken = needOf(pod).hostPorts.filter(({ key }) => node.ports.has(key))
    return taken.map(({ key }) => `host port ${key} is taken by ${holders(node, key)}`)
  },
  NodeResourcesFit: ({ facts, pod, node, reason }) => reason.shortage && [shortageText(reason.shortage, { facts, pod, node })],
  PodTopologySpread: ({ pod, node, reason }) => {
    const rules = (pod.spec.topologySpreadConstraints ?? []).filter((rule) => rule.whenUnsatisfiable === 'DoNotSchedule')
    const missing = rules.find(({ topologyKey }) => node.labels[topologyKey] === undefined)
    if (missing) return [`has no label ${missing.topologyKey}, over which the Pod is spread`]
    const texts = rules.map(({ topologyKey, maxSkew }) => `maxSkew ${maxSkew} over ${topologyKey}=${node.labels[topologyKey]}`)
    return [`${plain(reason.text)}: ${texts.join(', ')}`]
  },
  InterPodAffinity: ({ reason }) => [plain(reason.text)],
}

function selectorText({ pod, node, origins }: Asked): string[] {
  const { labels, name } = node
  const unmet = Object.entries(pod.spec.nodeSelector ?? {}).flatMap(([key, value]) => {
    const has = own(labels, key)
    if (has === value) return []
    const here = has === undefined ? `it has no label ${key}` : `it has ${key}=${has}`
    return [`nodeSelector ${key}=${value} (from ${origins.ofSelector(key)}): ${here}`]
  })
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (terms.length === 0 || terms.some((term) => matchesNode(nodeTest(term), name, labels))) return unmet
  return [...unmet, `required node affinity (from Pod): ${terms.map(termText).join(' or ')}`]
}

const mebi = 1024 * 1024
/** Nobody reads bytes of memory in the millions: cut to whole Mi. */
const shown = (resource: string, amount: number): string => {
  const isBytes = resource === 'memory' || resource === 'ephemeral-storage'
  const whole = isBytes && amount > mebi ? amount - (amount % mebi) : amount
  return amountText(resource, BigInt(whole) * (resource === 'cpu' ? 1_000_000n : 1_000_000_000n))
}

function shortageText(shortage: Shortage, { facts, pod, node }: Pick<Asked, 'facts' | 'pod' | 'node'>): string {
  const { resource, need, used, capacity, ofWhichOverhead } = shortage
  if (resource === 'pods') return `has ${node.pods.size} Pods, and may have ${capacity}`
  const free = capacity - used
  const asks = `${resource}: asks ${shown(resource, need)}, ${shown(resource, Math.max(0, free))} of ${shown(resource, capacity)} free`
  if (ofWhichOverhead === 0) return asks
  const from = `RuntimeClass ${classOf(facts, pod)?.metadata.name ?? pod.spec.runtimeClassName}`
  const without = need - ofWhichOverhead <= free ? ': without it, it would fit' : ''
  return `${asks}; ${shown(resource, ofWhichOverhead)} of it is overhead of ${from}${without}`
}

const holders = ({ pods }: NodeView, key: string): string =>
  [...pods.values()]
    .filter(({ hostPorts }) => hostPorts.some((port) => port.key === key))
    .map(({ pod }) => `${pod.metadata.namespace}/${pod.metadata.name}`)
    .join(', ')
