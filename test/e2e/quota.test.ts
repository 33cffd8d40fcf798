// Quotas and limit ranges with kubectl on a whole cluster of simulated nodes: what fits, what is refused, and what is told.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Pod } from '../../src/api/core/pod.ts'
import { ResourceQuota } from '../../src/api/core/resource-quota.ts'
import { statusOf } from '../../src/api/status.ts'
import { clientFromKubeconfig } from '../../src/client/http.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { openLmdbStore } from '../../src/store/lmdb.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { run } from './polypod.ts'

const classOf = (name: string, more: object) => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: name },
  ...more,
})
const podOf = (namespace: string, name: string, cpu: string, more: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name } },
  spec: { containers: [{ name: 'main', image: 'busybox', resources: { requests: { cpu } } }], ...more },
})
const list = (...items: object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

/** Resolves to `status.used` once the quota has been counted. */
const usedOf = (cluster: Cluster, namespace: string, name = 'q') =>
  eventually(async () => (await cluster.client.get(ResourceQuota, { namespace, name })).status.used)

const usedBecomes = (cluster: Cluster, namespace: string, want: object) =>
  eventually(async () => {
    assert.deepEqual(await usedOf(cluster, namespace), want)
    return true
  })

for (const { name, path, missing } of await kubectlBinaries())
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let cluster: Cluster
    beforeAll(async () => {
      cluster = await startCluster({ nodes: 2, handlers: ['runc', 'runv'] })
    })
    afterAll(() => cluster.close())

    const said = (args: string, input = '') => run(path, ['--kubeconfig', cluster.kubeconfig, ...args.split(' ')], { input })
    const out = async (args: string, input = ''): Promise<string> => {
      const { code, stdout, stderr } = await said(args, input)
      assert.equal(code, 0, `kubectl ${args}: ${stderr}`)
      return stdout
    }

    it('fits as many Pods of each class under a quota as their cpu and overhead allow', async () => {
      const overhead = { podFixed: { cpu: '250m', memory: '120Mi' } }
      await out('create -f -', list(classOf('runc', {}), classOf('runv', { overhead })))
      // by hand: 2 / 500m = 4, and floor(2 / (500m + 250m)) = 2 with 1500m taken
      const fits = [
        { runtime: 'runc', count: 4, asked: '500m', used: '2' },
        { runtime: 'runv', count: 2, asked: '750m', used: '1500m' },
      ]
      for (const { runtime, count, asked, used } of fits) {
        await out(`create ns of-${runtime}`)
        await out(`create quota q --hard=requests.cpu=2 -n of-${runtime}`)
        assert.deepEqual(await usedOf(cluster, `of-${runtime}`), { 'requests.cpu': '0' })
        const pods = Array.from({ length: 6 }, (_, i) => podOf(`of-${runtime}`, `p${i}`, '500m', { runtimeClassName: runtime }))
        const { code, stdout, stderr } = await said('create -f -', list(...pods))
        const refusals = pods
          .slice(count)
          .map(
            ({ metadata }) =>
              `Error from server (Forbidden): pods "${metadata.name}" is forbidden: exceeded quota: q, requested: requests.cpu=${asked}, used: requests.cpu=${used}, limited: requests.cpu=2\n`,
          )
        // newer ones say where it came from
        assert.deepEqual([code, stderr.replaceAll(/error when creating "[^"]*": /g, '')], [1, refusals.join('')])
        assert.equal(stdout, Array.from({ length: count }, (_, i) => `pod/p${i} created\n`).join(''))
        assert.deepEqual(await usedOf(cluster, `of-${runtime}`), { 'requests.cpu': used })
        await eventually(async () => {
          const { items } = await cluster.client.list(Pod, { namespace: `of-${runtime}` })
          return items.length === count && items.every(({ status }) => status.phase === 'Running')
        })
      }
      await out('delete pod p0 -n of-runv --grace-period=0 --force')
      await usedBecomes(cluster, 'of-runv', { 'requests.cpu': '750m' })
    })

    it('describes and lists quotas, and takes scopes', async () => {
      await out('create ns told')
      await out('create quota q --hard=pods=3,requests.cpu=1,limits.cpu=2,count/secrets=9 -n told')
      await out('create quota best --hard=pods=1 --scopes=BestEffort -n told')
      await usedBecomes(cluster, 'told', { pods: '0', 'requests.cpu': '0', 'limits.cpu': '0', 'count/secrets': '0' })
      const resources = { requests: { cpu: '250m' }, limits: { cpu: '500m' } }
      await out('create -f -', list(podOf('told', 'p', '1', { containers: [{ name: 'main', image: 'busybox', resources }] })))
      const lines = (text: string) => text.split('\n').map((line) => line.trim().split(/ {2,}/).join('|'))
      assert.deepEqual(lines(await out('describe quota q -n told')).filter(Boolean), [
        ...['Name:|q', 'Namespace:|told', 'Resource|Used|Hard', '--------|----|----'],
        ...['count/secrets|0|9', 'limits.cpu|500m|2', 'pods|1|3', 'requests.cpu|250m|1'],
      ])
      assert.match(await out('describe quota best -n told'), /Scopes: +BestEffort\n[^]*\npods +0 +1\n/)
      const [, , row = ''] = lines(await out('get quota -n told'))
      assert.match(row, /^q\|count\/secrets: 0\/9, pods: 1\/3, requests.cpu: 250m\/1\|limits.cpu: 500m\/2\|\d+s$/)
      const { stderr } = await said('create quota odd --hard=secrets=1 --scopes=BestEffort -n told')
      assert.match(stderr, /spec.scopes: Invalid value: \["BestEffort"\]: unsupported scope applied to resource/)
      assert.match(await out('describe ns told'), /Resource Quotas\n[^]*Name: +q\n[^]*pods +1 +3\n/)
    })

    it('fills in and enforces limit ranges, and describes them', async () => {
      await out('create ns bounded')
      const limits = [
        { type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } },
        { type: 'Pod', max: { cpu: '1500m' } },
      ]
      const metadata = { name: 'bounds', namespace: 'bounded' }
      await out('create -f -', list({ apiVersion: 'v1', kind: 'LimitRange', metadata, spec: { limits } }))
      assert.match(
        await out('describe limits -n bounded'),
        /Container +cpu +- +1 +100m +500m +-\n *Pod +cpu +- +1500m +- +- +-\n/,
      )
      assert.match(await out('get limits -n bounded'), /^NAME +CREATED AT\nbounds +\d{4}-\d\d-\d\dT/)
      const bare = (name: string, ...containers: string[]) =>
        podOf('bounded', name, '1', {
          containers: containers.map((c) => ({ name: c, image: 'busybox' })),
          runtimeClassName: 'runv',
        })
      await out('create quota q --hard=requests.cpu=1 -n bounded')
      assert.deepEqual(await usedOf(cluster, 'bounded'), { 'requests.cpu': '0' })
      await out('create -f -', list(bare('one', 'main')))
      assert.deepEqual(await usedOf(cluster, 'bounded'), { 'requests.cpu': '350m' })
      const { metadata: stored } = await cluster.client.get(Pod, { namespace: 'bounded', name: 'one' })
      assert.equal(
        stored.annotations?.['kubernetes.io/limit-ranger'],
        'LimitRanger plugin set: cpu request for container main; cpu limit for container main',
      )
      const { stderr } = await said('create -f -', list(bare('four', 'a', 'b', 'c', 'd')))
      assert.match(stderr, /pods "four" is forbidden: maximum cpu usage per Pod is 1500m, but limit is 2\n$/)
    })

    it('refuses Pods that do not say what the quota limits, whatever their overhead', async () => {
      await out('create ns silent')
      await out('create quota q --hard=cpu=1,memory=1Gi -n silent')
      await usedOf(cluster, 'silent')
      const containers = ['b', 'a'].map((c) => ({ name: c, image: 'busybox' }))
      const { stderr } = await said('create -f -', list(podOf('silent', 'p', '1', { containers, runtimeClassName: 'runv' })))
      assert.match(stderr, /pods "p" is forbidden: failed quota: q: must specify cpu for: a,b; memory for: a,b\n$/)
    })
  })

describe('200 creates at once', () => {
  it('come to 50 Pods under a quota of 50, over HTTP, without an error of the server', async () => {
    await using cluster = await startCluster()
    const client = await clientFromKubeconfig(cluster.kubeconfig)
    try {
      const metadata = { name: 'q', namespace: 'default' }
      await client.create(ResourceQuota, {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata,
        spec: { hard: { pods: '50' } },
        status: {},
      })
      assert.deepEqual(await usedOf(cluster, 'default'), { pods: '0' })
      const create = async (i: number): Promise<number> => {
        const pod = Pod.decode(podOf('default', `p${i}`, '1m'), { unknown: [] })
        return client.create(Pod, pod).then(
          () => 201,
          (error: unknown) => statusOf(error)?.code ?? 0,
        )
      }
      const codes = await Promise.all(Array.from({ length: 200 }, (_, i) => create(i)))
      const count = (code: number) => codes.filter((other) => other === code).length
      assert.deepEqual([count(201), count(403), codes.length], [50, 150, 200])
      assert.equal((await client.list(Pod, { namespace: 'default' })).items.length, 50)
      assert.deepEqual(await usedOf(cluster, 'default'), { pods: '50' })
      await client.deleteCollection(Pod, { namespace: 'default' }, { gracePeriodSeconds: 0 })
      await usedBecomes(cluster, 'default', { pods: '0' })
    } finally {
      await client.close()
    }
  })
})

describe('a restart', () => {
  it('counts every quota anew', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quota-'))
    try {
      const open = async () => startCluster({ store: await openLmdbStore({ path: join(folder, 'db') }) })
      {
        await using before = await open()
        const metadata = { name: 'q', namespace: 'default' }
        const hard = { pods: '5', 'requests.cpu': '1' }
        await before.client.create(ResourceQuota, {
          apiVersion: 'v1',
          kind: 'ResourceQuota',
          metadata,
          spec: { hard },
          status: {},
        })
        await usedOf(before, 'default')
        await before.client.create(Pod, Pod.decode(podOf('default', 'p', '250m'), { unknown: [] }))
        const quota = await before.client.get(ResourceQuota, metadata)
        assert.deepEqual(quota.status.used, { pods: '1', 'requests.cpu': '250m' })
        const status = { hard, used: { pods: '4', 'requests.cpu': '9' } }
        await before.client.update(ResourceQuota, { ...quota, status }, { subresource: 'status' })
        assert.deepEqual(await usedOf(before, 'default'), status.used)
      }
      await using after = await open()
      await usedBecomes(after, 'default', { pods: '1', 'requests.cpu': '250m' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
