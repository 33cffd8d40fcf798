// A namespace's RuntimeClass policy with unmodified kubectl on a whole cluster: defaults, refusals, warnings, and Pods that stay.
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type CliCluster, cliCluster, type Done, run } from './polypod.ts'

const pod = (name: string, runtimeClassName?: string) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'team' } },
    spec: { runtimeClassName, containers: [{ name: 'main', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] }] },
  })

describe('RuntimeClass policy of a namespace', () => {
  let cluster: CliCluster
  beforeAll(async () => {
    cluster = await cliCluster(['--simulated', '--handlers', 'runc,crun,gvisor'])
    const items = ['runc', 'crun', 'gvisor'].map((name) => ({
      ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: name },
      ...(name === 'gvisor' ? { overhead: { podFixed: { memory: '20Mi' } } } : {}),
    }))
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    await cluster.kubectl(['create', 'namespace', 'team'])
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const said = (args: readonly string[], input?: string): Promise<Done> =>
    run('kubectl', ['--kubeconfig', cluster.kubeconfig, ...args], input === undefined ? {} : { input })
  const annotate = (...pairs: string[]) =>
    said(['annotate', '--overwrite', 'namespace', 'team', ...pairs.map((pair) => `polypod.dev/${pair}`)])
  const classOf = (name: string) =>
    cluster.kubectl(['get', 'pod', '-n', 'team', name, '-o', 'jsonpath={.spec.runtimeClassName} {.spec.overhead.memory}'])
  const refused = 'is not allowed here: annotation polypod.dev/allowed-runtime-classes of the namespace allows gvisor, runc'

  it('gives the default, keeps what a Pod named, refuses what is not allowed, and leaves Pods that run alone', async () => {
    await cluster.kubectl(['create', '-f', '-'], pod('old', 'crun'))
    await cluster.kubectl(['wait', '-n', 'team', '--for=condition=Ready', 'pod/old', '--timeout=30s'])
    const before = await cluster.kubectl(['get', 'pod', '-n', 'team', 'old', '-o', 'jsonpath={.metadata.uid} {.spec}'])

    const set = await annotate('default-runtime-class=gvisor', 'allowed-runtime-classes=gvisor,runc')
    assert.equal(set.stderr, 'Warning: RuntimeClassPolicy: Pods that are there stay, and could not be created anew: old (crun)\n')
    assert.equal(set.code, 0)

    await cluster.kubectl(['create', '-f', '-'], pod('plain'))
    await cluster.kubectl(['create', '-f', '-'], pod('named', 'runc'))
    assert.deepEqual([await classOf('plain'), await classOf('named')], ['gvisor 20Mi', 'runc '])
    const { code, stderr } = await said(['create', '-f', '-'], pod('late', 'crun'))
    assert.equal(
      stderr,
      `Error from server (Forbidden): error when creating "STDIN": pods "late" is forbidden: pod rejected: RuntimeClass "crun" ${refused}\n`,
    )
    assert.equal(code, 1)

    await cluster.kubectl(['wait', '-n', 'team', '--for=condition=Ready', 'pod/plain', 'pod/named', 'pod/old', '--timeout=30s'])
    await cluster.kubectl(['label', 'pod', '-n', 'team', 'old', 'still=here'])
    assert.equal(await cluster.kubectl(['get', 'pod', '-n', 'team', 'old', '-o', 'jsonpath={.metadata.uid} {.spec}']), before)
  })

  it('only warns in dry mode', async () => {
    assert.equal((await annotate('runtime-class-policy=warn')).code, 0)
    const crun = await said(['create', '-f', '-'], pod('warned', 'crun'))
    assert.deepEqual(
      [crun.code, crun.stdout, crun.stderr],
      [0, 'pod/warned created\n', `Warning: RuntimeClassPolicy: would be refused: RuntimeClass "crun" ${refused}\n`],
    )
    const plain = await said(['create', '-f', '-'], pod('undecided'))
    assert.equal(
      plain.stderr,
      'Warning: RuntimeClassPolicy: would get RuntimeClass "gvisor" (annotation polypod.dev/default-runtime-class of the namespace)\n',
    )
    assert.deepEqual([await classOf('warned'), await classOf('undecided')], ['crun ', ' '])
  })

  it('refuses annotations that mean nothing', async () => {
    const { code, stderr } = await annotate('runtime-class-policy=off')
    assert.equal(code, 1)
    assert.ok(stderr.includes('Unsupported value: "off": supported values: "enforce", "warn"'), stderr)
    assert.equal((await annotate('runtime-class-policy-', 'default-runtime-class-', 'allowed-runtime-classes-')).code, 0)
    await cluster.kubectl(['create', '-f', '-'], pod('free', 'crun'))
    assert.equal(await classOf('free'), 'crun ')
  })
})
