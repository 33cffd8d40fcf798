// What the API server shows of the components that run beside it in the same process.
import { pathNotFound } from '../api/status.ts'
import type { NodeCounts } from '../ledger/check.ts'
import type { MetricFamily } from '../lib/prometheus.ts'
import type { Handler } from './call.ts'
import { sendJson } from './respond.ts'

export interface Observed {
  /** What the scheduler counts on each node at this moment; undefined before it has seen the cluster. */
  schedulerCounts?: (() => NodeCounts[] | undefined) | undefined
  /** The same of the kubelets; undefined before one runs. */
  kubeletCounts?: (() => NodeCounts[] | undefined) | undefined
  /** What goes into /metrics beside the API server's own. */
  metrics?: (() => readonly MetricFamily[]) | undefined
}

/** GET /debug/scheduler: the live scheduler's own sums, for `polypod ledger --check`. 404 where none runs. */
export const debugScheduler: Handler = (call) => sendCounts(call, call.world.observed.schedulerCounts?.())

/** GET /debug/kubelets: what each kubelet of this process counts on its node. 404 where none runs. */
export const debugKubelets: Handler = (call) => sendCounts(call, call.world.observed.kubeletCounts?.())

function sendCounts(call: Parameters<Handler>[0], counts: NodeCounts[] | undefined): ReturnType<Handler> {
  if (!counts) throw pathNotFound()
  return sendJson(call, 200, counts)
}
