// What the server fills in on writes, kind by kind.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Namespace } from './core/namespace.ts'
import { Pod } from './core/pod.ts'
import { Secret } from './core/secret.ts'
import { ServiceAccount } from './core/service-account.ts'
import { Service } from './core/service.ts'
import { PriorityClass } from './scheduling/priority-class.ts'

const into = { unknown: [] }
const bare = (name: string) => ({ metadata: { name } })

describe('prepare', () => {
  it('starts a Pod as Pending with its class, whatever status was sent', () => {
    const pod = Pod.decode({ spec: { containers: [{ name: 'a' }] }, status: { phase: 'Running', podIP: '1.2.3.4' } }, into)
    Pod.prepareCreate?.(pod)
    assert.deepEqual(pod.status, { phase: 'Pending', qosClass: 'BestEffort' })
    assert.equal(pod.metadata.generation, undefined)
  })

  it('says that a gated Pod is not scheduled', () => {
    const pod = Pod.decode({ spec: { containers: [{ name: 'a' }], schedulingGates: [{ name: 'x/y' }] } }, into)
    Pod.prepareCreate?.(pod)
    assert.deepEqual(pod.status.conditions, [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ])
  })

  it('keeps owners and class when a kubelet writes a status', () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }
    const old = Pod.decode({ metadata: { ownerReferences: [owner] }, status: { qosClass: 'Guaranteed' } }, into)
    const next = Pod.decode({ status: { phase: 'Running' } }, into)
    Pod.prepareStatusUpdate?.(next, old)
    assert.deepEqual(next.metadata.ownerReferences, [owner])
    assert.deepEqual(next.status, { phase: 'Running', qosClass: 'Guaranteed' })
  })

  it('makes a Namespace active, finalized by kubernetes and labelled with its name', () => {
    const ns = Namespace.decode({ ...bare('a'), status: { phase: 'Terminating' } }, into)
    Namespace.prepareCreate?.(ns)
    assert.deepEqual(ns, {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: { name: 'a', labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
    const next = Namespace.decode({ ...bare('a'), spec: {} }, into)
    Namespace.prepareUpdate?.(next, ns)
    assert.deepEqual(next, { ...ns, status: {} })
  })

  it('turns stringData of a Secret into data, which it overrides', () => {
    const secret = Secret.decode({ ...bare('s'), data: { a: 'eA==', b: 'eQ==' }, stringData: { a: 'naïve' } }, into)
    Secret.prepareCreate?.(secret)
    assert.deepEqual(secret.data, { a: 'bmHDr3Zl', b: 'eQ==' })
    assert.equal('stringData' in secret, false)
  })

  it('keeps only the names of the secrets of a ServiceAccount', () => {
    const account = ServiceAccount.decode({ ...bare('a'), secrets: [{ name: 's', namespace: 'other', uid: 'u' }] }, into)
    ServiceAccount.prepareCreate?.(account)
    assert.deepEqual(account.secrets, [{ name: 's' }])
  })

  it('writes a given address of a Service in its plural forms', () => {
    const service = Service.decode({ ...bare('s'), spec: { clusterIP: 'None', ports: [{ port: 80 }] } }, into)
    Service.prepareCreate?.(service)
    assert.deepEqual(service.spec, {
      ports: [{ protocol: 'TCP', port: 80, targetPort: 80 }],
      clusterIP: 'None',
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      clusterIPs: ['None'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    })
    const next = Service.decode({ ...bare('s'), spec: {} }, into)
    Service.prepareUpdate?.(next, service)
    assert.deepEqual([next.spec.clusterIP, next.spec.clusterIPs], ['None', ['None']])
  })

  it('starts a PriorityClass at generation 1', () => {
    const pc = PriorityClass.decode({ ...bare('high'), value: 10 }, into)
    PriorityClass.prepareCreate?.(pc)
    assert.equal(pc.metadata.generation, 1)
  })
})
