// What the kubelets of this process count, by upstream's names.
import type { Clock } from '../lib/clock.ts'
import { counter, histogram, type MetricFamily } from '../lib/prometheus.ts'
import type { Runtime } from './cri/runtime.ts'
import { canaryLabel } from './handler/canary.ts'

/** What nodes tell of, as it happens. */
export interface NodeMetrics {
  evicted(signal: string): void
  /** `resource`: which of them was short. */
  preempted(resource: string): void
  rejected(reason: string): void
}

export interface KubeletMetrics extends NodeMetrics {
  /** The same runtime, whose RunPodSandbox is timed. */
  timed(runtime: Runtime, clock: Clock): Runtime
  families(): MetricFamily[]
}

export function kubeletMetrics(): KubeletMetrics {
  const took = histogram('kubelet_run_podsandbox_duration_seconds', 'Duration in seconds of the run_podsandbox operations.')
  const failed = counter('kubelet_run_podsandbox_errors_total', 'Cumulative number of the run_podsandbox operation errors.')
  const evictions = counter('kubelet_evictions', 'Cumulative number of pod evictions by eviction signal')
  const preemptions = counter('kubelet_preemptions', 'Cumulative number of pod preemptions by preemption resource')
  const rejections = counter('kubelet_admission_rejections_total', 'Cumulative number pod admission rejections by the Kubelet.')
  return {
    evicted: (signal) => evictions.add({ eviction_signal: signal }),
    preempted: (resource) => preemptions.add({ preemption_signal: resource }),
    rejected: (reason) => rejections.add({ reason }),
    timed: (runtime, clock) => ({
      ...runtime,
      async runSandbox(config, handler) {
        // a canary is no Pod
        if (config.labels[canaryLabel]) return runtime.runSandbox(config, handler)
        const start = clock.now()
        const labels = { runtime_handler: handler }
        try {
          const id = await runtime.runSandbox(config, handler)
          // k8s: a failure has no duration
          took.observe(labels, (clock.now() - start) / 1000)
          return id
        } catch (error) {
          failed.add(labels)
          throw error
        }
      },
    }),
    families: () => [took, failed, evictions, preemptions, rejections].map((metric) => metric.family()),
  }
}
