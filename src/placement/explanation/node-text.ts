// Why one node refuses a Pod, in a line: what the filter says, with the facts it went by.
import type { Pod } from '../../api/core/pod.ts'
import { untolerated } from '../../api/core/tolerates.ts'
import { own } from '../../api/own.ts'
import { amountText } from '../../ledger/amounts.ts'
import type { Refusal } from '../prepared.ts'
import { matchesNode, nodeTest } from '../node-selector.ts'
import type { NodeView } from '../node-view.ts'
import type { Reason, Shortage } from '../reason.ts'
import type { PodNeed } from '../pod-need.ts'
import { classOf, type Facts, needOf, viewsOf, worldFacts } from './facts.ts'
import { type Origins, originsOf, termText } from './origins.ts'

/** `pod` is the one after admission. */
export function refusalText(facts: Facts, pod: Pod, { node, filter, reasons }: Refusal): string[] {
  const detail = details[filter]
  const origins = originsOf(facts, pod)
  return reasons.flatMap((reason) => detail?.({ facts, pod, node, reason, origins }) ?? [reason.text])
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
    const { handler, runtimeClass, unproved } = reason.handler ?? {}
    if (unproved) return [plain(reason.text).replace(/^where /, '')]
    const offered = [...(node.handlers ?? [])].filter((name) => name !== '').sort()
    return [`has no handler "${handler}" of RuntimeClass ${runtimeClass}; it has ${offered.join(', ') || 'none'}`]
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
  InterPodAffinity: neighbourText,
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

/** With the Pods that are meant, where it is about Pods that are there. */
function neighbourText({ facts, pod, node, reason }: Asked): string[] {
  const { terms } = needOf(pod)
  const namespaces = worldFacts(facts).namespaces ?? new Map()
  const text = plain(reason.text)
  const named = (found: readonly string[], how: (names: string) => string) =>
    found.length === 0 ? [text] : [`${text}: ${how(found.slice(0, mostNamed).join(', '))}`]
  const near = (holds: (need: PodNeed, key: string) => boolean, keys: readonly string[]) =>
    viewsOf(facts).flatMap((other) =>
      [...other.pods.values()].flatMap((need) =>
        keys.some((key) => node.labels[key] !== undefined && other.labels[key] === node.labels[key] && holds(need, key))
          ? [nameOfPod(need.pod)]
          : [],
      ),
    )
  if (text.includes('existing pods')) {
    const refuses = (need: PodNeed, key: string) =>
      need.terms?.antiAffinity.some((term) => term.topologyKey === key && term.matches(pod, namespaces)) ?? false
    return named(near(refuses, Object.keys(node.labels)), (names) => `those of ${names}`)
  }
  if (!text.includes('anti-affinity')) return [text]
  const away = terms?.antiAffinity ?? []
  const isFoe = (need: PodNeed, key: string) =>
    away.some((term) => term.topologyKey === key && term.matches(need.pod, namespaces))
  return named(
    near(
      isFoe,
      away.map(({ topologyKey }) => topologyKey),
    ),
    (names) => `${names} is there`,
  )
}

const mostNamed = 3
const nameOfPod = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

const holders = ({ pods }: NodeView, key: string): string =>
  [...pods.values()]
    .filter(({ hostPorts }) => hostPorts.some((port) => port.key === key))
    .map(({ pod }) => nameOfPod(pod))
    .join(', ')
