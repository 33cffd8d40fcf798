// `polypod explain` as somebody types it, and the same facts through the API for kubectl.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Namespace } from '../../src/api/core/namespace.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { ServiceAccount } from '../../src/api/core/service-account.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import type { PodExplanation } from '../../src/api/polypod/pod-explanation.ts'
import { type Cluster, startCluster } from '../../src/cluster/start-cluster.ts'
import { cases } from '../../src/testing/cases.ts'
import { objectOf } from '../../src/testing/control-plane.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { polypod, polypodPath, run } from './polypod.ts'

let cluster: Cluster
let folder: string
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
const manifest = (spec: object, metadata: object = { name: 'web' }) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polypod-explain-'))
  cluster = await startCluster({ nodes: 1, handlers: ['runc', 'kata'] })
  await eventually(() => cluster.client.get(ServiceAccount, { namespace: 'default', name: 'default' }))
  const spec = { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'c', image: 'i' }] }
  await cluster.client.create(Pod, objectOf(Pod, { metadata: { name: 'waits', namespace: 'default' }, spec }))
  await polypod('version')
})
afterAll(async () => {
  await cluster.close()
  await rm(folder, { recursive: true, force: true })
})

const explain = (...args: string[]) => polypod('explain', '--kubeconfig', cluster.kubeconfig, ...args)

describe('polypod explain', () => {
  it('says why, node by node, and what lets the Pod run; doing that makes it so', async () => {
    const { code, stdout, stderr } = await explain('pod', 'waits')
    assert.deepEqual(
      [code, stderr, stdout],
      [
        1,
        '',
        `Pod default/waits: Waits: no node fits (0 of 1)

Why:
  NodeAffinity: node-1: nodeSelector disk=ssd (from Pod): it has no label disk

It asks of a node:
  FIELD          VALUE      FROM
  nodeSelector   disk=ssd   Pod

NODE     FITS   WHY NOT
node-1   no     nodeSelector disk=ssd (from Pod): it has no label disk

Any one of these would let it run (admission, quotas and scheduling are checked):
  1. label node-1 with disk=ssd; it goes to node-1
       kubectl label node node-1 disk=ssd --overwrite
  2. remove disk=ssd from nodeSelector; the Pod has to be made anew for it; it goes to node-1
`,
      ],
    )
    await cluster.client.patch(Node, { name: 'node-1' }, { type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } })
    const runs = await eventually(async () => {
      const now = await explain('pod', 'waits')
      return now.stdout.startsWith('Pod default/waits: Runs: it runs on node-1\n') ? now : undefined
    }, 20_000)
    assert.equal(runs.code, 0)
    await cluster.client.patch(Node, { name: 'node-1' }, { type: 'merge', body: { metadata: { labels: { disk: null } } } })
  })

  it('tells a manifest that fits where it would run', async () => {
    const { code, stdout } = await explain('-f', await file('fits.json', manifest({})))
    assert.deepEqual(
      [code, stdout],
      [0, 'Pod default/web: Starts: it would run on node-1\n\nNODE     FITS   WHY NOT\nnode-1   yes\n'],
    )
  })

  it('says of a class that the namespace gave it, before and after the Pod is created', async () => {
    const annotations = { 'polypod.dev/default-runtime-class': 'vm' }
    await cluster.client.create(RuntimeClass, objectOf(RuntimeClass, { metadata: { name: 'vm' }, handler: 'kata' }))
    await cluster.client.create(Namespace, objectOf(Namespace, { metadata: { name: 'team', annotations } }))
    await eventually(() => cluster.client.get(ServiceAccount, { namespace: 'team', name: 'default' }))
    const path = await file('team.json', manifest({}, { name: 'web', namespace: 'team' }))
    const given = /^RuntimeClass vm \(from the namespace's default\), handler kata$/m
    assert.match((await explain('-f', path)).stdout, given)
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    await cluster.client.create(Pod, objectOf(Pod, { metadata: { name: 'web', namespace: 'team' }, spec }))
    assert.match((await explain('pod', 'web', '-n', 'team')).stdout, given)
    const { stdout } = await polypod('trace', 'pod', 'web', '-n', 'team', '--kubeconfig', cluster.kubeconfig)
    assert.match(stdout, /class vm \(from the namespace's default\) means handler kata/)
  })

  it('takes every Pod and template of a file, as JSON too', async () => {
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { nodeSelector: { disk: 'nvme' }, containers: [{ name: 'c', image: 'i' }] },
    }
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' }, spec: { template } }
    const text = `${manifest({})}\n---\n${JSON.stringify(deployment)}\n`
    const { code, stdout } = await explain('-f', await file('two.yaml', text), '-o', 'json')
    const found = (JSON.parse(stdout) as PodExplanation[]).map(({ metadata, status }) => [metadata.name, status?.verdict])
    assert.deepEqual(
      [code, found],
      [
        1,
        [
          ['web', 'Starts'],
          ['shop-', 'Waits'],
        ],
      ],
    )
  })

  it('reads standard input', async () => {
    const args = ['explain', '--kubeconfig', cluster.kubeconfig, '-f', '-']
    const { stdout } = await run(polypodPath, args, { input: manifest({ runtimeClassName: 'nope' }) })
    assert.match(stdout, /^Pod default\/web: Refused: it cannot be created\n[^]*RuntimeClass "nope" not found/)
  })

  const rows = [
    {
      name: 'a Pod that there is not',
      args: ['pod', 'nobody', '-n', 'default'],
      code: 1,
      says: /^polypod: there is no Pod nobody in namespace default: /,
    },
    { name: 'nothing asked for', args: [], code: 2, says: /^polypod: say which Pod: `polypod explain pod NAME`, or `-f FILE`/ },
    { name: 'another kind', args: ['node', 'node-1'], code: 2, says: /Allowed choices are pod, pods, po/ },
    {
      name: 'both a name and a file',
      args: ['pod', 'a', '-f', 'x'],
      code: 2,
      says: /^polypod: give either `pod NAME` or `-f FILE`, not both\n$/,
    },
    {
      name: 'a file that is not there',
      args: ['-f', '/nonexistent/pod.yaml'],
      code: 1,
      says: /^polypod: \/nonexistent\/pod.yaml cannot be read: ENOENT[^\n]*\n$/,
    },
    { name: 'a file that is no YAML', args: ['-f', 'FILE:a: [b'], code: 1, says: /^polypod: \S+ is no YAML: [^\n]*\n$/ },
    {
      name: 'a file without a Pod',
      args: ['-f', 'FILE:kind: Service'],
      code: 1,
      says: /^polypod: \S+ has no Pod in it, and nothing with a Pod template\n$/,
    },
    {
      name: 'a field that there is not',
      args: ['-f', `FILE:${manifest({ nodeSelectr: { a: 'b' } })}`],
      code: 1,
      says: /^polypod: \S+: [^\n]*unknown field "spec.nodeSelectr"\n$/,
    },
    {
      name: 'a field of the wrong type',
      args: ['-f', `FILE:${manifest({ priority: 'high' })}`],
      code: 1,
      says: /^polypod: \S+: Pod in version "v1" cannot be handled as a Pod: [^\n]*\n$/,
    },
    {
      name: 'another namespace than the manifest',
      args: ['-n', 'b', '-f', `FILE:${manifest({}, { name: 'x', namespace: 'a' })}`],
      code: 2,
      says: /^polypod: \S+ is for namespace a, and not for b\n$/,
    },
    {
      name: 'a kubeconfig that is none',
      args: ['--kubeconfig', 'FILE:x', 'pod', 'a'],
      code: 1,
      says: /^polypod: kubeconfig \S+ cannot be read: [^\n]*\n$/,
    },
  ]
  cases(rows, async ({ args, code, says }) => {
    const given = await Promise.all(args.map(async (arg) => (arg.startsWith('FILE:') ? file('given.yaml', arg.slice(5)) : arg)))
    const found = await explain(...given)
    assert.match(found.stderr, says)
    assert.deepEqual([found.code, found.stdout], [code, ''])
  })

  it('shows examples', async () => {
    const { code, stdout } = await polypod('explain', '--help')
    assert.equal(code, 0)
    assert.match(stdout, /Examples:\n {2}polypod explain pod web -n shop\n/)
  })
})

for (const { name, path, missing } of await kubectlBinaries())
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const kubectl = (args: string, input = '') => run(path, ['--kubeconfig', cluster.kubeconfig, ...args.split(' ')], { input })

    it('lists explanations, and knows their columns', async () => {
      await cluster.client
        .create(
          Pod,
          objectOf(Pod, {
            metadata: { name: 'gated', namespace: 'kube-system' },
            spec: { schedulingGates: [{ name: 'a/b' }], containers: [{ name: 'c', image: 'i' }] },
          }),
        )
        .catch(() => undefined)
      const { stdout, stderr } = await kubectl('get podexplanations -n kube-system')
      assert.deepEqual(
        [
          stderr,
          stdout.split('\n').map((line) =>
            line
              .trim()
              .replace(/ \d+m?s?$/, ' AGE')
              .split(/ {2,}/),
          ),
        ],
        [
          '',
          [
            ['NAME', 'VERDICT', 'NODE', 'WHY', 'AGE'],
            ['gated', 'Waits', '<none>', 'it is gated by a/b: no scheduler looks at it', 'AGE'],
            [''],
          ],
        ],
      )
    })

    it('explains a manifest that it creates nothing of', async () => {
      const pod = JSON.parse(manifest({ nodeName: 'node-7' })) as object
      const asked = {
        apiVersion: 'polypod.dev/v1alpha1',
        kind: 'PodExplanation',
        metadata: { name: 'web', namespace: 'default' },
        spec: { pod },
      }
      // k8s: kubectl asks for CustomResourceDefinitions before it creates what it cannot patch; --raw does not
      const where = '/apis/polypod.dev/v1alpha1/namespaces/default/podexplanations'
      const { stdout, stderr } = await kubectl(`create --raw ${where} -f -`, JSON.stringify(asked))
      assert.equal(stderr, '')
      const { status } = JSON.parse(stdout) as PodExplanation
      assert.deepEqual(status?.causes, [{ type: 'NodeGone', message: 'there is no node node-7', nodes: ['node-7'] }])
      const { items } = await cluster.client.list(Pod, { namespace: 'default', fieldSelector: 'metadata.name=web' })
      assert.deepEqual(items, [])
    })

    it('is refused what explanations cannot do', async () => {
      const { stderr } = await kubectl('delete podexplanations waits')
      assert.match(stderr, /does not allow this method on the requested resource|MethodNotAllowed/)
    })
  })
