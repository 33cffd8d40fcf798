// A quota over two classes on real containers: what fits runs, what does not is refused, and the overhead made the difference.
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, run, whyNoContainers } from './polypod.ts'

const why = await whyNoContainers()

const pod = (name: string, runtimeClassName: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: {
    // with a grace of 0 the API would forget Pods whose cpu the kubelet still holds
    ...{ runtimeClassName, terminationGracePeriodSeconds: 1 },
    containers: [
      {
        ...{ name: 'main', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] },
        resources: { requests: { cpu: '450m' } },
      },
    ],
  },
})

describe.skipIf(why !== undefined)(`a quota on real containers${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: CliCluster
  beforeAll(async () => {
    cluster = await cliCluster([])
    const handlers = (await cluster.status()).nodes[0]?.handlers ?? []
    // the least alike handler there is: the class is what costs, not the program behind it
    const handler = ['gvisor', 'runc-v1', 'crun'].find((name) => handlers.includes(name)) ?? 'runc'
    const overhead = { podFixed: { cpu: '250m', memory: '120Mi' } }
    const items = [
      { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'runc' }, handler: 'runc' },
      { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'runv' }, handler, overhead },
    ]
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

  const used = async (namespace: string) =>
    (await cluster.kubectl(['get', 'quota', 'q', '-n', namespace, '-o', 'jsonpath={.status.used.requests\\.cpu}'])).trim()

  // by hand, of 2 cpus: floor(2 / 450m) = 4 with 1800m taken; floor(2 / (450m + 250m)) = 2 with 1400m taken
  for (const { runtime, fits, asked, taken } of [
    { runtime: 'runc', fits: 4, asked: '450m', taken: '1800m' },
    { runtime: 'runv', fits: 2, asked: '700m', taken: '1400m' },
  ])
    it(`lets ${fits} Pods of ${runtime} run under requests.cpu: 2`, async () => {
      const namespace = `of-${runtime}`
      await cluster.kubectl(['create', 'ns', namespace])
      await cluster.kubectl(['create', 'quota', 'q', '--hard=requests.cpu=2', '-n', namespace])
      await eventually(async () => (await used(namespace)) === '0')
      const names = Array.from({ length: fits + 1 }, (_, i) => `p${i}`)
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: names.map((name) => pod(name, runtime)) })
      const args = ['--kubeconfig', cluster.kubeconfig, 'create', '-n', namespace, '-f', '-']
      const { code, stderr } = await run('kubectl', args, { input })
      const refusal = `pods "p${fits}" is forbidden: exceeded quota: q, requested: requests.cpu=${asked}, used: requests.cpu=${taken}, limited: requests.cpu=2\n`
      assert.equal(code, 1)
      assert.ok(stderr.endsWith(refusal) && stderr.split('\n').length === 2, stderr)
      const running = names.slice(0, fits).map((name) => `pod/${name}`)
      await cluster.kubectl(['wait', '-n', namespace, '--for=condition=Ready', '--timeout=90s', ...running])
      assert.equal(await used(namespace), taken)
      await cluster.kubectl(['delete', 'pods', '--all', '-n', namespace, '--wait', '--timeout=60s'])
      await eventually(async () => (await used(namespace)) === '0')
    }, 150_000)
})
