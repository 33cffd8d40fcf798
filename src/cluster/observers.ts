// What scheduler, controllers and kubelets of this process show through the API server.
import { type Disagreement, disagreementKinds } from '../ledger/check.ts'
import type { ClassOverhead } from '../ledger/overhead-drift.ts'
import type { MetricFamily } from '../lib/prometheus.ts'
import type { KubeletMetrics } from '../node/kubelet-metrics.ts'
import type { RunningNode } from '../node/run.ts'
import type { SchedulerSeen } from '../scheduler/run.ts'
import type { Observed } from '../server/observed.ts'

/** Fills `observed`; what is returned goes to the controllers and to the scheduler. `nodes` are those of this process. */
export function observers(observed: Observed, kubelets: KubeletMetrics, nodes: ReadonlyMap<string, RunningNode>) {
  let found: readonly Disagreement[] = []
  let overheads: readonly ClassOverhead[] = []
  let scheduler: SchedulerSeen | undefined
  const kubeletCounts = () => [...nodes.values()].flatMap((node) => node.counts() ?? [])
  observed.schedulerCounts = () => scheduler?.nodeCounts()
  observed.kubeletCounts = () => (nodes.size === 0 ? undefined : kubeletCounts())
  observed.metrics = () => [
    ...(scheduler ? [pendingPods(scheduler)] : []),
    disagreements(found),
    ...drift(overheads),
    ...kubelets.families(),
  ]
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
    onMeasured: (measured: readonly ClassOverhead[]) => void (overheads = measured),
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

function drift(found: readonly ClassOverhead[]): MetricFamily[] {
  const gauge = (
    name: string,
    help: string,
    of: readonly ClassOverhead[],
    value: (one: ClassOverhead) => number,
  ): MetricFamily => {
    const labels = (one: ClassOverhead) => ({ runtimeclass: one.class, ...(one.drift ? { drift: one.drift } : {}) })
    return { name, help, type: 'gauge', samples: of.map((one) => ({ labels: labels(one), value: value(one) })) }
  }
  const plain = found.map((one) => ({ ...one, drift: undefined }))
  const declared = 'Memory of a sandbox that the RuntimeClass declares as its overhead.'
  const measured = 'Memory that sandboxes of the RuntimeClass use, on average over its Pods.'
  return [
    gauge('polypod_overhead_declared_memory_bytes', declared, plain, (one) => one.declaredBytes),
    gauge('polypod_overhead_measured_memory_bytes', measured, plain, (one) => one.meanBytes),
    gauge(
      'polypod_overhead_drift',
      'RuntimeClasses whose overhead is far from what is used: 1.',
      found.filter((one) => one.drift),
      () => 1,
    ),
  ]
}
