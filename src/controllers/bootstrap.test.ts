import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Namespace } from '../api/core/namespace.ts'
import { Service } from '../api/core/service.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { openControlPlane, testPort } from '../testing/control-plane.ts'
import { bootstrap } from './bootstrap.ts'

const kubernetes = { namespace: 'default', name: 'kubernetes' }

describe('bootstrap', () => {
  it('makes the namespaces, the priority classes of the system and the Service of the API server', async () => {
    const { client } = await openControlPlane()
    const namespaces = await client.list(Namespace)
    assert.deepEqual(
      namespaces.items.map(({ metadata, status }) => [metadata.name, status.phase]),
      ['default', 'kube-node-lease', 'kube-public', 'kube-system', 'polypod-system'].map((name) => [name, 'Active']),
    )
    const classes = await client.list(PriorityClass)
    assert.deepEqual(
      classes.items.map(({ metadata, value, preemptionPolicy }) => [metadata.name, value, preemptionPolicy]),
      [
        ['system-cluster-critical', 2_000_000_000, 'PreemptLowerPriority'],
        ['system-node-critical', 2_000_001_000, 'PreemptLowerPriority'],
      ],
    )
    const { metadata, spec } = await client.get(Service, kubernetes)
    assert.deepEqual(metadata.labels, { component: 'apiserver', provider: 'kubernetes' })
    assert.deepEqual(spec, {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: testPort }],
    })
  })

  it('changes nothing the second time', async () => {
    const { client } = await openControlPlane()
    const versions = async () => {
      const lists = await Promise.all([client.list(Namespace), client.list(PriorityClass), client.list(Service)])
      return lists.flatMap(({ items }) => items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
    }
    const before = await versions()
    await bootstrap(client, { port: testPort })
    assert.deepEqual(await versions(), before)
  })

  it('leads the Service to the port of now', async () => {
    const { client } = await openControlPlane()
    await bootstrap(client, { port: 7443 })
    const { spec } = await client.get(Service, kubernetes)
    assert.deepEqual(spec.ports, [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 7443 }])
    assert.equal(spec.clusterIP, '10.96.0.1')
  })
})
