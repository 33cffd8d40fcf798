// What /metrics says of runtime handlers, from their NodeHandlers.
import { type NodeHandler, readyCondition } from '../api/polypod/node-handler.ts'
import type { MetricFamily } from '../lib/prometheus.ts'

/** A handler that no canary has run on yet has no duration. Pure. */
export function handlerFamilies(handlers: readonly NodeHandler[]): MetricFamily[] {
  const labels = ({ spec: { nodeName, handler } }: NodeHandler) => ({ node: nodeName, handler })
  const isReady = ({ status }: NodeHandler) => (readyCondition(status)?.status === 'True' ? 1 : 0)
  return [
    {
      ...{
        name: 'polypod_handler_ready',
        help: 'Whether Pods start on the runtime handler, as last proved: 1 or 0.',
        type: 'gauge',
      },
      samples: handlers.map((handler) => ({ labels: labels(handler), value: isReady(handler) })),
    },
    {
      ...{ name: 'polypod_handler_canary_duration_seconds', type: 'gauge' },
      help: 'How long the last canary took to start on the runtime handler, or to fail.',
      samples: handlers.flatMap((handler) => {
        const { canary } = handler.status
        return canary ? [{ labels: { ...labels(handler), result: canary.result }, value: canary.durationMs / 1000 }] : []
      }),
    },
  ]
}
