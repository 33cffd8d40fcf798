import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { burstableMilliCpu } from './qos-shares.ts'
import { samplePod } from './sample-pod.ts'

describe('burstableMilliCpu', () => {
  const podOf = (resources: object, spec: object = {}, status: Record<string, unknown> = {}) =>
    samplePod({ containers: [{ name: 'main', image: 'i', resources }], ...spec }, {}, status)
  it('sums the requests of burstable Pods that run, overhead included', () => {
    const pods = [
      podOf({ requests: { cpu: '100m' } }),
      podOf({ requests: { cpu: '200m' } }, { overhead: { cpu: '50m' } }),
      podOf({ requests: { memory: '1Mi' } }),
      podOf({ limits: { cpu: '1', memory: '1Mi' } }),
      podOf({}, { overhead: { cpu: '1' } }),
      podOf({ requests: { cpu: '400m' } }, {}, { phase: 'Succeeded' }),
    ]
    assert.equal(burstableMilliCpu(pods), 350)
    assert.equal(burstableMilliCpu([]), 0)
  })
})
