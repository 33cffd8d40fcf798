import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Event } from '../api/core/event.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { Secret } from '../api/core/secret.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import { Service } from '../api/core/service.ts'
import type { AnyKind } from '../api/kind.ts'
import { isNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import type { Controller } from './controller.ts'
import { namespaceController } from './namespace.ts'
import { rootCa } from './root-ca.ts'
import { serviceAccount } from './service-account.ts'

/** `fields` may hold metadata beside the name. */
const make = (client: Client, kind: AnyKind, name: string, { metadata = {}, ...fields }: Record<string, unknown> = {}) =>
  client.create(kind, objectOf(kind, { metadata: { name, namespace: 'ns', ...(metadata as object) }, ...fields }))
const container = { name: 'main', image: 'busybox' }

async function gone(client: Client, name: string): Promise<boolean> {
  return client.get(Namespace, { name }).then(() => false, isNotFound)
}

async function openNamespace(...more: Controller[]) {
  const world = await openControlPlane(namespaceController(), ...more)
  await world.client.create(Namespace, objectOf(Namespace, { metadata: { name: 'ns' } }))
  return world
}

const conditions = async (client: Client) =>
  Object.fromEntries(
    ((await client.get(Namespace, { name: 'ns' })).status.conditions ?? []).map(({ type, status, reason, message }) => [
      type,
      [status, reason, message],
    ]),
  )

const fine = {
  NamespaceDeletionDiscoveryFailure: ['False', 'ResourcesDiscovered', 'All resources successfully discovered'],
  NamespaceDeletionGroupVersionParsingFailure: ['False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  NamespaceDeletionContentFailure: [
    'False',
    'ContentDeleted',
    'All content successfully deleted, may be waiting on finalization',
  ],
  NamespaceFinalizersRemaining: ['False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
}

describe('deleting a namespace', () => {
  it('takes everything in it along, of every kind, and nothing else', async () => {
    const { client } = await openNamespace()
    await make(client, ServiceAccount, 'default')
    await make(client, ConfigMap, 'a')
    await make(client, Secret, 'a')
    await make(client, Service, 'a', { spec: { ports: [{ port: 80 }] } })
    await make(client, Lease, 'a')
    await make(client, Event, 'a', { involvedObject: { namespace: 'ns' } })
    await make(client, Pod, 'a', { spec: { containers: [container] } })
    await client.delete(Namespace, { name: 'ns' })
    await eventually(() => gone(client, 'ns'))
    for (const kind of [ServiceAccount, ConfigMap, Secret, Service, Lease, Event, Pod] as AnyKind[])
      assert.deepEqual((await client.list(kind, { namespace: 'ns' })).items, [], kind.kind)
    assert.equal((await client.get(Service, { namespace: 'default', name: 'kubernetes' })).metadata.name, 'kubernetes')
  })

  it('waits for Pods to stop in their own time, and keeps what they may still need', async () => {
    const { client } = await openNamespace()
    await make(client, ServiceAccount, 'default')
    await make(client, ConfigMap, 'settings')
    await make(client, Pod, 'web', { spec: { containers: [container], nodeName: 'node-1' } })
    await client.delete(Namespace, { name: 'ns' })
    await eventually(async () => (await client.get(Namespace, { name: 'ns' })).status.conditions)
    const pod = await client.get(Pod, { namespace: 'ns', name: 'web' })
    assert.equal(pod.metadata.deletionGracePeriodSeconds, 30)
    assert.deepEqual(await conditions(client), {
      ...fine,
      NamespaceContentRemaining: ['True', 'SomeResourcesRemain', 'Some resources are remaining: pods. has 1 resource instances'],
    })
    assert.equal((await client.get(ConfigMap, { namespace: 'ns', name: 'settings' })).metadata.name, 'settings')
    // the kubelet's last word
    await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 })
    await eventually(() => gone(client, 'ns'))
  })

  it('waits for finalizers of others, says whose, and looks again in time', async () => {
    const { client, clock } = await openNamespace()
    await make(client, ConfigMap, 'a', { metadata: { finalizers: ['example.com/hold'] } })
    await make(client, Secret, 'b', { metadata: { finalizers: ['example.com/hold', 'example.com/other'] } })
    await make(client, Secret, 'c')
    await client.delete(Namespace, { name: 'ns' })
    await eventually(async () => (await client.get(Namespace, { name: 'ns' })).status.conditions)
    assert.deepEqual(await conditions(client), {
      ...fine,
      NamespaceContentRemaining: [
        'True',
        'SomeResourcesRemain',
        'Some resources are remaining: configmaps. has 1 resource instances, secrets. has 1 resource instances',
      ],
      NamespaceFinalizersRemaining: [
        'True',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances, example.com/other in 1 resource instances',
      ],
    })
    for (const kind of [ConfigMap, Secret] as AnyKind[])
      for (const { metadata } of (await client.list(kind, { namespace: 'ns' })).items)
        await client.patch(kind, metadata, { type: 'merge', body: { metadata: { finalizers: null } } })
    assert.equal(await gone(client, 'ns'), false)
    await clock.advance(8000)
    await eventually(() => gone(client, 'ns'))
  })

  it('is not held up by controllers that fill namespaces', async () => {
    const { client, logged } = await openNamespace(serviceAccount(), rootCa('pem'))
    await eventually(() => client.get(ConfigMap, { namespace: 'ns', name: 'kube-root-ca.crt' }))
    await client.delete(Namespace, { name: 'ns' })
    await eventually(() => gone(client, 'ns'))
    assert.deepEqual(logged, [])
  })

  it('leaves a namespace alone that has a finalizer of its own, but for its contents', async () => {
    const { client } = await openControlPlane(namespaceController())
    const spec = { finalizers: ['example.com/mine', 'kubernetes'] }
    await client.create(Namespace, objectOf(Namespace, { metadata: { name: 'ns' }, spec }))
    await make(client, ConfigMap, 'a')
    await client.delete(Namespace, { name: 'ns' })
    const kept = await eventually(async () => {
      const namespace = await client.get(Namespace, { name: 'ns' })
      return namespace.spec.finalizers?.includes('kubernetes') ? undefined : namespace
    })
    assert.deepEqual([kept.spec.finalizers, kept.status.phase], [['example.com/mine'], 'Terminating'])
    assert.deepEqual((await client.list(ConfigMap, { namespace: 'ns' })).items, [])
  })
})
