// `polypod ledger` beside what kubectl itself adds up, on a simulated cluster.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { LedgerRow } from '../../src/cli/ledger.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { cliCluster, polypod, polypodPath, run } from './polypod.ts'

const classes = `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: runc}
handler: runc
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: kata}
handler: kata
overhead: {podFixed: {cpu: 250m, memory: 120Mi}}
`
const podOf = (name: string, rest: string) =>
  `---\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  terminationGracePeriodSeconds: 0\n${rest}`
const container = (resources: string) => `  containers: [{name: main, image: busybox, resources: ${resources}}]\n`
const mixed = [
  podOf('plain', `  runtimeClassName: runc\n${container('{requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}')}`),
  podOf('boxed', `  runtimeClassName: kata\n${container('{requests: {cpu: 100m}, limits: {cpu: 100m, memory: 100Mi}}')}`),
  podOf('best-effort', `  runtimeClassName: kata\n${container('{}')}`),
  podOf(
    'init',
    `  runtimeClassName: kata\n  initContainers: [{name: first, image: busybox, resources: {requests: {cpu: 700m}}}]\n${container('{requests: {cpu: 100m, memory: 10Mi}}')}`,
  ),
].join('')

describe('polypod ledger', () => {
  it('agrees with kubectl describe node, old and new, on a node with mixed classes', async () => {
    await using cluster = await cliCluster(['--simulated', '--handlers', 'runc,kata'])
    await cluster.kubectl(['apply', '-f', '-'], classes)
    await cluster.kubectl(['apply', '-f', '-'], mixed)
    const rows = await eventually(async () => {
      const found = await ledgerOf(cluster.dataDir, 'node')
      return found[0]?.pods === 4 ? found : undefined
    })
    const [node] = rows
    assert.deepEqual(
      [node?.requests, node?.limits],
      [
        {
          cpu: { containers: '900m', overhead: '750m', total: '1650m' },
          memory: { containers: '174Mi', overhead: '360Mi', total: '534Mi' },
        },
        {
          cpu: { containers: '100m', overhead: '250m', total: '350m' },
          memory: { containers: '228Mi', overhead: '120Mi', total: '348Mi' },
        },
      ],
    )
    for (const { path, missing } of await kubectlBinaries()) {
      if (missing !== undefined) continue
      const { stdout } = await run(path, ['--kubeconfig', cluster.kubeconfig, 'describe', 'node', 'node-1'])
      assert.deepEqual(described(stdout), { cpu: ['1650m', '350m'], memory: ['534Mi', '348Mi'] })
    }
    const [namespace] = await ledgerOf(cluster.dataDir, 'namespace')
    assert.deepEqual([namespace?.name, namespace?.requests, namespace?.limits], ['default', node?.requests, node?.limits])
    const text = (await polypod('ledger', 'pod', '--data-dir', cluster.dataDir)).stdout
    assert.match(text, /^NAMESPACE +POD +CLASS +RESOURCE +REQUESTS +LIMITS +MEASURED\n/)
    assert.match(
      text,
      /\ndefault +boxed +kata +cpu +100m \+ 250m = 350m +100m \+ 250m = 350m +(-|0 \+ 0)\n +memory +100Mi \+ 120Mi = 220Mi +/,
    )
    assert.match(text, /\ndefault +best-effort +kata +cpu +0 \+ 250m = 250m +- +(-|0 \+ 0)\n/)
  })
})

describe('polypod runtimes diff', () => {
  it('shows before the edit what it means, and after it the Pods that are left', async () => {
    await using cluster = await cliCluster(['--simulated', '--handlers', 'runc,kata'])
    const diff = (...args: string[]) =>
      run(polypodPath, ['runtimes', 'diff', ...args, '--data-dir', cluster.dataDir], { input: edited })
    await cluster.kubectl(['apply', '-f', '-'], classes)
    await cluster.kubectl(
      ['apply', '-f', '-'],
      podOf('boxed', `  runtimeClassName: kata\n${container('{requests: {cpu: 100m}}')}`),
    )
    await eventually(async () => (await ledgerOf(cluster.dataDir, 'node'))[0]?.pods === 1)
    assert.equal((await diff()).stdout, 'No Pod has an overhead that is out of date.\n')
    const before = (await diff('-f', '-')).stdout
    assert.match(
      before,
      /^RuntimeClass runc: no Pod would have [^\n]*\n\nRuntimeClass kata: 1 Pod keeps its overhead until recycled:\nNAMESPACE +POD/,
    )
    assert.match(before, /\ndefault +boxed +kata +node-1 +cpu=250m,memory=120Mi +cpu=900,memory=120Mi\n/)
    assert.match(before, /\nNode node-1 +cpu +350m +900100m +\d+ +no\n/)
    assert.match(before, /\nPod default\/boxed would find no room: Node node-1, cpu\n$/)
    await cluster.kubectl(['apply', '-f', '-'], edited)
    const after = JSON.parse((await diff('-o', 'json')).stdout) as unknown
    const overheads = { has: 'cpu=250m,memory=120Mi', declared: 'cpu=900,memory=120Mi' }
    assert.deepEqual(after, [{ namespace: 'default', name: 'boxed', node: 'node-1', class: 'kata', ...overheads }])
    await cluster.kubectl(['delete', 'pod', 'boxed'])
    assert.equal((await diff()).stdout, 'No Pod has an overhead that is out of date.\n')
    const help = await polypod('runtimes', 'diff', '--help')
    assert.match(help.stdout, /Examples:\n  polypod runtimes diff -f/)
    assert.equal((await polypod('runtimes', 'diff', '--nonsense')).code, 2)
  })
})

const edited = classes.replace('cpu: 250m', 'cpu: 900')

const ledgerOf = async (dataDir: string, view: string): Promise<LedgerRow[]> =>
  JSON.parse((await polypod('ledger', view, '--data-dir', dataDir, '-o', 'json')).stdout) as LedgerRow[]

/** Requests and limits of the node as kubectl prints them: `  cpu   1650m (82%)  350m (17%)`. */
function described(text: string): Record<string, string[]> {
  const sums = text.slice(text.indexOf('Allocated resources:'))
  const line = (name: string) => new RegExp(`\\n {2}${name} +(\\S+) \\(\\d+%\\) +(\\S+) \\(`).exec(sums)?.slice(1) ?? []
  return { cpu: line('cpu'), memory: line('memory') }
}
