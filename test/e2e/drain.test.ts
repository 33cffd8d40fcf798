// kubectl drain, a new one and an old one, on a simulated cluster: evictions, a budget in the way, and back again.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { PodDisruptionBudget } from '../../src/api/policy/pod-disruption-budget.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { podOf } from '../../src/testing/api-server.ts'
import { objectOf } from '../../src/testing/control-plane.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl } from './stream-stub.ts'

let cluster: Cluster
let cache: string

beforeEach(async () => {
  cluster = await startCluster({ nodes: 2 })
  cache = await mkdtemp(join(tmpdir(), 'drain-'))
})
afterEach(async () => {
  await cluster.close()
  await rm(cache, { recursive: true, force: true })
})

/** Pods that are ready on this node, all labelled `app: web`. */
async function runOn(nodeName: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const spec = { nodeSelector: { 'kubernetes.io/hostname': nodeName }, terminationGracePeriodSeconds: 0 }
    await cluster.client.create(Pod, podOf(name, { metadata: { labels: { app: 'web' } }, spec }))
  }
  await eventually(async () => {
    const { items } = await cluster.client.list(Pod, { namespace: 'default' })
    return items.every(({ status }) => status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
  })
}

const left = async () => (await cluster.client.list(Pod, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)

for (const { name, path, missing } of await kubectlBinaries())
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const run = async (...args: string[]) => {
      const said = await kubectl(path, [`--kubeconfig=${cluster.kubeconfig}`, `--cache-dir=${cache}`, ...args])
      return { code: said.code, out: said.stdout.toString(), err: said.stderr }
    }

    it('drains a node by evictions, and uncordons it', async () => {
      await runOn('node-1', ['a', 'b'])
      const drained = await run('drain', 'node-1', '--force')
      assert.equal(drained.code, 0, drained.err)
      assert.match(drained.out, /^evicting pod default\/a$|pod\/a evicted/m)
      assert.match(drained.out, /^pod\/b evicted$/m)
      assert.deepEqual(await left(), [])
      assert.equal((await cluster.client.get(Node, { name: 'node-1' })).spec.unschedulable, true)
      assert.match((await run('uncordon', 'node-1')).out, /node\/node-1 uncordoned/)
      await runOn('node-1', ['c'])
    })

    it('is held back by a budget, and goes on once it allows', async () => {
      const { client } = cluster
      await runOn('node-1', ['a', 'b'])
      const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } }
      const metadata = { name: 'web', namespace: 'default' }
      await client.create(PodDisruptionBudget, objectOf(PodDisruptionBudget, { metadata, spec }))
      await eventually(async () => (await client.get(PodDisruptionBudget, metadata)).status.disruptionsAllowed === 1)
      assert.match((await run('get', 'pdb')).out, /^web +1 +N\/A +1 /m)
      const held = await run('drain', 'node-1', '--force', '--timeout=3s')
      assert.equal(held.code, 1)
      assert.match(held.err, /Cannot evict pod as it would violate the pod's disruption budget\./)
      assert.equal((await left()).length, 1)
      await runOn('node-2', ['other'])
      const drained = await run('drain', 'node-1', '--force')
      assert.equal(drained.code, 0, drained.err)
      assert.deepEqual(await left(), ['other'])
    })
  })
