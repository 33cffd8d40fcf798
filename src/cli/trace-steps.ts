// The request path of one Pod, step by step, each with what proves it. Pure: from API objects and the node's own look.
import { basename } from 'node:path'
import type { Pod } from '../api/core/pod.ts'
import type { Event } from '../api/core/event.ts'
import type { Toleration } from '../api/core/toleration.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import {
  admissionAnnotation,
  type AdmissionNote,
  admissionNoteOf,
  classGiver,
  schedulingAnnotation,
  schedulingNoteOf,
} from '../api/polypod/trace-notes.ts'
import type { NodeTrace } from '../node/trace/node-trace.ts'
import type { PodNote } from '../node/trace/pod-notes.ts'
import { containerdStep, instant, kubeletStep, shimStep } from './trace-node-steps.ts'

const stepNames = ['admission', 'scheduling', 'kubelet', 'containerd', 'shim'] as const

export interface TraceStep {
  /** As in docs/request-path.svg, from 1. */
  step: number
  name: (typeof stepNames)[number]
  /** `unknown`: it happened, and nothing tells of it. */
  state: 'done' | 'failed' | 'pending' | 'unknown'
  /** RFC 3339; in milliseconds where somebody noted them. */
  at?: string | undefined
  durationMs?: number | undefined
  summary: string
  facts: Record<string, unknown>
  /** Where each of it can be read again. */
  proof: string[]
}

export interface TracedCall {
  name: PodNote['what']
  at: string
  durationMs: number
  container?: string | undefined
  error?: string | undefined
}

export interface PodTrace {
  namespace: string
  name: string
  uid: string
  node?: string | undefined
  phase: string
  /** Everything in one line, once the Pod runs. */
  summary?: string | undefined
  steps: TraceStep[]
  /** What the kubelet did, as it noted it, oldest first. */
  calls: TracedCall[]
  /** What could not be read, and why. */
  missing: string[]
}

export interface TraceFacts {
  pod: Pod
  runtimeClass: RuntimeClass | undefined
  /** Of the Pod. */
  events: readonly Event[]
  /** Undefined: no node has it, or its node cannot be asked. */
  node: NodeTrace | undefined
  /** Why not. */
  nodeError?: string | undefined
}

export function podTrace(facts: TraceFacts): PodTrace {
  const { pod, node, nodeError } = facts
  const { namespace = '', name, uid = '' } = pod.metadata
  const steps = [admissionStep(facts), schedulingStep(facts), kubeletStep(facts), containerdStep(facts), shimStep(facts)]
  return {
    ...{ namespace, name, uid, node: pod.spec.nodeName, phase: pod.status.phase ?? 'Unknown' },
    summary: node && summaryOf(node),
    steps,
    calls: (node?.notes ?? [])
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ what, atMs, tookMs, container, error }) => ({
        ...{ name: what, at: instant(atMs), durationMs: tookMs, container, error },
      })),
    missing: [...(nodeError === undefined ? [] : [nodeError]), ...(node?.missing ?? [])],
  }
}

function summaryOf({ sandbox, shim, ociRuntime, config }: NodeTrace): string | undefined {
  if (!sandbox?.runtimeType || !shim) return undefined
  const handler = sandbox.handler === '' ? `${config?.handler ?? 'the default handler'} (default)` : sandbox.handler
  const own = shim.version === undefined ? undefined : { name: basename(shim.path), version: shim.version }
  const told = ociRuntime ?? own
  const runtime = told ? `, ${told.name} ${told.version ?? ''}`.trimEnd() : ''
  return `${handler}: ${sandbox.runtimeType}${runtime}, shim API ${shim.api ?? 'unknown'}, shim pid ${shim.pid}`
}

function admissionStep({ pod, runtimeClass }: TraceFacts): TraceStep {
  const { creationTimestamp } = pod.metadata
  const className = pod.spec.runtimeClassName
  const note = admissionNoteOf(pod)
  const base = { step: 1, name: 'admission', state: 'done', at: note?.at ?? creationTimestamp } as const
  if (className === undefined) {
    const summary = 'no RuntimeClass: the default handler of whatever node it gets'
    return { ...base, summary, facts: {}, proof: ['Pod: spec.runtimeClassName is absent'] }
  }
  const giver = classGiver(note)
  const facts = { class: className, from: giver, handler: note?.handler ?? runtimeClass?.handler, merged: mergedOf(note) }
  const merged = note ? mergedText(note) : 'what of its selector and tolerations came from the class was not noted'
  return {
    ...base,
    durationMs: untilScheduler(pod, note),
    summary: `class ${className}${giver ? ` (from ${giver})` : ''} means handler ${facts.handler ?? 'unknown: the class is gone'}; ${merged}`,
    facts,
    proof: [
      ...(note ? [`Pod: annotation ${admissionAnnotation}`] : []),
      ...(pod.spec.overhead ? [`Pod: spec.overhead ${listText(pod.spec.overhead)}`] : []),
      runtimeClass
        ? `RuntimeClass ${className}: handler ${runtimeClass.handler}, resourceVersion ${runtimeClass.metadata.resourceVersion ?? ''}`
        : `RuntimeClass ${className} is not there any more`,
    ],
  }
}

/** From the request to the scheduler's first sight of the Pod; undefined where one of the two was not noted. */
function untilScheduler(pod: Pod, note: AdmissionNote | undefined): number | undefined {
  const scheduled = schedulingNoteOf(pod)
  if (!note || !scheduled) return undefined
  const took = Date.parse(scheduled.at) - scheduled.queuedMs - Date.parse(note.at)
  return took >= 0 ? took : undefined
}

const mergedOf = (note: AdmissionNote | undefined) =>
  note && { overhead: note.overhead, nodeSelector: note.nodeSelector, tolerations: note.tolerations }

function mergedText({ overhead, nodeSelector, tolerations }: AdmissionNote): string {
  const parts = [
    ...(overhead ? [`overhead ${listText(overhead)}`] : []),
    ...(nodeSelector ? [`nodeSelector ${listText(nodeSelector)}`] : []),
    ...(tolerations ? [`tolerations ${tolerations.map(tolerationText).join(', ')}`] : []),
  ]
  return parts.length === 0 ? 'it brought nothing the Pod did not have' : `it brought ${parts.join('; ')}`
}

const listText = (list: Record<string, string>): string =>
  Object.entries(list)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** As kubectl describe has them. */
const tolerationText = ({ key = '', value, effect }: Toleration): string =>
  `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`

function schedulingStep({ pod, events, node }: TraceFacts): TraceStep {
  const { nodeName } = pod.spec
  const base = { step: 2, name: 'scheduling' } as const
  const note = schedulingNoteOf(pod)
  const condition = pod.status.conditions?.find(({ type }) => type === 'PodScheduled')
  if (!nodeName) {
    const why = condition?.message ?? 'the scheduler has not looked at it yet'
    const state = condition?.status === 'False' ? 'failed' : 'pending'
    return { ...base, state, at: condition?.lastTransitionTime, summary: why, facts: {}, proof: conditionProof(condition) }
  }
  const event = events.find(({ reason }) => reason === 'Scheduled')
  const proof = [
    ...(note ? [`Pod: annotation ${schedulingAnnotation}`] : []),
    ...conditionProof(condition),
    ...(event ? [`Event Scheduled: ${event.message}`] : []),
  ]
  if (!note) {
    const summary = `${nodeName}: how it was chosen was not noted (another scheduler, or written into the Pod)`
    return { ...base, state: 'unknown', at: condition?.lastTransitionTime, summary, facts: { node: nodeName }, proof }
  }
  const { at, queuedMs, ...facts } = note
  const seenAtMs = node?.notes.find(({ what }) => what === 'AdmitPod')?.atMs
  const laterMs = seenAtMs === undefined ? undefined : Math.max(0, seenAtMs - Date.parse(at))
  const summary = `${choiceText(note)}${laterMs === undefined ? '' : `; its kubelet saw it ${laterMs} ms later`}`
  return { ...base, state: 'done', at, durationMs: queuedMs, summary, facts: { ...facts, kubeletSawItAfterMs: laterMs }, proof }
}

const conditionProof = (condition: { status: string; message?: string | undefined } | undefined): string[] =>
  condition ? [`Pod: condition PodScheduled is ${condition.status}`] : []

function choiceText({
  node,
  nodes,
  examined,
  feasible,
  score,
  next,
  attempt,
}: ReturnType<typeof schedulingNoteOf> & object): string {
  const looked = examined === nodes ? `${nodes} ${nodes === 1 ? 'node' : 'nodes'}` : `${examined} of ${nodes} nodes`
  const why =
    feasible === 1
      ? 'the only one that fits'
      : next && score === next.score
        ? `score ${score}, as ${next.node}: drawn by lot among the best`
        : `score ${score}, next best ${next?.node} ${next?.score}`
  return `${node}: looked at ${looked}, ${feasible} fit; ${why}${attempt > 1 ? `; attempt ${attempt}` : ''}`
}
