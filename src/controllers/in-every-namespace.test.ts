// The two controllers that keep one object in every namespace.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { rootCa } from './root-ca.ts'
import { serviceAccount } from './service-account.ts'

const pem = '-----BEGIN CERTIFICATE-----\n'
const bootstrapped = ['default', 'kube-node-lease', 'kube-public', 'kube-system', 'polypod-system']

describe('the default account', () => {
  it('is in every namespace, new ones too, and comes back', async () => {
    const { client } = await openControlPlane(serviceAccount())
    await client.create(Namespace, objectOf(Namespace, { metadata: { name: 'ns' } }))
    const names = async () =>
      (await client.list(ServiceAccount)).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    const all = [...bootstrapped, 'ns'].sort().map((namespace) => `${namespace}/default`)
    await eventually(async () => assert.deepEqual(await names(), all) ?? true)
    await client.delete(ServiceAccount, { namespace: 'ns', name: 'default' })
    await eventually(async () => assert.deepEqual(await names(), all) ?? true)
  })
})

describe('the root CA', () => {
  const ref = { namespace: 'ns', name: 'kube-root-ca.crt' }
  it('is in every namespace', async () => {
    const { client } = await openControlPlane(rootCa(pem))
    await eventually(async () => {
      const { items } = await client.list(ConfigMap)
      assert.deepEqual(
        items.map(({ metadata, data }) => [metadata.namespace, metadata.name, data]),
        bootstrapped.map((namespace) => [namespace, 'kube-root-ca.crt', { 'ca.crt': pem }]),
      )
      assert.ok(items.every(({ metadata }) => metadata.annotations?.['kubernetes.io/description']?.startsWith('Contains a CA')))
      return true
    })
  })

  it('is repaired when it is changed or deleted, and keeps labels of others', async () => {
    const { client } = await openControlPlane(rootCa(pem))
    await client.create(Namespace, objectOf(Namespace, { metadata: { name: 'ns' } }))
    const made = await eventually(() => client.get(ConfigMap, ref))
    const changed = { ...made, metadata: { ...made.metadata, labels: { a: 'b' } }, data: { 'ca.crt': 'forged', more: 'x' } }
    await client.update(ConfigMap, changed)
    const repaired = await eventually(async () => {
      const now = await client.get(ConfigMap, ref)
      return now.data?.['ca.crt'] === pem && now
    })
    assert.deepEqual(
      [repaired && repaired.data, repaired && repaired.metadata.labels, repaired && repaired.metadata.uid],
      [{ 'ca.crt': pem }, { a: 'b' }, made.metadata.uid],
    )
    await client.delete(ConfigMap, ref)
    const back = await eventually(() => client.get(ConfigMap, ref))
    assert.notEqual(back.metadata.uid, made.metadata.uid)
  })
})
