import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { isConflict } from '../api/status.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { refusal } from '../testing/refusal.ts'

const a = { namespace: 'default', name: 'a' }
const runtimeClass = (handler: string, more: object = {}): RuntimeClass =>
  ({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'a' }, handler, ...more }) as RuntimeClass

describe('which version an update is about', () => {
  it('refuses a stale one, and takes none for the newest', async () => {
    const client = (await testServer()).client('tester')
    const made = await client.create(ConfigMap, configMap('a'))
    await client.update(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.equal(
      await refusal(client.update(ConfigMap, { ...made, data: { k: '2' } })),
      '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    )
    assert.equal(
      await refusal(client.update(ConfigMap, configMap('a', { metadata: { name: 'a', namespace: 'default', uid: 'x' } }))),
      `409 Conflict: Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: x, UID in object meta: ${made.metadata.uid}`,
    )
  })

  it('insists on one for RuntimeClasses, and creates one that is not there', async () => {
    const server = await testServer()
    const put = (body: RuntimeClass) => server.update(RuntimeClass, { name: 'a' }, body, byTester)
    assert.equal((await put(runtimeClass('runc'))).created, true)
    assert.equal(
      await refusal(put(runtimeClass('runc'))),
      '422 Invalid: RuntimeClass.node.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    )
    const { object } = await server.get(RuntimeClass, { name: 'a' })
    assert.equal(
      await refusal(put({ ...(object as RuntimeClass), handler: 'runsc' })),
      '422 Invalid: RuntimeClass.node.k8s.io "a" is invalid: handler: Invalid value: "runsc": field is immutable',
    )
    const { stored, created } = await put({ ...(object as RuntimeClass), overhead: { podFixed: { cpu: '1' } } })
    assert.equal(created, false)
    assert.deepEqual((stored.object as RuntimeClass).overhead, { podFixed: { cpu: '1' } })
  })

  it('creates once, when many put to one free name', async () => {
    const server = await testServer()
    const put = (holderIdentity: string) => server.update(RuntimeClass, { name: 'a' }, runtimeClass(holderIdentity), byTester)
    const results = await Promise.allSettled(['runc', 'runc', 'runc'].map(put))
    const shown = results.map((result) => (result.status === 'fulfilled' ? result.value.created : String(result.reason)))
    const insists =
      'StatusError: RuntimeClass.node.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update'
    assert.deepEqual(shown, [true, insists, insists])
  })

  it('creates a Lease whose name is in the path, and no ConfigMap', async () => {
    const server = await testServer()
    const lease = { metadata: { name: 'a' }, spec: { holderIdentity: 'me' } }
    assert.equal((await server.update(Lease, a, lease, byTester)).created, true)
    assert.equal(await refusal(server.update(ConfigMap, a, configMap('a'), byTester)), '404 NotFound: configmaps "a" not found')
    assert.equal(
      await refusal(server.update(Lease, { ...a, name: 'b' }, lease, byTester)),
      '400 BadRequest: the name of the object (a) does not match the name on the URL (b)',
    )
    assert.equal(
      await refusal(server.update(Lease, a, { metadata: {} }, byTester)),
      '400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided',
    )
  })
})

describe('what an update keeps', () => {
  it('keeps the server’s own metadata when it is left out', async () => {
    const client = (await testServer()).client('tester')
    const made = await client.create(ConfigMap, configMap('a'))
    const next = await client.update(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.deepEqual(next, { ...made, metadata: { ...made.metadata, resourceVersion: '3' }, data: { k: '1' } })
  })

  it('writes nothing when nothing changes, in whatever order the keys come', async () => {
    const server = await testServer()
    const client = server.client('tester')
    await client.create(ConfigMap, configMap('a', { data: { x: '1', y: '2' } }))
    const before = await server.get(ConfigMap, a)
    const { stored } = await server.update(ConfigMap, a, configMap('a', { data: { y: '2', x: '1' } }), byTester)
    assert.equal(stored, before)
  })

  it('keeps status from plain updates and everything else from updates of status', async () => {
    const client = (await testServer()).client('tester')
    const made = await client.create(Pod, podOf('a'))
    const wish: Pod = {
      ...made,
      metadata: { ...made.metadata, labels: { l: '1' } },
      spec: { ...made.spec, activeDeadlineSeconds: 5 },
      status: { ...made.status, phase: 'Running' },
    }
    const plain = await client.update(Pod, wish)
    assert.deepEqual([plain.spec.activeDeadlineSeconds, plain.status.phase], [5, 'Pending'])
    const late = { ...wish, metadata: plain.metadata, spec: { ...made.spec, activeDeadlineSeconds: 3 } }
    const status = await client.update(Pod, late, { subresource: 'status' })
    assert.deepEqual([status.spec.activeDeadlineSeconds, status.status.phase], [5, 'Running'])
  })

  it('refuses changes of a Pod’s runtime class', async () => {
    const client = (await testServer()).client('tester')
    const made = await client.create(Pod, podOf('a', { spec: { runtimeClassName: 'gvisor' } }))
    assert.match(
      await refusal(client.update(Pod, { ...made, spec: { ...made.spec, runtimeClassName: 'kata' } })),
      /^422 Invalid: Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than /,
    )
  })

  it('writes nothing in a dry run', async () => {
    const server = await testServer()
    const client = server.client('tester')
    const made = await client.create(ConfigMap, configMap('a'))
    const would = await client.update(ConfigMap, { ...made, data: { k: '1' } }, { dryRun: true })
    assert.deepEqual(would, { ...made, data: { k: '1' } })
    assert.deepEqual(await client.get(ConfigMap, a), made)
  })
})

describe('many writers', () => {
  const writers = Array.from({ length: 100 }, (_, i) => `w${i}`)

  it('lose nothing through optimistic concurrency', async () => {
    const client = (await testServer()).client('tester')
    await client.create(ConfigMap, configMap('a', { data: {} }))
    const add = async (key: string): Promise<void> => {
      const now = await client.get(ConfigMap, a)
      try {
        await client.update(ConfigMap, { ...now, data: { ...now.data, [key]: '1' } })
      } catch (error) {
        if (!isConflict(error)) throw error
        await add(key)
      }
    }
    await Promise.all(writers.map(add))
    assert.deepEqual(Object.keys((await client.get(ConfigMap, a)).data ?? {}).sort(), [...writers].sort())
  })

  it('lose nothing through patches, which try again by themselves', async () => {
    const client = (await testServer()).client('tester')
    await client.create(ConfigMap, configMap('a'))
    await Promise.all(writers.map((key) => client.patch(ConfigMap, a, { type: 'merge', body: { data: { [key]: '1' } } })))
    assert.deepEqual(Object.keys((await client.get(ConfigMap, a)).data ?? {}).sort(), [...writers].sort())
  })

  it('create one object between them', async () => {
    const client = (await testServer()).client('tester')
    const results = await Promise.allSettled(writers.map(() => client.create(ConfigMap, configMap('a'))))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})

describe('a warning', () => {
  it('is heard once, however often the update is tried', async () => {
    const server = await testServer()
    await server.create(ConfigMap, { namespace: 'default' }, configMap('a'), byTester)
    const heard: string[] = []
    const context = { ...byTester, fieldValidation: 'Warn' as const, warn: (text: string) => void heard.push(text) }
    const puts = ['1', '2', '3'].map((k) => server.update(ConfigMap, a, { ...configMap('a'), data: { k }, spec: 1 }, context))
    await Promise.all(puts)
    assert.deepEqual(heard, ['unknown field "spec"', 'unknown field "spec"', 'unknown field "spec"'])
  })
})

describe('the last finalizer', () => {
  it('takes the object with it', async () => {
    const client = (await testServer()).client('tester')
    const made = await client.create(
      ConfigMap,
      configMap('a', { metadata: { name: 'a', namespace: 'default', finalizers: ['x.io/y'] } }),
    )
    await client.delete(ConfigMap, a)
    const marked = await client.get(ConfigMap, a)
    assert.equal(marked.metadata.uid, made.metadata.uid)
    assert.ok(marked.metadata.deletionTimestamp)
    const { finalizers: _, ...metadata } = marked.metadata
    await client.update(ConfigMap, { ...marked, metadata })
    assert.equal(await refusal(client.get(ConfigMap, a)), '404 NotFound: configmaps "a" not found')
  })

  it('is for Namespaces in their spec, and only /finalize writes it', async () => {
    const server = await testServer()
    const client = server.client('tester')
    await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' }, spec: {}, status: {} })
    await client.delete(Namespace, { name: 'ns' })
    const marked = await client.get(Namespace, { name: 'ns' })
    assert.deepEqual([marked.status.phase, marked.spec.finalizers], ['Terminating', ['kubernetes']])
    await client.update(Namespace, { ...marked, spec: {} })
    await client.delete(Namespace, { name: 'ns' })
    assert.deepEqual(await client.get(Namespace, { name: 'ns' }), marked)
    await server.update(Namespace, { name: 'ns' }, { ...marked, spec: {} }, { ...byTester, subresource: 'finalize' })
    assert.equal(await refusal(client.get(Namespace, { name: 'ns' })), '404 NotFound: namespaces "ns" not found')
  })
})
