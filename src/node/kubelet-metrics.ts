// What the kubelets of this process count, by upstream's names.
import type { Clock } from '../lib/clock.ts'
import { counter, histogram, type MetricFamily } from '../lib/prometheus.ts'
import type { Runtime } from './cri/runtime.ts'
import { canaryLabel } from './handler/canary.ts'

export interface KubeletMetrics {
  /** The same runtime, whose RunPodSandbox is timed. */
  timed(runtime: Runtime, clock: Clock): Runtime
  families(): MetricFamily[]
}

export function kubeletMetrics(): KubeletMetrics {
  const took = histogram('kubelet_run_podsandbox_duration_seconds', 'Duration in seconds of the run_podsandbox operations.')
  const failed = counter('kubelet_run_podsandbox_errors_total', 'Cumulative number of the run_podsandbox operation errors.')
  return {
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
    families: () => [took.family(), failed.family()],
  }
}
