// What could be done about a node that refuses a Pod: on the Pod's side or on the node's, filter by filter.
import { Node } from '../../api/core/node.ts'
import { untolerated } from '../../api/core/tolerates.ts'
import type { Taint, Toleration } from '../../api/core/toleration.ts'
import { own } from '../../api/own.ts'
import type { Refusal } from '../prepared.ts'
import type { NodeView } from '../node-view.ts'
import type { Shortage } from '../reason.ts'
import { asWritten } from './as-written.ts'
import { type Operation, pointer, podStep, podStepInPlace, shellQuoted, type Step } from './change.ts'
import { type Facts, viewsOf } from './facts.ts'
import { affinityTerms, looserSpread } from './propose-neighbours.ts'
import type { Blocker } from './outlook.ts'
import { missingClass, otherClasses } from './propose-class.ts'
import { type Excess, lowerRequests } from './propose-requests.ts'
import { labelsFor, nodeTermsRemoved } from './propose-selector.ts'

/** Nodes of one refusal that are looked at one by one: of thousands that are alike, a few are enough. */
const mostNodes = 4

export function proposeForNodes(facts: Facts, { unplaced, refusals }: Extract<Blocker, { is: 'Unplaced' }>): Step[] {
  const ofClass = unplaced.rejected ? [...missingClass(facts), ...otherClasses(facts)] : []
  const byFilter = new Map<string, Refusal[]>()
  for (const refusal of refusals) {
    const alike = byFilter.get(refusal.filter) ?? []
    byFilter.set(refusal.filter, [...alike, refusal])
  }
  return [...ofClass, ...[...byFilter].flatMap(([filter, alike]) => proposersOf[filter]?.(facts, alike) ?? [])]
}

type Proposer = (facts: Facts, refusals: readonly Refusal[]) => Step[]

const few = (refusals: readonly Refusal[]): readonly Refusal[] => refusals.slice(0, mostNodes)

const proposersOf: Record<string, Proposer> = {
  NodeUnschedulable: (_facts, refusals) => few(refusals).map(({ node }) => uncordon(node)),
  NodeName: (facts) =>
    facts.pod.spec.nodeName === undefined
      ? []
      : [podStep(facts, { summary: 'remove nodeName', patch: [{ op: 'remove', path: '/spec/nodeName' }] })],
  TaintToleration: (facts, refusals) => few(refusals).flatMap(({ node }) => taintSteps(facts, node)),
  NodeAffinity: selectorSteps,
  RuntimeHandler: otherClasses,
  NodePorts: (facts) => portSteps(facts),
  NodeResourcesFit: resourceSteps,
  PodTopologySpread: (facts, refusals) => [...looserSpread(facts), ...spreadLabels(facts, refusals)],
  InterPodAffinity: affinityTerms,
}

function uncordon({ name, node }: NodeView): Step {
  const taints = (node.spec.taints ?? []).filter(({ key }) => key !== 'node.kubernetes.io/unschedulable')
  const patch: Operation[] = [
    { op: 'remove', path: '/spec/unschedulable' },
    { op: 'add', path: '/spec/taints', value: taints },
  ]
  return {
    summary: `uncordon ${name}`,
    family: 'uncordon',
    kind: Node,
    name,
    patch,
    command: `kubectl uncordon ${name}`,
    cost: 1.5,
  }
}

const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`

/** Taints of the node lifecycle tell of troubles: to tolerate them is no cure. */
export const isLifecycleTaint = ({ key }: Taint): boolean => key.startsWith('node.kubernetes.io/')

function taintSteps(facts: Facts, { name, hardTaints, node }: NodeView): Step[] {
  const tolerations = facts.pod.spec.tolerations ?? []
  const open = hardTaints.filter((taint) => untolerated([taint], tolerations))
  if (open.length === 0 || open.some(isLifecycleTaint)) return []
  const more = open.map(({ key, value, effect }): Toleration => {
    return { key, operator: value ? 'Equal' : 'Exists', ...(value ? { value } : {}), effect }
  })
  const texts = open.map(taintText).join(' and ')
  const rest = (node.spec.taints ?? []).filter((taint) => !open.includes(taint))
  const brief = more.map((value): Operation => ({ op: 'add', path: '/spec/tolerations/-', value }))
  const add: Operation = { op: 'add', path: '/spec/tolerations', value: [...tolerations, ...more] }
  return [
    podStepInPlace(facts, { summary: `tolerate the taint ${texts}`, patch: [add], ...(tolerations.length > 0 ? { brief } : {}) }),
    {
      ...{ summary: `remove the taint ${texts} from ${name}`, kind: Node, name, cost: 3, family: 'taints' },
      patch: [{ op: 'add', path: '/spec/taints', value: rest }],
      command: `kubectl taint nodes ${name} ${open.map((taint) => `${taintText(taint)}-`).join(' ')}`,
    },
  ]
}

/** Labels that say what a node is, which no wish can change. */
const isFixed = (key: string): boolean => /^(beta\.)?kubernetes\.io\/|^node\.kubernetes\.io\/|^handler\.polypod\.dev\//.test(key)

function labelStep(name: string, labels: Readonly<Record<string, string>>): Step | undefined {
  const entries = Object.entries(labels)
  if (entries.length === 0 || entries.some(([key]) => isFixed(key))) return undefined
  const texts = entries.map(([key, value]) => `${key}=${value}`)
  return {
    ...{ summary: `label ${name} with ${texts.join(' ')}`, kind: Node, name, cost: 1.5 + entries.length * 0.5 },
    family: `label ${entries.map(([key]) => key).join()}`,
    patch: entries.map(([key, value]) => ({ op: 'add', path: pointer('metadata', 'labels', key), value })),
    command: `kubectl label node ${name} ${texts.map(plainOrQuoted).join(' ')} --overwrite`,
  }
}

const plainOrQuoted = (text: string): string => (/^[\w./=-]+$/.test(text) ? text : shellQuoted(text))

function selectorSteps(facts: Facts, refusals: readonly Refusal[]): Step[] {
  const { nodeSelector = {} } = facts.pod.spec
  const written = asWritten(facts).spec.nodeSelector
  const missing = ({ node }: Refusal) => Object.entries(nodeSelector).filter(([key, value]) => node.labels[key] !== value)
  const near = [...refusals].sort((a, b) => missing(a).length - missing(b).length)
  const labels = few(near).flatMap(({ node }) => labelStep(node.name, labelsFor(facts.pod, node)) ?? [])
  const keys = new Set(refusals.flatMap((refusal) => missing(refusal).map(([key]) => key)))
  const ofPod = [...keys].filter((key) => own(written, key) !== undefined)
  const removed = ofPod.map((key) =>
    podStep(facts, {
      summary: `remove ${key}=${nodeSelector[key]} from nodeSelector`,
      patch: [{ op: 'remove', path: pointer('spec', 'nodeSelector', key) }],
      cost: 0.5,
    }),
  )
  const values = ofPod.flatMap((key) => otherValues(facts, key))
  return [...labels, ...removed, ...values, ...nodeTermsRemoved(facts), ...otherClasses(facts).map(dearer)]
}

const dearer = (step: Step): Step => ({ ...step, cost: step.cost + 1 })

/** What nodes do have under the key that the Pod asks for. */
function otherValues(facts: Facts, key: string): Step[] {
  const wanted = facts.pod.spec.nodeSelector?.[key] ?? ''
  const values = new Set(viewsOf(facts).flatMap(({ labels }) => own(labels, key) ?? []))
  values.delete(wanted)
  return [...values].slice(0, mostNodes).map((value) =>
    podStep(facts, {
      summary: `ask for ${key}=${value} instead of ${wanted} in nodeSelector`,
      patch: [{ op: 'replace', path: pointer('spec', 'nodeSelector', key), value }],
      cost: key === 'kubernetes.io/hostname' ? 0.6 : 0.2,
    }),
  )
}

function portSteps(facts: Facts): Step[] {
  const written = asWritten(facts)
  const taken = new Set(viewsOf(facts).flatMap(({ ports }) => [...ports.keys()]))
  return written.spec.containers.flatMap(({ name, ports = [] }, i) =>
    ports.flatMap(({ hostPort, protocol = 'TCP' }, j) => {
      if (!hostPort || !taken.has(`${protocol}/${hostPort}`) || written.spec.hostNetwork) return []
      const path = pointer('spec', 'containers', i, 'ports', j, 'hostPort')
      let free = hostPort + 1
      while (taken.has(`${protocol}/${free}`)) free += 1
      const of = `of container "${name}"`
      return [
        podStep(facts, { summary: `remove hostPort ${hostPort} ${of}`, patch: [{ op: 'remove', path }], cost: 0.5 }),
        podStep(facts, {
          summary: `use hostPort ${free} instead of ${hostPort} ${of}`,
          patch: [{ op: 'replace', path, value: free }],
        }),
      ]
    }),
  )
}

const nanoIn = (resource: string): bigint => (resource === 'cpu' ? 1_000_000n : 1_000_000_000n)

const excessOf = ({ resource, need, used, capacity }: Shortage): Excess => {
  return { resource, side: 'requests', by: BigInt(need + used - capacity) * nanoIn(resource) }
}

/** On the nodes where the Pod would have to give up least. */
function resourceSteps(facts: Facts, refusals: readonly Refusal[]): Step[] {
  const short = refusals.map(({ reasons }) => reasons.flatMap(({ shortage }) => shortage ?? []))
  const share = (one: readonly Shortage[]) =>
    one.reduce((sum, { need, used, capacity }) => sum + (need + used - capacity) / need, 0)
  const near = short.filter((one) => !one.some(({ resource }) => resource === 'pods')).sort((a, b) => share(a) - share(b))
  const lower = near.slice(0, 2).flatMap((one) => lowerRequests(facts, one.map(excessOf)) ?? [])
  const hasOverhead = short.some((one) => one.some(({ ofWhichOverhead }) => ofWhichOverhead > 0))
  return [...lower, ...(hasOverhead ? otherClasses(facts) : [])]
}

/** Keys that spread constraints look at, where the node has none: a domain of its own. */
function spreadLabels(facts: Facts, refusals: readonly Refusal[]): Step[] {
  const keys = (facts.pod.spec.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey)
  return few(refusals).flatMap(({ node }) => {
    const missing = keys.filter((key) => node.labels[key] === undefined)
    return labelStep(node.name, Object.fromEntries(missing.map((key) => [key, node.name]))) ?? []
  })
}
