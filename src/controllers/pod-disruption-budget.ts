// Keeps the status of PodDisruptionBudgets: how many of their Pods are well, and how many may be taken away.
import { Pod } from '../api/core/pod.ts'
import { sameValue } from '../api/equal.ts'
import { withCondition } from '../api/meta-condition.ts'
import { PodDisruptionBudget, type PodDisruptionBudgetStatus } from '../api/policy/pod-disruption-budget.ts'
import type { IntOrString } from '../api/schema.ts'
import { labelSelectorMatcher } from '../api/selector.ts'
import type { Change, Mirror } from '../client/mirror.ts'
import { rfc3339 } from '../lib/clock.ts'
import { type Again, type Controller, refOf, watching, type World } from './controller.ts'

/** k8s: a Pod whose eviction was granted is waited for this long; then it counts again. */
const deletionMs = 2 * 60_000

export function podDisruptionBudget(): Controller {
  return {
    name: 'disruption',
    component: 'controllermanager',
    watches: [
      watching(Pod, (change, mirrored) => budgetsOf(change, mirrored(PodDisruptionBudget))),
      watching(PodDisruptionBudget),
    ],
    async reconcile(ref, world) {
      const pdb = world.mirrored(PodDisruptionBudget).get(ref)
      return pdb && settle(pdb, world)
    },
  }
}

const isOf = ({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean =>
  metadata.namespace === pod.metadata.namespace && labelSelectorMatcher(spec.selector)(pod.metadata.labels)

/** Those that count the Pod, or have counted it. */
const budgetsOf = ({ object, old }: Change<Pod>, budgets: Mirror<PodDisruptionBudget>) =>
  budgets
    .list()
    .filter((pdb) => isOf(pdb, object) || (old && isOf(pdb, old)))
    .map(refOf)

async function settle(pdb: PodDisruptionBudget, { client, clock, events, mirrored }: World): Promise<Again | undefined> {
  const pods = mirrored(Pod)
    .list()
    .filter((pod) => isOf(pdb, pod))
  if (pods.length === 0) events.event(pdb, 'Normal', 'NoPods', 'No matching pods found')
  const { status, overdue, againMs } = budgetStatus(pdb, pods, clock.now())
  for (const pod of overdue) {
    const text = `Pod was expected by PDB ${pdb.metadata.namespace}/${pdb.metadata.name} to be deleted but it wasn't`
    events.event(pod, 'Warning', 'NotDeleted', text)
  }
  if (!sameValue(status, pdb.status)) await client.update(PodDisruptionBudget, { ...pdb, status }, { subresource: 'status' })
  return againMs === undefined ? undefined : { againMs }
}

interface Judged {
  status: PodDisruptionBudgetStatus
  /** Granted to go long ago, and still there. */
  overdue: readonly Pod[]
  /** When the first of the disrupted Pods becomes overdue. */
  againMs: number | undefined
}

/** Decides the status from the Pods that the budget selects. Nothing here owns Pods, so that shares are shares of those there are. */
export function budgetStatus(pdb: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Judged {
  const { disruptedPods, overdue, againMs } = stillDisrupted(pdb, pods, nowMs)
  // k8s: a budget that names no amount expects nothing, and allows nothing
  const expectedPods = pdb.spec.minAvailable === undefined && pdb.spec.maxUnavailable === undefined ? 0 : pods.length
  const desiredHealthy = desired(pdb, expectedPods)
  const counts = (pod: Pod) => !pod.metadata.deletionTimestamp && !Object.hasOwn(disruptedPods, pod.metadata.name) && isReady(pod)
  const currentHealthy = pods.filter(counts).length
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  const observedGeneration = pdb.metadata.generation
  const [state, reason] = disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods']
  const conditions = withCondition(pdb.status.conditions, {
    ...{ type: 'DisruptionAllowed', status: state, observedGeneration, lastTransitionTime: rfc3339(nowMs), reason, message: '' },
  })
  const status: PodDisruptionBudgetStatus = {
    observedGeneration,
    ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    ...{ disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions },
  }
  return { status, overdue, againMs }
}

const isReady = ({ status }: Pod): boolean => status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

function desired({ spec: { minAvailable, maxUnavailable } }: PodDisruptionBudget, expected: number): number {
  if (maxUnavailable !== undefined) return Math.max(0, expected - countOf(maxUnavailable, expected))
  return minAvailable === undefined ? 0 : countOf(minAvailable, expected)
}

/** k8s: shares are rounded up, on both sides. */
const countOf = (amount: IntOrString, of: number): number =>
  typeof amount === 'number' ? amount : Math.ceil((Number.parseInt(amount, 10) * of) / 100)

/** Of those whose eviction was granted: who is still to go, and who should have gone. */
function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const disruptedPods: Record<string, string> = {}
  const overdue: Pod[] = []
  let againMs: number | undefined
  for (const pod of pods) {
    const since = status.disruptedPods?.[pod.metadata.name]
    if (since === undefined || pod.metadata.deletionTimestamp) continue
    const leftMs = Date.parse(since) + deletionMs - nowMs
    if (leftMs <= 0) overdue.push(pod)
    else {
      disruptedPods[pod.metadata.name] = since
      againMs = Math.min(againMs ?? leftMs, leftMs)
    }
  }
  return { disruptedPods, overdue, againMs }
}
