// What scheduler, controllers and kubelets of this process show through the API server.
import { type Disagreement, disagreementKinds } from '../ledger/check.ts'
import type { MetricFamily } from '../lib/prometheus.ts'
import type { KubeletMetrics } from '../node/kubelet-metrics.ts'
import type { RunningNode } from '../node/run.ts'
import type { SchedulerSeen } from '../scheduler/run.ts'
import type { Observed } from '../server/observed.ts'

/** Fills `observed`; what is returned goes to the controllers and to the scheduler. `nodes` are those of this process. */
export function observers(observed: Observed, kubelets: KubeletMetrics, nodes: ReadonlyMap<string, RunningNode>) {
  let found: readonly Disagreement[] = []
  let scheduler: SchedulerSeen | undefined
  const kubeletCounts = () => [...nodes.values()].flatMap((node) => node.counts() ?? [])
  observed.schedulerCounts = () => scheduler?.nodeCounts()
  observed.kubeletCounts = () => (nodes.size === 0 ? undefined : kubeletCounts())
  observed.metrics = () => [...(scheduler ? [pendingPods(scheduler)] : []), disagreements(found), ...kubelets.families()]
  return {
    ledger: {
      onChecked: (disagreeing: readonly Disagreement[]) => void (found = disagreeing),
      async hear() {
        const cgroups = (await Promise.all([...nodes.values()].map((node) => node.cgroups()))).filter(
          (files) => files !== undefined,
        )
        return { scheduler: scheduler?.nodeCounts(), kubelets: kubeletCounts(), cgroups }
      },
    },
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
  const samples = disagreementKinds.map((kind) => ({ labels: { kind }, value: found.filter((one) => one.kind === kind).length }))
  const help = 'What the last check of the ledger found, by the kind of disagreement.'
  return { name: 'polypod_ledger_disagreements', help, type: 'gauge', samples }
}
