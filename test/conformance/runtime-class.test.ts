// RuntimeClass as Kubernetes' own end-to-end suite asks for it, through the official JavaScript client.
// Needs only a cluster: the one KUBECONFIG_CONFORMANCE names, else a simulated one of ours.
import assert from 'node:assert/strict'
import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { eventually } from '../../src/testing/eventually.ts'

let own: Cluster | undefined
let core: k8s.CoreV1Api
let node: k8s.NodeV1Api
let config: k8s.KubeConfig
const run = Math.random().toString(36).slice(2, 8)
const namespace = `conformance-${run}`

beforeAll(async () => {
  const given = process.env.KUBECONFIG_CONFORMANCE
  if (given === undefined) own = await startCluster({ handlers: ['runc', 'test-handler'] })
  config = new k8s.KubeConfig()
  config.loadFromFile(given ?? own?.kubeconfig ?? '')
  core = config.makeApiClient(k8s.CoreV1Api)
  node = config.makeApiClient(k8s.NodeV1Api)
  await core.createNamespace({ body: { metadata: { name: namespace } } })
  // what the suite's framework waits for in a fresh namespace
  await eventually(() => core.readNamespacedServiceAccount({ namespace, name: 'default' }))
  await eventually(() => core.readNamespacedConfigMap({ namespace, name: 'kube-root-ca.crt' }))
}, 30_000)

afterAll(async () => {
  const mine = await node.listRuntimeClass({ labelSelector: `run=${run}` })
  for (const { metadata } of mine.items) await node.deleteRuntimeClass({ name: metadata?.name ?? '' })
  await core.deleteNamespace({ name: namespace })
  await own?.close()
})

const labels = { run }
const classOf = (name: string, more: Partial<k8s.V1RuntimeClass> = {}): k8s.V1RuntimeClass => ({
  metadata: { name: `${name}-${run}`, labels },
  handler: 'test-handler',
  ...more,
})
const podOf = (runtimeClassName: string, spec: Partial<k8s.V1PodSpec> = {}): k8s.V1Pod => ({
  metadata: { generateName: `test-runtimeclass-${runtimeClassName}-` },
  spec: {
    runtimeClassName,
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    containers: [{ name: 'test', image: 'polypod.dev/busybox:1', command: ['true'] }],
    ...spec,
  },
})
const codeOf = (error: unknown): number | undefined => (error as { code?: number }).code
const isForbidden = (error: unknown) => codeOf(error) === 403
const rejected = (pod: k8s.V1Pod) =>
  assert.rejects(core.createNamespacedPod({ namespace, body: pod, dryRun: 'All' }), isForbidden)

async function scheduled(pod: k8s.V1Pod): Promise<k8s.V1Pod> {
  const created = await core.createNamespacedPod({ namespace, body: pod })
  const name = created.metadata?.name ?? ''
  return eventually(async () => {
    const seen = await core.readNamespacedPod({ namespace, name })
    return seen.spec?.nodeName ? seen : undefined
  })
}

describe('RuntimeClass', () => {
  it('should reject a Pod requesting a non-existent RuntimeClass', () => rejected(podOf(`nonexistent-${run}`)))

  it('should schedule a Pod requesting a RuntimeClass without PodOverhead', async () => {
    const { metadata } = await node.createRuntimeClass({ body: classOf('plain') })
    const pod = await scheduled(podOf(metadata?.name ?? ''))
    assert.equal(pod.spec?.overhead, undefined)
  })

  it('should schedule a Pod requesting a RuntimeClass and initialize its Overhead', async () => {
    const podFixed = { cpu: '10m', memory: '1Mi' }
    const { metadata } = await node.createRuntimeClass({ body: classOf('overhead', { overhead: { podFixed } }) })
    const pod = await scheduled(podOf(metadata?.name ?? ''))
    assert.deepEqual(pod.spec?.overhead, podFixed)
  })

  it('should run a Pod requesting a RuntimeClass with a configured handler', async (context) => {
    if (!own) return context.skip('only where the handler is known to be there')
    const { metadata } = await node.createRuntimeClass({ body: classOf('runs') })
    const created = await core.createNamespacedPod({ namespace, body: podOf(metadata?.name ?? '') })
    await eventually(async () => {
      const seen = await core.readNamespacedPod({ namespace, name: created.metadata?.name ?? '' })
      return seen.status?.phase === 'Succeeded'
    })
  })

  it('should reject a Pod requesting a deleted RuntimeClass', async () => {
    const name = `deleted-${run}`
    await node.createRuntimeClass({ body: classOf('deleted') })
    await node.deleteRuntimeClass({ name })
    await assert.rejects(node.readRuntimeClass({ name }), (error) => codeOf(error) === 404)
    await eventually(() => rejected(podOf(name)).then(() => true))
  })

  it('should reject a Pod requesting a RuntimeClass with conflicting node selector', async () => {
    const scheduling = { nodeSelector: { foo: 'conflict' } }
    const { metadata } = await node.createRuntimeClass({ body: classOf('conflict', { scheduling }) })
    await rejected(podOf(metadata?.name ?? '', { nodeSelector: { foo: 'bar' } }))
  })

  it('should merge the node selector and the tolerations of the class', async () => {
    const toleration = { key: 'foo', operator: 'Equal', value: 'bar', effect: 'NoSchedule' }
    const scheduling = { nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [toleration] }
    const { metadata } = await node.createRuntimeClass({ body: classOf('merged', { scheduling }) })
    const pod = await scheduled(podOf(metadata?.name ?? '', { nodeSelector: { 'kubernetes.io/arch': 'amd64' } }))
    assert.deepEqual(pod.spec?.nodeSelector, { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' })
    const keys = (pod.spec?.tolerations ?? []).map((t) => t.key)
    assert.ok(keys.includes('foo'), JSON.stringify(keys))
  })
})

describe('RuntimeClasses API operations', () => {
  it('should be discovered', async () => {
    const group = await config.makeApiClient(k8s.NodeApi).getAPIGroup()
    assert.deepEqual([group.name, group.preferredVersion?.version], ['node.k8s.io', 'v1'])
    const { resources } = await node.getAPIResources()
    const found = resources.find((resource) => resource.name === 'runtimeclasses')
    assert.deepEqual([found?.kind, found?.namespaced], ['RuntimeClass', false])
  })

  it('should create, get, list, watch, patch, update and delete', async () => {
    const label = { test: 'operations', run }
    const named = (n: number) => classOf(`ops-${n}`, { metadata: { name: `ops-${n}-${run}`, labels: label } })
    const selector = `test=operations,run=${run}`
    const first = await node.createRuntimeClass({ body: named(1) })
    await assert.rejects(node.createRuntimeClass({ body: named(1) }), (error) => codeOf(error) === 409)
    const list = await node.listRuntimeClass({ labelSelector: selector })
    const seen: string[] = []
    const watch = await new k8s.Watch(config).watch(
      '/apis/node.k8s.io/v1/runtimeclasses',
      { labelSelector: selector, resourceVersion: list.metadata?.resourceVersion },
      (type: string, object: k8s.V1RuntimeClass) => void seen.push(`${type} ${object.metadata?.name}`),
      () => {},
    )
    await node.createRuntimeClass({ body: named(2) })
    await node.createRuntimeClass({ body: named(3) })
    assert.equal((await node.readRuntimeClass({ name: `ops-1-${run}` })).metadata?.uid, first.metadata?.uid)
    assert.equal((await node.listRuntimeClass({ labelSelector: selector })).items.length, 3)

    const body = { metadata: { annotations: { patched: 'true' } } }
    const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch)
    const patched = await node.patchRuntimeClass({ name: `ops-1-${run}`, body }, merge)
    assert.equal(patched.metadata?.annotations?.patched, 'true')
    patched.metadata!.annotations = { ...patched.metadata?.annotations, updated: 'true' }
    const updated = await node.replaceRuntimeClass({ name: `ops-1-${run}`, body: patched })
    assert.equal(updated.metadata?.annotations?.updated, 'true')
    await eventually(() => seen.length >= 4)
    watch.abort()
    assert.deepEqual(seen, [`ADDED ops-2-${run}`, `ADDED ops-3-${run}`, `MODIFIED ops-1-${run}`, `MODIFIED ops-1-${run}`])

    await node.deleteRuntimeClass({ name: `ops-1-${run}` })
    await assert.rejects(node.readRuntimeClass({ name: `ops-1-${run}` }), (error) => codeOf(error) === 404)
    assert.equal((await node.listRuntimeClass({ labelSelector: selector })).items.length, 2)
    await node.deleteCollectionRuntimeClass({ labelSelector: selector })
    assert.equal((await node.listRuntimeClass({ labelSelector: selector })).items.length, 0)
  })
})
