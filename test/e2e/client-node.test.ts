// The official JavaScript client, unmodified: typed calls, patches, watches and informers.
import assert from 'node:assert/strict'
import {
  CoreV1Api,
  KubeConfig,
  makeInformer,
  NodeV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { eventually } from '../../src/testing/eventually.ts'
import { seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'

const namespace = 'default'
let server: TestServer
let config: KubeConfig
let core: CoreV1Api

beforeAll(async () => {
  server = await startTestServer()
  await seedDefaultNamespace(server.api.client('tester'))
  config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
  core = config.makeApiClient(CoreV1Api)
})
afterAll(async () => {
  await server.close()
  assert.deepEqual(server.logged, [])
})

const map = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({
  metadata: { name, labels: { by: 'client-node' } },
  data,
})

describe('@kubernetes/client-node', () => {
  it('creates, lists in pages, patches and deletes', async () => {
    for (const name of ['a', 'b', 'c']) await core.createNamespacedConfigMap({ namespace, body: map(name) })
    const page = await core.listNamespacedConfigMap({ namespace, labelSelector: 'by=client-node', limit: 2 })
    assert.deepEqual(
      page.items.map(({ metadata }) => metadata?.name),
      ['a', 'b'],
    )
    const rest = await core.listNamespacedConfigMap({
      namespace,
      labelSelector: 'by=client-node',
      limit: 2,
      ...(page.metadata?._continue ? { _continue: page.metadata._continue } : {}),
    })
    assert.equal(rest.items[0]?.metadata?.name, 'c')
    const body = { data: { x: '1' } }
    const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch)
    const patched = await core.patchNamespacedConfigMap({ name: 'a', namespace, body }, options)
    assert.deepEqual(patched.data, { x: '1' })
    const gone = await core.deleteNamespacedConfigMap({ name: 'a', namespace })
    assert.equal(gone.status, 'Success')
  })

  it('reads dates, and errors with their status', async () => {
    const { metadata } = await core.readNamespacedConfigMap({ name: 'b', namespace })
    assert.ok(metadata?.creationTimestamp instanceof Date)
    await assert.rejects(core.readNamespacedConfigMap({ name: 'none', namespace }), {
      code: 404,
      body: /configmaps \\?"none\\?" not found/,
    })
  })

  it('finds versions and RuntimeClasses', async () => {
    assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, '32')
    assert.deepEqual((await config.makeApiClient(NodeV1Api).listRuntimeClass()).items, [])
  })

  it('watches and keeps an informer', async () => {
    const seen: string[] = []
    const watch = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { fieldSelector: 'metadata.name=watched' },
      (type, object: V1ConfigMap) => seen.push(`${type} ${object.metadata?.name}`),
      () => undefined,
    )
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
      core.listNamespacedConfigMap({ namespace }),
    )
    const informed: string[] = []
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, (object) => informed.push(`${verb} ${object.metadata?.name}`))
    informer.on('error', () => undefined)
    await informer.start()
    try {
      await core.createNamespacedConfigMap({ namespace, body: map('watched') })
      await core.replaceNamespacedConfigMap({ name: 'watched', namespace, body: map('watched', { x: '2' }) })
      await core.deleteNamespacedConfigMap({ name: 'watched', namespace })
      await eventually(() => seen.length === 3 && informed.includes('delete watched'))
      assert.deepEqual(seen, ['ADDED watched', 'MODIFIED watched', 'DELETED watched'])
      assert.deepEqual(
        informed.filter((said) => said.endsWith(' watched')),
        ['add watched', 'update watched', 'delete watched'],
      )
    } finally {
      await informer.stop()
      watch.abort()
    }
  })
})
