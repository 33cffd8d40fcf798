// Unmodified kubectl, a new one and an old one, against the real API server over HTTPS. No node takes part.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import { Pod } from '../../src/api/core/pod.ts'
import type { Client } from '../../src/client/client.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type KubectlBinary, kubectlBinaries } from './kubectl-binaries.ts'
import { seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'
import { kubectl } from './stream-stub.ts'

const binaries = await kubectlBinaries()
const pod = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - {name: main, image: busybox, ports: [{containerPort: 80}], env: [{name: A, value: b}]}
`
const conf = (value: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: "${value}"}
`
const both = (value: string) => `${pod}---\n${conf(value)}`

let server: TestServer
let client: Client

beforeEach(async () => {
  server = await startTestServer()
  client = server.api.client('tester')
  await seedDefaultNamespace(client)
})
afterEach(async () => {
  await server.close()
  assert.deepEqual(server.logged, [], 'nothing unexpected happened in the server')
})

interface Said {
  code: number | null
  out: string
  err: string
}

const runner =
  (binary: KubectlBinary) =>
  async (args: string, input?: string, environment?: Record<string, string>): Promise<Said> => {
    const flags = [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
    // words of a quoted argument stay together
    const words = [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
    const said = await kubectl(
      binary.path,
      [...flags, ...words],
      input === undefined ? undefined : Buffer.from(input),
      environment,
    )
    return { code: said.code, out: said.stdout.toString(), err: said.stderr }
  }
type Run = ReturnType<typeof runner>

/** Fails with what kubectl said unless it succeeds. */
const outOf = async (run: Run, args: string, input?: string, environment?: Record<string, string>): Promise<string> => {
  const { code, out, err } = await run(args, input, environment)
  assert.equal(code, 0, `kubectl ${args}: ${err}`)
  return out
}

for (const binary of binaries) {
  const { name, missing } = binary
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const run = runner(binary)
    const out = (args: string, input?: string, environment?: Record<string, string>) => outOf(run, args, input, environment)
    discovers(out)
    applies(run, out)
    reads(run, out, binary)
    writes(run, out)
    refuses(run)
  })
}

type Out = (args: string, input?: string, environment?: Record<string, string>) => Promise<string>

function discovers(out: Out): void {
  it('finds versions, resources and short names', async () => {
    assert.match(await out('version'), /v1\.32\.\d+\+polypod/)
    assert.deepEqual((await out('api-versions')).trim().split('\n'), [
      ...['coordination.k8s.io/v1', 'metrics.k8s.io/v1beta1', 'node.k8s.io/v1', 'policy/v1', 'polypod.dev/v1alpha1'],
      ...['scheduling.k8s.io/v1', 'v1'],
    ])
    const rows = (await out('api-resources --no-headers'))
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).join(' '))
    for (const row of [
      'pods po v1 true Pod',
      'runtimeclasses node.k8s.io/v1 false RuntimeClass',
      'configmaps cm v1 true ConfigMap',
    ])
      assert.ok(rows.includes(row), `${row} in ${rows.join('; ')}`)
    assert.equal(await out('get --raw /healthz'), 'ok')
  })

  it('explains fields', async () => {
    assert.match(await out('explain pod.spec.containers.image'), /image\s+<string>[^]*DESCRIPTION:\s+\w+/)
    assert.match(await out('explain runtimeclass'), /VERSION:\s+(node\.k8s\.io\/)?v1[^]*handler\s+<string> -required-\s+\w+/)
    assert.match(await out('explain pod --recursive'), /runtimeClassName\s+<string>/)
  })
}

function applies(run: Run, out: Out): void {
  it('applies, diffs, and applies what changed', async () => {
    assert.equal(await out('apply -f -', both('1')), 'pod/web created\nconfigmap/conf created\n')
    assert.equal(await out('apply -f -', both('1')), 'pod/web unchanged\nconfigmap/conf unchanged\n')
    const diff = await run('diff -f -', both('2'))
    assert.equal(diff.code, 1, diff.err)
    assert.match(diff.out, /^-  a: "1"\n\+  a: "2"$/m)
    assert.equal(
      await out('apply --dry-run=server -f -', both('2')),
      'pod/web unchanged (server dry run)\nconfigmap/conf configured (server dry run)\n',
    )
    assert.equal(await out('apply -f -', both('2')), 'pod/web unchanged\nconfigmap/conf configured\n')
    assert.deepEqual((await client.get(ConfigMap, { namespace: 'default', name: 'conf' })).data, { a: '2' })
    const same = await run('diff -f -', both('2'))
    assert.deepEqual([same.code, same.out], [0, ''])
  })

  it('merges lists by their keys when it applies', async () => {
    await out('apply -f -', pod)
    await out(`patch pod web -p '{"spec":{"containers":[{"name":"main","image":"busybox:2"}]}}'`)
    await out('apply -f -', pod.replace('image: busybox,', 'image: busybox:3,'))
    const { spec } = await client.get(Pod, { namespace: 'default', name: 'web' })
    assert.deepEqual(
      spec.containers.map(({ name, image, env }) => ({ name, image, env })),
      [{ name: 'main', image: 'busybox:3', env: [{ name: 'A', value: 'b' }] }],
    )
  })
}

function reads(run: Run, out: Out, binary: KubectlBinary): void {
  it('gets as table, YAML and JSON path, sorted, selected and in chunks', async () => {
    for (const n of ['b', 'a', 'c']) await out('apply -f -', conf('1').replace('conf', n))
    const names = async (args: string) =>
      (await out(`get ${args} -o name`))
        .trim()
        .split('\n')
        .map((line) => line.split('/')[1])
    assert.deepEqual(await names('cm --chunk-size=1'), ['a', 'b', 'c'])
    assert.match(await out('get cm'), /^NAME +DATA +AGE\na +1 +\d+s\nb +1 +\d+s\nc +1 +\d+s\n$/)
    assert.match(await out('get cm -A --sort-by=.metadata.name'), /^NAMESPACE +NAME +DATA +AGE\ndefault +a /)
    assert.deepEqual(await names('cm --field-selector=metadata.name!=b'), ['a', 'c'])
    await out('label cm b tier=one')
    assert.deepEqual(await names('cm -l tier=one'), ['b'])
    assert.equal(await out('get cm a -o jsonpath={.data.a}'), '1')
    assert.match(await out('get cm a -o yaml'), /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\nmetadata:\n/)
    assert.equal((JSON.parse(await out('get --raw /api/v1/namespaces/default/configmaps/a')) as ConfigMap).metadata.name, 'a')
    assert.match(await out('get nodes'), /^$/)
  })

  it('describes', async () => {
    await out('apply -f -', both('1'))
    assert.match(await out('describe pod web'), /^Name: +web\nNamespace: +default\n[^]*Image: +busybox\n[^]*Events: +<none>\n$/)
    assert.match(await out('describe cm conf'), /Data\n====\na:\n----\n1\n/)
    assert.match(await out('describe ns default'), /Status: +Active/)
  })

  it('watches, and waits', async () => {
    await out('apply -f -', both('1'))
    const flags = [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
    const child = spawn(binary.path, [...flags, 'get', 'cm', '-w', '--no-headers'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const seen: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => seen.push(line.split(/\s+/).slice(0, 2).join(' ')))
    try {
      await eventually(() => seen.length === 1)
      await out('apply -f -', conf('1').replace('{a:', '{b: "2", a:'))
      await eventually(() => seen.length === 2)
      assert.deepEqual(seen, ['conf 1', 'conf 2'])
    } finally {
      child.kill()
    }
    const waiting = out('wait --for=condition=Ready pod/web --timeout=20s')
    const conditions = [{ type: 'Ready', status: 'True' }]
    await client.patch(
      Pod,
      { namespace: 'default', name: 'web' },
      { type: 'merge', subresource: 'status', body: { status: { conditions } } },
    )
    assert.equal(await waiting, 'pod/web condition met\n')
    const late = await run('wait --for=condition=PodScheduled pod/web --timeout=1s')
    assert.deepEqual([late.code, late.err], [1, 'error: timed out waiting for the condition on pods/web\n'])
  })
}

function writes(run: Run, out: Out): void {
  it('creates with its own generators', async () => {
    assert.equal(await out('create ns team'), 'namespace/team created\n')
    assert.equal(
      await out('create cm settings --from-literal=x=1 --dry-run=server'),
      'configmap/settings created (server dry run)\n',
    )
    assert.equal(await out('create cm settings --from-literal=x=1'), 'configmap/settings created\n')
    assert.equal(await out('create secret generic s --from-literal=p=q'), 'secret/s created\n')
    assert.equal(await out('create sa bot'), 'serviceaccount/bot created\n')
    assert.equal(await out('create priorityclass low --value=-100'), 'priorityclass.scheduling.k8s.io/low created\n')
    assert.equal(await out('create svc clusterip web --tcp=80:http'), 'service/web created\n')
    assert.equal(await out('run one --image=busybox --restart=Never'), 'pod/one created\n')
    const facts = [
      ...['cm settings -o jsonpath={.data.x}', 'secret s -o jsonpath={.data.p}', 'priorityclass low -o jsonpath={.value}'],
      'svc web -o jsonpath={.spec.ports[0].targetPort}',
    ]
    const got: string[] = []
    for (const fact of facts) got.push(await out(`get ${fact}`))
    assert.deepEqual(got, ['1', 'cQ==', '-100', 'http'])
  })

  it('edits', async () => {
    await out('apply -f -', conf('1'))
    const editor = join(server.folder, 'editor')
    await writeFile(editor, `#!/bin/sh\nsed -i 's/^  a: "1"/  a: "edited"/' "$1"\n`)
    await chmod(editor, 0o755)
    assert.equal(await out('edit cm conf', undefined, { KUBE_EDITOR: editor }), 'configmap/conf edited\n')
    assert.equal(await out('get cm conf -o jsonpath={.data.a}'), 'edited')
  })

  it('labels, annotates and patches in three ways', async () => {
    await out('apply -f -', conf('1'))
    assert.equal(await out('label cm conf x=y'), 'configmap/conf labeled\n')
    assert.equal(await out('annotate cm conf note=hi'), 'configmap/conf annotated\n')
    await out(`patch cm conf -p '{"data":{"s":"1"}}'`)
    await out(`patch cm conf --type=merge -p '{"data":{"m":"2","a":null}}'`)
    await out(`patch cm conf --type=json -p '[{"op":"add","path":"/data/j","value":"3"}]'`)
    const { metadata, data } = await client.get(ConfigMap, { namespace: 'default', name: 'conf' })
    assert.deepEqual([metadata.labels, metadata.annotations?.note, data], [{ x: 'y' }, 'hi', { j: '3', m: '2', s: '1' }])
  })

  it('replaces and deletes', async () => {
    await out('apply -f -', both('1'))
    assert.equal(await out('replace -f -', conf('2')), 'configmap/conf replaced\n')
    assert.equal(await out('delete cm --all'), 'configmap "conf" deleted\n')
    assert.match(await out('delete pod web --force --grace-period=0'), /^pod "web" force deleted\n/)
    assert.equal((await run('get pod web')).err, 'Error from server (NotFound): pods "web" not found\n')
  })
}

function refuses(run: Run): void {
  it('passes on refusals', async () => {
    const unknown = conf('1').replace('\ndata:', '\ndat:')
    assert.match((await run('create -f -', unknown)).err, /unknown field "dat"/)
    assert.match((await run('create -f - --validate=false', unknown)).out, /configmap\/conf created/)
    assert.equal((await run('get cm none')).err, 'Error from server (NotFound): configmaps "none" not found\n')
    assert.equal((await run('get nonsense')).err, 'error: the server doesn\'t have a resource type "nonsense"\n')
    assert.match(
      (await run('create -f -', conf('1'))).err,
      /Error from server \(AlreadyExists\).*configmaps "conf" already exists\n$/,
    )
    assert.match(
      (await run('create -n nowhere -f -', conf('1'))).err,
      /Error from server \(NotFound\).*namespaces "nowhere" not found\n$/,
    )
    assert.match(
      (await run('create -f -', pod.replace('name: main', 'name: Main_'))).err,
      /The Pod "web" is invalid: spec.containers\[0\].name: Invalid value: "Main_"/,
    )
    await run('create -f -', pod)
    assert.match((await run('exec web -- true')).err, /pod web does not have a host assigned\n$/)
    assert.match((await run('logs web -c other')).err, /container other is not valid for pod web\n$/)
  })

  it('is shown the door without a certificate', async () => {
    const open = (await readFile(server.kubeconfig, 'utf8')).replace(/client-(certificate|key)-data: .*/g, '')
    await writeFile(server.kubeconfig, open.replace(/user:\s*$/, 'user: { token: none }'))
    const { code, err } = await run('get pods')
    assert.equal(code, 1)
    assert.match(err, /You must be logged in to the server|Unauthorized/)
  })
}
