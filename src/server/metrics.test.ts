import assert from 'node:assert/strict'
import { it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { resourceFamilies } from './metrics.ts'

it('counts a Pod with its overhead, and a zero not at all', () => {
  const spec = {
    ...{ nodeName: 'n1', schedulerName: 's', priority: 7, overhead: { cpu: '200m', memory: '140Mi', 'example.com/slot': '1' } },
    containers: [
      {
        ...{ name: 'c', image: 'i' },
        resources: { requests: { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '0' }, limits: { memory: '100Mi' } },
      },
    ],
  }
  const pod = Pod.decode({ metadata: { name: 'web', namespace: 'ns' }, spec }, { unknown: [] })
  const told = { namespace: 'ns', pod: 'web', node: 'n1', scheduler: 's', priority: '7' }
  assert.deepEqual(
    resourceFamilies([pod]).map(({ name, samples }) => [name, samples]),
    [
      [
        'kube_pod_resource_request',
        [
          { labels: { ...told, resource: 'cpu', unit: 'cores' }, value: 0.3 },
          { labels: { ...told, resource: 'memory', unit: 'bytes' }, value: 251_658_240 },
          { labels: { ...told, resource: 'example.com/slot', unit: 'integer' }, value: 1 },
        ],
      ],
      ['kube_pod_resource_limit', [{ labels: { ...told, resource: 'memory', unit: 'bytes' }, value: 251_658_240 }]],
    ],
  )
})
