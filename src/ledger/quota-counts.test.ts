import assert from 'node:assert/strict'
import { it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { Secret } from '../api/core/secret.ts'
import { checkLedger } from './check.ts'
import { quotaCounts, quotaObjects } from './quota-counts.ts'

const into = { unknown: [] }
const podOf = (name: string, phase = 'Running', namespace = 'default') =>
  Pod.decode(
    {
      metadata: { name, namespace },
      spec: {
        containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }],
        overhead: { cpu: '250m' },
      },
      status: { phase },
    },
    into,
  )
const quotaOf = (name: string, used: object, hard: object = { 'requests.cpu': '2', pods: '5', secrets: '9' }, counted = hard) =>
  ResourceQuota.decode({ metadata: { name, namespace: 'default' }, spec: { hard }, status: { hard: counted, used } }, into)
const pods = [podOf('a'), podOf('b'), podOf('over', 'Succeeded'), podOf('c', 'Running', 'other')]

it('finds a quota whose status lost or invented something, and leaves alone what nobody listed', async () => {
  const quotas = [
    quotaOf('right', { 'requests.cpu': '0.7', pods: '2', secrets: '7' }),
    quotaOf('wrong', { 'requests.cpu': '200m', pods: '2', secrets: '7' }),
    quotaOf('edited', { pods: '9' }, { pods: '3' }, { pods: '4' }),
  ]
  assert.deepEqual(
    checkLedger({ pods, nodes: [], classes: [], quotas: quotaCounts(quotas, [{ kind: Pod, objects: pods }], 0) }),
    [
      {
        ...{ kind: 'QuotaDiffers', about: { kind: 'Namespace', name: 'default' }, what: 'requests.cpu of ResourceQuota wrong' },
        ...{ expected: '700m', found: '200m' },
        causes: ['ResourceQuota default/wrong', 'Pod default/a', 'Pod default/b'],
      },
    ],
  )
})

it('counts objects of every kind that some quota limits, but for those that are counted late', async () => {
  const secrets = [Secret.decode({ metadata: { name: 's', namespace: 'default' } }, into)]
  const hard = { secrets: '3', 'count/leases.coordination.k8s.io': '9' }
  const quotas = [quotaOf('q', { secrets: '3', 'count/leases.coordination.k8s.io': '7' }, hard)]
  const asked: string[] = []
  const all = await quotaObjects(quotas, async (kind) => {
    asked.push(kind.kind)
    return secrets
  })
  assert.deepEqual(asked, ['Secret'])
  assert.deepEqual(checkLedger({ pods: [], nodes: [], classes: [], quotas: quotaCounts(quotas, all, 0) }), [
    {
      ...{ kind: 'QuotaDiffers', about: { kind: 'Namespace', name: 'default' }, what: 'secrets of ResourceQuota q' },
      ...{ expected: '1', found: '3' },
      causes: ['ResourceQuota default/q', 'Secret default/s'],
    },
  ])
})
