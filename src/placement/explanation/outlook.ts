// What becomes of a Pod as things stand: where it goes, or all that is in its way. The same rules that decide in earnest.
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Status } from '../../api/status.ts'
import { admit as nodeAdmits, type Refused } from '../admit.ts'
import { decide, isPlaced, type Unplaced, worldOf } from '../decide.ts'
import type { Refusal } from '../prepared.ts'
import { isRejection } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import { preempt } from '../preempt.ts'
import { type MissingConfig, missingConfigs, type UnmountableVolume, unmountableVolumes } from './config-references.ts'
import { type Admit, allOf, budgetsOf, type Facts, find, needOf, viewsOf, worldFacts } from './facts.ts'
import type { Observed } from './observed.ts'

export type Blocker =
  | { is: 'Admission'; refused: Status }
  | { is: 'Deleting'; since: string; finalizers: readonly string[] }
  | { is: 'SchedulingGates'; gates: readonly string[] }
  | { is: 'SchedulerName'; name: string }
  | { is: 'NoNodes' }
  /** `refusals`: what every filter says of every node, where the scheduler stops at the first. */
  | { is: 'Unplaced'; unplaced: Unplaced; refusals: readonly Refusal[] }
  /** Room is being made, or will be in a moment: nobody has to do anything. */
  | { is: 'Preempting'; node: string; victims: readonly string[] }
  | { is: 'NodeGone'; node: string }
  | { is: 'NodeNotReady'; node: string; message: string }
  /** A Pod that names its node itself; the node has the last word. */
  | { is: 'NodeRefuses'; node: string; refused: Refused }
  | { is: 'Config'; missing: MissingConfig }
  | { is: 'UnmountableVolume'; volume: UnmountableVolume }
  | { is: 'Observed'; observed: Observed }

export interface Outlook {
  /** After admission. */
  pod: Pod
  /** Where it is, or would go. */
  node?: string | undefined
  blockers: readonly Blocker[]
}

export const isFree = ({ blockers }: Outlook): boolean => blockers.length === 0

/** cost: admission for a Pod that is not created, one decision for a Pod without a node. */
export async function outlookOf(facts: Facts, admit: Admit): Promise<Outlook> {
  if (facts.isCreated) return outlookAdmitted(facts, facts.pod)
  const answer = await admit(facts)
  if (!('refused' in answer)) return outlookAdmitted(facts, answer.pod)
  const { refused, pod = facts.pod } = answer
  return { pod, blockers: [{ is: 'Admission', refused }, ...laterBlockers(facts, pod)] }
}

function outlookAdmitted(facts: Facts, pod: Pod): Outlook {
  const { deletionTimestamp, finalizers = [] } = pod.metadata
  if (deletionTimestamp !== undefined)
    return { pod, node: pod.spec.nodeName, blockers: [{ is: 'Deleting', since: deletionTimestamp, finalizers }] }
  if (!pod.spec.nodeName) return outlookUnbound(facts, pod)
  const before = facts.isCreated ? boundBlockers(facts, pod.spec.nodeName) : ownNodeBlockers(facts, pod)
  return { pod, node: pod.spec.nodeName, blockers: [...before, ...laterBlockers(facts, pod)] }
}

function outlookUnbound(facts: Facts, pod: Pod): Outlook {
  const gates = (pod.spec.schedulingGates ?? []).map(({ name }) => name)
  const blockers: Blocker[] = gates.length > 0 ? [{ is: 'SchedulingGates', gates }] : []
  const { schedulerName = facts.schedulerName } = pod.spec
  if (schedulerName !== facts.schedulerName) blockers.push({ is: 'SchedulerName', name: schedulerName })
  const placement = placementOf(facts, pod)
  const later = laterBlockers(facts, pod)
  if (typeof placement === 'string')
    return { pod, node: placement, blockers: [...blockers, ...untrusted(facts, placement), ...later] }
  return { pod, blockers: [...blockers, placement, ...later] }
}

/** A node that says that it is not ready, while no taint says so yet. One that says nothing is believed. */
function untrusted(facts: Facts, name: string): Blocker[] {
  const ready = find(facts, Node, { name })?.status.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined ? [] : boundBlockers(facts, name)
}

/** The node's name, or why there is none. */
function placementOf(facts: Facts, pod: Pod): string | Blocker {
  const views = viewsOf(facts)
  if (views.length === 0) return { is: 'NoNodes' }
  const need = needOf(pod)
  const known = worldFacts(facts)
  const decision = decide(need, views, facts.profile, { ...known, random: () => 0 })
  if (isPlaced(decision)) return decision.node.name
  const options = { ...worldOf(views, known), profile: facts.profile, budgets: budgetsOf(facts) }
  const room = preempt(need, decision, { ...options, nominated: pod.status.nominatedNodeName })
  if (room.do === 'nothing')
    return nominated(facts, pod) ?? { is: 'Unplaced', unplaced: decision, refusals: everyRefusal(facts, pod, decision) }
  const { node, victims } = room.candidate
  return { is: 'Preempting', node: node.name, victims: victims.map((one) => nameOf(one.pod)) }
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

/** The node that was promised to it, while Pods are leaving that. */
function nominated(facts: Facts, pod: Pod): Blocker | undefined {
  const node = pod.status.nominatedNodeName
  if (!node) return undefined
  const going = allOf(facts, Pod).filter(
    ({ spec, metadata }) => spec.nodeName === node && metadata.deletionTimestamp !== undefined,
  )
  return going.length === 0 ? undefined : { is: 'Preempting', node, victims: going.map(nameOf) }
}

function boundBlockers(facts: Facts, name: string): Blocker[] {
  const node = find(facts, Node, { name })
  if (!node) return [{ is: 'NodeGone', node: name }]
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'True') return []
  return [{ is: 'NodeNotReady', node: name, message: ready?.message ?? 'it has not reported yet' }]
}

/** k8s: no scheduler looks at a Pod that names its node; only the kubelet's own check remains. */
function ownNodeBlockers(facts: Facts, pod: Pod): Blocker[] {
  const name = pod.spec.nodeName ?? ''
  const view = viewsOf(facts).find((one) => one.name === name)
  if (!view) return [{ is: 'NodeGone', node: name }]
  const refused = nodeAdmits(pod, view)
  return [...boundBlockers(facts, name), ...(refused ? [{ is: 'NodeRefuses' as const, node: name, refused }] : [])]
}

/** What the kubelet would stumble over, and what it has told. */
function laterBlockers(facts: Facts, pod: Pod): Blocker[] {
  if (pod.status.phase === 'Succeeded') return []
  const hasStarted = facts.isCreated && pod.status.phase === 'Running'
  const missing = hasStarted ? [] : missingConfigs(facts, pod)
  const volumes = hasStarted ? [] : unmountableVolumes(pod)
  const isExplained = missing.length + volumes.length > 0
  const told = facts.observed.filter((one) => one.stillHolds(pod) && !(isExplained && isAboutConfig(one)))
  // an observation of missing configuration is older than the configuration that is there now
  const live = told.filter((one) => !(missing.length === 0 && isStale(one)))
  return [
    ...missing.map((one): Blocker => ({ is: 'Config', missing: one })),
    ...volumes.map((volume): Blocker => ({ is: 'UnmountableVolume', volume })),
    ...live.map((observed): Blocker => ({ is: 'Observed', observed })),
  ]
}

const isAboutConfig = ({ reason }: Observed): boolean => reason === 'CreateContainerConfigError' || reason === 'FailedMount'

const isStale = ({ reason, message }: Observed): boolean =>
  (reason === 'CreateContainerConfigError' && /"? not found$|^couldn't find key /.test(message)) ||
  (reason === 'FailedMount' && /(configmap|secret) "[^"]*" not found|non-existent (config|secret) key/.test(message))

/** In the order of nodes, and of filters for each. */
function everyRefusal(facts: Facts, pod: Pod, { refusals: first }: Unplaced): readonly Refusal[] {
  const views = viewsOf(facts)
  const world = worldOf(views, worldFacts(facts))
  const prepared = facts.profile.filters.flatMap((filter) => {
    const state = filter.prepare(needOf(pod), world)
    return state === undefined || isRejection(state) ? [] : [{ filter, state }]
  })
  return views.flatMap((node) => {
    const all = prepared.flatMap(({ filter, state }) => {
      const reasons = filter.check(state, node)
      return reasons ? [{ node, filter: filter.name, reasons }] : []
    })
    // kept for another Pod, which no filter knows of
    return all.length > 0 ? all : first.filter((refusal) => refusal.node === node)
  })
}

/** For each node why not; no refusal: it fits. Empty for a Pod that has its node. */
export function nodeRefusals(facts: Facts, { pod, blockers }: Outlook): { view: NodeView; refusals: readonly Refusal[] }[] {
  const views = viewsOf(facts)
  const unplaced = blockers.find((one) => one.is === 'Unplaced')
  if (unplaced) return views.map((view) => ({ view, refusals: unplaced.refusals.filter(({ node }) => node === view) }))
  if (pod.spec.nodeName || views.length > mostAskedOneByOne) return []
  const options = { ...worldFacts(facts), everyNode: views, random: () => 0 }
  return views.map((view) => {
    const decision = decide(needOf(pod), [view], facts.profile, options)
    return { view, refusals: isPlaced(decision) ? [] : decision.refusals }
  })
}

const mostAskedOneByOne = 200
