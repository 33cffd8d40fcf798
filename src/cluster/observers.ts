// What scheduler, controllers and kubelets of this process show through the API server.
import type { Disagreement } from '../ledger/check.ts'
import type { MetricFamily } from '../lib/prometheus.ts'
import type { KubeletMetrics } from '../node/kubelet-metrics.ts'
import type { SchedulerSeen } from '../scheduler/run.ts'
import type { Observed } from '../server/observed.ts'

/** Fills `observed`; the two that are returned go to the controllers and to the scheduler. */
export function observers(observed: Observed, kubelets: KubeletMetrics) {
  let found: readonly Disagreement[] = []
  let scheduler: SchedulerSeen | undefined
  observed.schedulerCounts = () => scheduler?.nodeCounts()
  observed.metrics = () => [...(scheduler ? [pendingPods(scheduler)] : []), disagreements(found), ...kubelets.families()]
  return {
    onLedgerChecked: (disagreeing: readonly Disagreement[]) => void (found = disagreeing),
    observe: (seen: SchedulerSeen) => void (scheduler = seen),
  }
}

function pendingPods(scheduler: SchedulerSeen): MetricFamily {
  const { active, backingOff, unschedulable, taken } = scheduler.pending()
  // k8s: a Pod that is being tried is still counted as active
  const queues = { active: active + taken, backoff: backingOff, unschedulable }
  const samples = Object.entries(queues).map(([queue, value]) => ({ labels: { queue }, value }))
  return { name: 'scheduler_pending_pods', help: 'Number of pending pods, by the queue type.', type: 'gauge', samples }
}

function disagreements(found: readonly Disagreement[]): MetricFamily {
  const kinds = [...new Set(found.map(({ kind }) => kind))]
  const samples = kinds.map((kind) => ({ labels: { kind }, value: found.filter((one) => one.kind === kind).length }))
  const help = 'What the last check of the ledger found, by the kind of disagreement.'
  return { name: 'polypod_ledger_disagreements', help, type: 'gauge', samples }
}
