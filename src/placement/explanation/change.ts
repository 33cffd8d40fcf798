// One write that may help, as data; and the facts as they would be after it.
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import { Namespace } from '../../api/core/namespace.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import type { AnyKind, AnyObject } from '../../api/kind.ts'
import { isMatched, quotaUsage, usedWith } from '../../ledger/quota-usage.ts'
import { asWritten } from './as-written.ts'
import { allOf, type Facts, keepViews, samePod } from './facts.ts'

export type { Operation }

export interface Step {
  summary: string
  kind: AnyKind
  name: string
  namespace?: string | undefined
  /** Of the object; of the Pod's manifest for a Pod that is not created, or that has to be made anew. */
  patch?: readonly Operation[] | undefined
  /** What to create. */
  object?: AnyObject | undefined
  recreate?: boolean | undefined
  command?: string | undefined
  /** How much is asked of people; the smallest sum is told first. */
  cost: number
  /** What only trying can tell. */
  unchecked?: string | undefined
  /** Steps that do the same to other nodes, or with other numbers; default: the summary. */
  family?: string | undefined
}

/** RFC 6901. */
export const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

interface PodEdit {
  summary: string
  family?: string
  /** Of what kubectl sends, where that is shorter. */
  brief?: readonly Operation[]
  patch: readonly Operation[]
  cost?: number
  unchecked?: string
}

/** A change of the manifest. A Pod that is there has to be made anew for it. */
export function podStep(facts: Facts, { cost = 0, ...edit }: PodEdit): Step {
  const { name, namespace } = facts.pod.metadata
  const recreate = facts.isCreated
  return { ...edit, kind: Pod, name, namespace, cost: cost + (recreate ? 2 : 1), ...(recreate ? { recreate } : {}) }
}

/** A change that the API allows to a Pod that is there. */
export function podStepInPlace(facts: Facts, { cost = 0, brief, ...edit }: PodEdit): Step {
  const { name, namespace } = facts.pod.metadata
  const command = facts.isCreated
    ? `kubectl patch pod ${name} -n ${namespace} --type json -p ${shellQuoted(JSON.stringify(brief ?? edit.patch))}`
    : undefined
  return { ...edit, kind: Pod, name, namespace, cost: cost + 1, command }
}

export const createCommand = (object: AnyObject): string => `echo ${shellQuoted(JSON.stringify(object))} | kubectl create -f -`

export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Undefined: the patch does not fit. */
export function applied(facts: Facts, step: Step): Facts | undefined {
  if (step.object) return withCreated(facts, step.kind, step.object)
  const { patch = [] } = step
  try {
    return step.kind === Pod ? withPod(facts, step, patch) : withPatched(facts, step, patch)
  } catch {
    return undefined
  }
}

function patched(kind: AnyKind, object: AnyObject, patch: readonly Operation[]): AnyObject {
  const document = JSON.parse(JSON.stringify(object)) as unknown
  const { newDocument } = fastJsonPatch.applyPatch(document, [...patch], true, true)
  return kind.decode(newDocument, { unknown: [] })
}

const withObjects = (facts: Facts, kind: AnyKind, objects: readonly AnyObject[]): Facts => ({
  ...facts,
  objects: new Map([...facts.objects, [kind, objects]]),
})

const objectsOf = (facts: Facts, kind: AnyKind): readonly AnyObject[] => facts.objects.get(kind) ?? []

function withPod(facts: Facts, { recreate }: Step, patch: readonly Operation[]): Facts {
  const base = recreate ? asWritten(facts) : facts.pod
  const pod = patched(Pod, base as AnyObject, patch) as Pod
  if (!facts.isCreated) return { ...facts, pod }
  const others = allOf(facts, Pod).filter((one) => !samePod(one, facts.pod))
  if (!recreate) return keptViews(facts, { ...withObjects(facts, Pod, [...others, pod] as AnyObject[]), pod }, pod)
  const without = withObjects(facts, Pod, others as readonly AnyObject[])
  return keptViews(facts, { ...withoutUsage(without, facts.pod), pod, isCreated: false }, facts.pod)
}

/** A Pod without a node counts on none; one that is kept a node is left to a full count. */
function keptViews(from: Facts, to: Facts, { spec, status }: Pod): Facts {
  if (!status.nominatedNodeName) keepViews(from, to, spec.nodeName)
  return to
}

/** Quotas as they will be once the Pod is gone. */
function withoutUsage(facts: Facts, pod: Pod): Facts {
  const quotas = allOf(facts, ResourceQuota).map((quota): ResourceQuota => {
    const { hard = {}, used } = quota.status
    if (!used || quota.metadata.namespace !== pod.metadata.namespace || !isMatched(Pod, pod, { spec: quota.spec, hard }))
      return quota
    const freed = [...quotaUsage(Pod, pod, facts.nowMs)].filter(([resource]) => Object.hasOwn(used, resource))
    const less = new Map(freed.map(([name, amount]) => [name, -amount]))
    return { ...quota, status: { hard, used: usedWith(used, less, () => 'DecimalSI') } }
  })
  return withObjects(facts, ResourceQuota, quotas as readonly AnyObject[])
}

function withPatched(facts: Facts, { kind, name, namespace }: Step, patch: readonly Operation[]): Facts {
  const objects = objectsOf(facts, kind).map((one) =>
    one.metadata.name === name && (namespace === undefined || one.metadata.namespace === namespace)
      ? counted(kind, patched(kind, one, patch))
      : one,
  )
  const next = withObjects(facts, kind, objects)
  if (kind === Node) keepViews(facts, next, name)
  return next
}

/** A quota's status follows its spec within a moment. */
function counted(kind: AnyKind, object: AnyObject): AnyObject {
  if (kind !== ResourceQuota) return object
  const quota = object as unknown as ResourceQuota
  return { ...quota, status: { ...quota.status, hard: quota.spec.hard } } as AnyObject
}

function withCreated(facts: Facts, kind: AnyKind, object: AnyObject): Facts {
  const made = kind.decode(JSON.parse(JSON.stringify(object)), { unknown: [] })
  const next = withObjects(facts, kind, [...objectsOf(facts, kind), made])
  if (kind !== Namespace) return next
  // a controller gives every namespace its account
  const account = ServiceAccount.decode({ metadata: { name: 'default', namespace: made.metadata.name } }, { unknown: [] })
  return withObjects(next, ServiceAccount, [...objectsOf(next, ServiceAccount), account as AnyObject])
}
