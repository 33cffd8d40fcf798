// The ledger's check on a healthy cluster that is never left alone, and on one where errors were planted.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'vitest'
import { Event } from '../../src/api/core/event.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { ResourceQuota } from '../../src/api/core/resource-quota.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import { checkText, ledgerCheck } from '../../src/cli/ledger-check.ts'
import type { Client } from '../../src/client/client.ts'
import { dataDirAt } from '../../src/cluster/data-dir.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { disagreementKinds, disagreementText } from '../../src/ledger/check.ts'
import { openLmdbStore } from '../../src/store/lmdb.ts'
import { objectOf } from '../../src/testing/control-plane.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { cliCluster, polypod, run } from './polypod.ts'

const handlers = ['runc', 'kata', 'gvisor']
const seed = Number(process.env.LEDGER_SEED ?? 20_261_123)

/** mulberry32: the same numbers for the same seed. */
function numbers(from: number): (below: number) => number {
  let state = from
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

/** What the test itself knows, apart from everything that is checked. */
interface Known {
  /** By class; undefined: it declares none. */
  declared: Map<string, string | undefined>
  /** By Pod: its class, and the cpu of its overhead. */
  pods: Map<string, { className: string; overhead: string | undefined }>
  made: number
}

type Act = (client: Client, known: Known, below: (most: number) => number) => Promise<void>

const overheadOf = (cpu: string | undefined) => (cpu === undefined ? {} : { overhead: { podFixed: { cpu } } })
const classObject = (name: string, cpu: string | undefined) =>
  objectOf(RuntimeClass, { metadata: { name }, handler: name, ...overheadOf(cpu) })
const pick = <T>(of: Iterable<T>, below: (most: number) => number): T | undefined => [...of].at(below([...of].length))

const createPod: Act = async (client, known, below) => {
  const className = handlers[below(3)] ?? ''
  const name = `pod-${++known.made}`
  const requests = { cpu: `${5 + below(20)}m`, memory: `${1 + below(20)}Mi` }
  const resources = { requests, limits: below(2) === 0 ? { cpu: '50m' } : requests }
  const spec = {
    runtimeClassName: className,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image: 'i', resources }],
  }
  const made = await client.create(
    Pod,
    objectOf(Pod, { metadata: { name, namespace: below(2) === 0 ? 'default' : 'kube-public' }, spec }),
  )
  known.pods.set(`${made.metadata.namespace}/${name}`, { className, overhead: made.spec.overhead?.cpu })
}

const refOf = (key: string) => ({ namespace: key.split('/')[0], name: key.split('/')[1] ?? '' })

const deletePod: Act = async (client, { pods }, below) => {
  const key = pick(pods.keys(), below)
  if (key === undefined) return
  await client.delete(Pod, refOf(key))
  pods.delete(key)
}

const patchPod: Act = async (client, { pods }, below) => {
  const key = pick(pods.keys(), below)
  if (key !== undefined)
    await client.patch(Pod, refOf(key), { type: 'merge', body: { metadata: { labels: { turn: String(below(9)) } } } })
}

const editClass: Act = async (client, { declared }, below) => {
  const name = handlers[1 + below(2)] ?? ''
  const cpu = `${1 + below(8)}m`
  await client.patch(RuntimeClass, { name }, { type: 'merge', body: { overhead: { podFixed: { cpu } } } })
  declared.set(name, cpu)
}

const replaceClass: Act = async (client, { declared }, below) => {
  const name = handlers[1 + below(2)] ?? ''
  const cpu = below(3) === 0 ? undefined : `${1 + below(8)}m`
  await client.delete(RuntimeClass, { name })
  await client.create(RuntimeClass, classObject(name, cpu))
  declared.set(name, cpu)
}

const acts: readonly Act[] = [
  ...Array<Act>(9).fill(createPod),
  ...Array<Act>(8).fill(deletePod),
  patchPod,
  patchPod,
  editClass,
  replaceClass,
]

const hard = { pods: '200', 'requests.cpu': '20', 'requests.memory': '20Gi', 'limits.cpu': '20', 'count/pods': '300' }
const createQuotas = async (client: Client): Promise<void> => {
  for (const namespace of ['default', 'kube-public'])
    await client.create(ResourceQuota, objectOf(ResourceQuota, { metadata: { name: 'all', namespace }, spec: { hard } }))
  await eventually(async () => (await client.list(ResourceQuota)).items.every(({ status }) => status.used !== undefined))
}

const stale = ({ pods, declared }: Known): string[] =>
  [...pods]
    .filter(([, { className, overhead }]) => overhead !== declared.get(className))
    .map(([key]) => `Pod ${key}`)
    .toSorted()

const check = (cluster: Cluster) => ledgerCheck(dataDirAt(dirname(cluster.kubeconfig)))

describe('the ledger checks itself', () => {
  it(`finds nothing wrong through 1,000 random operations with restarts between (seed ${seed})`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'polypod-ledger-'))
    const below = numbers(seed)
    const known: Known = {
      declared: new Map([
        ['runc', undefined],
        ['kata', '5m'],
        ['gvisor', '3m'],
      ]),
      pods: new Map(),
      made: 0,
    }
    try {
      for (let start = 0; start < 5; start += 1) {
        await using cluster = await startCluster({ store: await openLmdbStore({ path: folder }), nodes: 3, handlers })
        if (start === 0) await createQuotas(cluster.client)
        if (start === 0)
          for (const name of handlers) await cluster.client.create(RuntimeClass, classObject(name, known.declared.get(name)))
        for (let n = 0; n < 200; n += 1) await acts[below(acts.length)]?.(cluster.client, known, below)
        // only what was edited shows, each Pod of it by name
        const found = await check(cluster)
        assert.deepEqual(found.compared, ['api', 'quota', 'scheduler', 'kubelet'])
        assert.deepEqual(
          found.disagreements.filter(({ kind }) => kind !== 'StaleOverhead'),
          [],
        )
        const named = found.disagreements.flatMap(({ causes }) => causes.filter((cause) => cause.startsWith('Pod ')))
        assert.deepEqual(named.toSorted(), stale(known))
        // recycled, nothing is left
        for (const text of stale(known)) {
          await cluster.client.delete(Pod, refOf(text.slice('Pod '.length)))
          known.pods.delete(text.slice('Pod '.length))
        }
        assert.deepEqual((await check(cluster)).disagreements.map(disagreementText), [])
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('names what was planted in a live cluster, and exits with 1', async () => {
    await using cluster = await cliCluster(['--simulated', '--handlers', 'kata'])
    const healthy = await polypod('ledger', '--check', '--data-dir', cluster.dataDir)
    assert.deepEqual(
      [healthy.code, healthy.stdout],
      [0, 'The ledger agrees everywhere: 0 Pods, 1 nodes; compared: API, quotas, scheduler, kubelets.\n'],
    )
    const kata = (cpu: string) =>
      `apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: kata}\nhandler: kata\noverhead: {podFixed: {cpu: ${cpu}}}\n`
    await cluster.kubectl(['apply', '-f', '-'], kata('100m'))
    await cluster.kubectl(
      ['apply', '-f', '-'],
      'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {runtimeClassName: kata, containers: [{name: c, image: i}]}\n',
    )
    await eventually(async () => (await cluster.kubectl(['get', 'pod', 'web', '-o', 'jsonpath={.status.phase}'])) === 'Running')
    await cluster.kubectl(['apply', '-f', '-'], kata('150m'))
    const { code, stdout } = await polypod('ledger', '--check', '--data-dir', cluster.dataDir)
    assert.equal(code, 1)
    assert.equal(
      stdout,
      [
        '1 disagreement; compared: API, quotas, scheduler, kubelets.',
        'StaleOverhead: Namespace default: overhead of RuntimeClass kata: expected cpu=150m, found cpu=100m (RuntimeClass kata, Pod default/web)\n',
      ].join('\n'),
    )
  })

  it('looks by itself when a cluster starts, and says in an Event and a metric what lasts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'polypod-ledger-'))
    const start = async () => startCluster({ store: await openLmdbStore({ path: folder }), handlers })
    try {
      {
        await using first = await start()
        await first.client.create(RuntimeClass, classObject('kata', '5m'))
        const spec = { runtimeClassName: 'kata', containers: [{ name: 'c', image: 'i' }] }
        await first.client.create(Pod, objectOf(Pod, { metadata: { name: 'web', namespace: 'default' }, spec }))
        await first.client.patch(
          RuntimeClass,
          { name: 'kata' },
          { type: 'merge', body: { overhead: { podFixed: { cpu: '6m' } } } },
        )
      }
      await using cluster = await start()
      const said = await eventually(async () => {
        const found = (await cluster.client.list(Event)).items.filter(({ reason }) => reason === 'LedgerDisagreement')
        return found.length > 0 ? found : undefined
      }, 30_000)
      assert.deepEqual(
        said.map(({ involvedObject, type, message }) => [involvedObject.kind, involvedObject.name, type, message]),
        [
          [
            ...['Namespace', 'default', 'Warning'],
            'StaleOverhead: Namespace default: overhead of RuntimeClass kata: expected cpu=6m, found cpu=5m (RuntimeClass kata, Pod default/web)',
          ],
        ],
      )
      const { stdout } = await run('kubectl', ['--kubeconfig', cluster.kubeconfig, 'get', '--raw', '/metrics'])
      const samples = stdout.split('\n').filter((line) => line.startsWith('polypod_ledger_disagreements{'))
      assert.deepEqual(
        samples,
        disagreementKinds.map((kind) => `polypod_ledger_disagreements{kind="${kind}"} ${kind === 'StaleOverhead' ? 1 : 0}`),
      )
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 60_000)

  it('finds a quota whose status somebody wrote over, by as much as it is wrong', async () => {
    await using cluster = await startCluster({ handlers: ['runc'] })
    const { client } = cluster
    const metadata = { name: 'all', namespace: 'default' }
    await client.create(ResourceQuota, objectOf(ResourceQuota, { metadata, spec: { hard: { pods: '5', secrets: '9' } } }))
    await eventually(async () => (await client.get(ResourceQuota, metadata)).status.used?.pods === '0')
    const { resourceVersion: _any, ...written } = (await client.get(ResourceQuota, metadata)).metadata
    const used = { pods: '2', secrets: '1' }
    const wrong = { ...(await client.get(ResourceQuota, metadata)), metadata: written }
    await client.update(ResourceQuota, { ...wrong, status: { ...wrong.status, used } }, { subresource: 'status' })
    assert.deepEqual((await check(cluster)).disagreements, [
      {
        ...{ kind: 'QuotaDiffers', about: { kind: 'Namespace', name: 'default' }, what: 'pods of ResourceQuota all' },
        ...{ expected: '0', found: '2', causes: ['ResourceQuota default/all'] },
      },
      {
        ...{ kind: 'QuotaDiffers', about: { kind: 'Namespace', name: 'default' }, what: 'secrets of ResourceQuota all' },
        ...{ expected: '0', found: '1', causes: ['ResourceQuota default/all'] },
      },
    ])
  })

  it('finds a node whose allocatable is below what its Pods request', async () => {
    await using cluster = await startCluster({ handlers: ['runc'] })
    await cluster.client.create(
      Pod,
      objectOf(Pod, {
        metadata: { name: 'big', namespace: 'default' },
        spec: {
          containers: [
            {
              name: 'c',
              image: 'i',
              resources: { requests: { cpu: '10m', 'example.com/none': '1' }, limits: { 'example.com/none': '1' } },
            },
          ],
        },
      }),
    )
    // nobody who schedules would do this
    await cluster.client.createSubresource(Pod, { namespace: 'default', name: 'big' }, 'binding', {
      ...{ apiVersion: 'v1', kind: 'Binding', metadata: { name: 'big', namespace: 'default' } },
      target: { kind: 'Node', name: 'other' },
    })
    await cluster.client.create(
      Node,
      objectOf(Node, { metadata: { name: 'other' }, status: { allocatable: { cpu: '1', pods: '9' } } }),
    )
    const found = await check(cluster)
    assert.match(
      checkText(found),
      /AllocatableExceeded: Node other: example.com\/none: expected at most 0, found 1 \(Pod default\/big\)/,
    )
  })
})
