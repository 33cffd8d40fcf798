// POST pods/NAME/eviction: a delete that asks the Pod's disruption budget first.
import { Pod } from '../api/core/pod.ts'
import type { PodCondition } from '../api/core/pod-status.ts'
import { withCondition } from '../api/meta-condition.ts'
import { Eviction } from '../api/policy/eviction.ts'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import { isRecord } from '../api/schema.ts'
import { labelSelectorMatcher } from '../api/selector.ts'
import {
  badRequest,
  failure,
  forbidden,
  isConflict,
  notFound,
  type Status,
  type StatusError,
  tooManyRequests,
} from '../api/status.ts'
import type { DeleteOptions, Ref } from '../client/client.ts'
import { rfc3339 } from '../lib/clock.ts'
import type { Stored, WriteContext } from './api-server.ts'
import { decodeBody, placeInNamespace } from './decode-body.ts'
import { checkPreconditions, deleted } from './delete.ts'
import { keyOf } from './keys.ts'
import { deleteCall } from './query.ts'
import { encode } from './stored.ts'
import { commit, present, type World } from './world.ts'

/** Resolves to a Success; rejects with 429 when the budget has nothing to give, 500 when there are several budgets. */
export async function evict(world: World, ref: Ref, body: unknown, context: WriteContext): Promise<Status> {
  const eviction = placeInNamespace(Eviction, decodeBody(Eviction, inOneVersion(body), context), ref.namespace) as Eviction
  if (eviction.metadata.name && eviction.metadata.name !== ref.name)
    throw badRequest('name in URL does not match name in Eviction object')
  const options = deleteCall(new URLSearchParams(), eviction.deleteOptions)
  const how = { ...context, dryRun: (context.dryRun ?? false) || (options.dryRun ?? false) }
  for (;;) {
    const stored = await present(world, Pod, keyOf(Pod, ref))
    if (!stored) throw notFound(Pod, ref.name)
    checkPreconditions(Pod, stored, options)
    const pod = stored.object as Pod
    const judged = await granted(world, pod, how.dryRun)
    try {
      await take(world, { ref, stored }, { ...options, ...pinned(stored, options, judged) }, how)
      return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
    } catch (error) {
      // the Pod became another one while it was judged by what it was
      if (judged === 'counted' || options.preconditions?.resourceVersion !== undefined || !isConflict(error)) throw error
    }
  }
}

/** kubectl before 1.22 speaks policy/v1beta1, which says the same. */
const inOneVersion = (body: unknown): unknown =>
  isRecord(body) && body.apiVersion === 'policy/v1beta1' ? { ...body, apiVersion: Eviction.apiVersion } : body

const isOver = ({ status: { phase } }: Pod): boolean => phase === 'Succeeded' || phase === 'Failed'
/** k8s: a Pod that does not run yet, runs no more or goes already disturbs nobody by going. */
const needsNoBudget = (pod: Pod): boolean =>
  isOver(pod) || pod.status.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
const isReady = ({ status }: Pod): boolean => status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

/** `counted`: the budget gave one of its disruptions. `free`: none was needed for the Pod as it is. Throws why not. */
async function granted(world: World, pod: Pod, dryRun: boolean): Promise<'counted' | 'free'> {
  if (needsNoBudget(pod)) return 'free'
  const budgets = world.read
    .cachedList(PodDisruptionBudget, pod.metadata.namespace)
    .filter(({ spec }) => labelSelectorMatcher(spec.selector)(pod.metadata.labels))
  const [budget, ...more] = budgets
  if (!budget) return 'counted'
  if (more.length > 0) throw tooManyBudgets()
  if (!isReady(pod) && unhealthyMayGo(budget)) return 'free'
  await spend(world, budget.metadata, pod.metadata.name, dryRun)
  return 'counted'
}

const tooManyBudgets = (): StatusError =>
  failure(
    500,
    'InternalError',
    'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  )

/** k8s: a Pod that is not ready counts for nothing, so that it may go unless its budget is disrupted already. */
function unhealthyMayGo({ spec, status: { currentHealthy, desiredHealthy } }: PodDisruptionBudget): boolean {
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (currentHealthy >= desiredHealthy && desiredHealthy > 0)
}

/** Takes one disruption from the budget and notes the Pod's name, so that the controller waits for it to go. */
async function spend(world: World, budget: Ref, podName: string, dryRun: boolean): Promise<void> {
  const key = keyOf(PodDisruptionBudget, budget)
  let old = await present(world, PodDisruptionBudget, key)
  // deleted in this moment: it holds nobody back
  while (old) {
    const pdb = old.object as PodDisruptionBudget
    const why = refusal(pdb)
    if (why) throw why
    if (dryRun) return
    const outcome = await commit(world, PodDisruptionBudget, { key, expected: old.revision }, encoded(spent(pdb, podName, world)))
    if (outcome.done) return
    old = outcome.current
  }
}

const encoded = (pdb: PodDisruptionBudget) => encode(PodDisruptionBudget, pdb)
// k8s: what the controller has not heard of for so long that there are more of them is forgotten by nobody
const mostDisruptedPods = 2000

function refusal({ metadata: { name, generation = 0 }, status }: PodDisruptionBudget): StatusError | undefined {
  const { observedGeneration = 0, disruptionsAllowed, desiredHealthy, currentHealthy, disruptedPods = {} } = status
  if (observedGeneration < generation)
    return violated(`The disruption budget ${name} is still being processed by the server.`, 10)
  const named = { group: 'policy', plural: 'poddisruptionbudget', kind: 'PodDisruptionBudget' }
  if (disruptionsAllowed < 0) return forbidden(named, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > mostDisruptedPods)
    return forbidden(named, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed > 0) return undefined
  return violated(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`)
}

/** 429, with the budget that says no as its cause. */
function violated(message: string, retryAfterSeconds?: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message }]
  const error = tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", retryAfterSeconds ?? 0)
  const { retryAfterSeconds: _, ...details } = error.status.details ?? {}
  error.status.details = { ...details, causes, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
  return error
}

function spent(pdb: PodDisruptionBudget, podName: string, { clock }: World): PodDisruptionBudget {
  const now = rfc3339(clock.now())
  const { observedGeneration, disruptedPods, conditions } = pdb.status
  const disruptionsAllowed = pdb.status.disruptionsAllowed - 1
  const status = { ...pdb.status, disruptionsAllowed, disruptedPods: { ...disruptedPods, [podName]: now } }
  if (disruptionsAllowed === 0) {
    const none = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '' }
    status.conditions = withCondition(conditions, { ...none, observedGeneration, lastTransitionTime: now })
  }
  return { ...pdb, status }
}

/** k8s: who went without asking the budget goes only as he was judged. */
function pinned(
  stored: Stored,
  { preconditions }: DeleteOptions,
  judged: 'counted' | 'free',
): Pick<DeleteOptions, 'preconditions'> {
  const { uid } = stored.object.metadata
  const isBound = judged === 'free' && stored.object.metadata.deletionTimestamp === undefined
  return { preconditions: { uid, ...preconditions, ...(isBound ? { resourceVersion: String(stored.revision) } : {}) } }
}

/** Says in the Pod's status why it goes, and deletes it. */
async function take(
  world: World,
  { ref, stored }: { ref: Ref; stored: Stored },
  options: DeleteOptions,
  context: WriteContext,
): Promise<void> {
  const { resourceVersion, ...preconditions } = options.preconditions ?? {}
  let now: Stored | undefined = stored
  while (now && !context.dryRun) {
    if (resourceVersion !== undefined) checkPreconditions(Pod, now, options)
    const pod = now.object as Pod
    if (pod.metadata.uid !== stored.object.metadata.uid) break
    const outcome = await commit(world, Pod, { key: keyOf(Pod, ref), expected: now.revision }, encode(Pod, told(pod, world)))
    if (outcome.done) break
    now = outcome.current
  }
  await deleted(world, { kind: Pod, ref }, { ...options, preconditions }, context)
}

function told(pod: Pod, { clock }: World): Pod {
  const old = pod.status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  const others = (pod.status.conditions ?? []).filter((condition) => condition !== old)
  const lastTransitionTime = old?.status === 'True' ? old.lastTransitionTime : rfc3339(clock.now())
  const why: PodCondition = { type: 'DisruptionTarget', status: 'True', lastTransitionTime, reason: 'EvictionByEvictionAPI' }
  return { ...pod, status: { ...pod.status, conditions: [...others, { ...why, message: 'Eviction API: evicting' }] } }
}
