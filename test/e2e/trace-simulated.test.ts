// The trace through a kubeconfig alone, on a cluster whose nodes are simulated: what is not real says so.
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Pod } from '../../src/api/core/pod.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import { traceOf } from '../../src/cli/trace.ts'
import { clientFromKubeconfig, type HttpClient } from '../../src/client/http.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { refusal } from '../../src/testing/refusal.ts'

describe('trace on simulated nodes', () => {
  let cluster: Cluster
  let client: HttpClient
  const create = (name: string, spec: object = {}) => {
    const containers = [{ name: 'main', image: 'busybox' }]
    return client.create(
      Pod,
      Pod.decode({ metadata: { name, namespace: 'default' }, spec: { containers, ...spec } }, { unknown: [] }),
    )
  }
  const traced = (name: string) => traceOf(client, { namespace: 'default', name }, { exec: true })
  beforeAll(async () => {
    cluster = await startCluster({ nodes: 2, handlers: ['runc', 'kata'] })
    client = await clientFromKubeconfig(cluster.kubeconfig)
    const overhead = { podFixed: { memory: '1Mi' } }
    await client.create(
      RuntimeClass,
      RuntimeClass.decode({ metadata: { name: 'vm' }, handler: 'kata', overhead }, { unknown: [] }),
    )
  })
  afterAll(async () => {
    await client?.close()
    await cluster?.close()
  })

  it('tells decisions in full, and of the node what the kubelet asked for', async () => {
    await create('web', { runtimeClassName: 'vm' })
    await eventually(async () => (await client.get(Pod, { namespace: 'default', name: 'web' })).status.phase === 'Running')
    const { steps, calls, missing } = (await traced('web')) ?? assert.fail('no trace')
    assert.deepEqual(
      steps.map(({ name, state }) => [name, state]),
      [
        ['admission', 'done'],
        ['scheduling', 'done'],
        ['kubelet', 'done'],
        ['containerd', 'unknown'],
        ['shim', 'unknown'],
      ],
    )
    assert.equal(steps[0]?.summary, 'class vm means handler kata; it brought overhead memory=1Mi')
    assert.match(steps[1]?.summary ?? '', /^node-[12]: looked at 2 nodes, 2 fit; score [\d.]+, /)
    assert.match(
      steps[2]?.summary ?? '',
      /^class vm resolved to handler "kata"; RunPodSandbox\(runtime_handler: "kata"\) made sandbox /,
    )
    assert.equal(steps[4]?.summary, 'simulated: nothing real runs this Pod')
    assert.deepEqual([calls, missing], [[], []])
  })

  it('tells why a Pod waits', async () => {
    await create('huge', { containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '9000' } } }] })
    const scheduling = await eventually(async () =>
      (await traced('huge'))?.steps.find(({ step, state }) => step === 2 && state === 'failed'),
    )
    assert.match(scheduling.summary, /^0\/2 nodes are available: 2 Insufficient cpu/)
    assert.deepEqual((await traced('huge'))?.steps[2]?.summary, 'no node has the Pod yet')
  })

  it('knows no Pod that is not there', async () => {
    assert.equal(await traced('nobody'), undefined)
  })

  it('reaches kubelets through nodes/proxy, as upstream has it', async () => {
    const refused = (path: string) => refusal(client.getPath(`/api/v1/nodes/${path}`))
    assert.equal(await refused('node-1/proxy/nothing/here'), '404 NotFound: 404 page not found')
    assert.equal(await refused('nobody/proxy/healthz'), '404 NotFound: nodes "nobody" not found')
    const summary = (await client.getPath('/api/v1/nodes/node-2/proxy/stats/summary')) as {
      node: { nodeName: string }
    }
    assert.equal(summary.node.nodeName, 'node-2')
  })
})
