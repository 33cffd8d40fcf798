import assert from 'node:assert/strict'
import { it } from 'vitest'
import { PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import { measuredOf } from './measured.ts'

const metricsOf = (cpu: string, sandbox?: object) =>
  PodMetrics.decode(
    {
      metadata: { name: 'p', ...(sandbox ? { annotations: { [sandboxUsageAnnotation]: JSON.stringify(sandbox) } } : {}) },
      ...{ timestamp: '2026-01-01T00:00:00Z', window: '10s', containers: [{ name: 'c', usage: { cpu, memory: '64Mi' } }] },
    },
    { unknown: [] },
  )

it('sums containers and sandboxes apart, in millicores', () => {
  const all = [metricsOf('200000001n', { cpu: '1n', memory: '20Mi' }), metricsOf('1m')]
  assert.deepEqual(measuredOf(all), { containers: { cpu: '202m', memory: '128Mi' }, sandbox: { cpu: '1m', memory: '20Mi' } })
  assert.equal(measuredOf([]), undefined)
})
