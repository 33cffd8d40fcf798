// What kubectl 1.32 and client-go programs send as protobuf comes to the same objects as JSON does. No node takes part.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Binding } from '../../src/api/core/binding.ts'
import { Namespace } from '../../src/api/core/namespace.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import type { AnyKind } from '../../src/api/kind.ts'
import { deleteOptions } from '../../src/api/protobuf/delete-options.ts'
import { cases } from '../../src/testing/cases.ts'
import { envelope, messageOf, protobufOf } from '../../src/testing/protobuf.ts'
import { ask, seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl } from './stream-stub.ts'

const binary = (await kubectlBinaries())[0]
const protobuf = 'application/vnd.kubernetes.protobuf'

/** One is spoken to as kubectl likes, the other in JSON only. */
let typed: TestServer
let plain: TestServer

beforeAll(async () => {
  typed = await startTestServer()
  plain = await startTestServer()
  for (const { api } of [typed, plain]) await seedDefaultNamespace(api.client('tester'))
})
afterAll(async () => {
  const logged = [typed, plain].flatMap((server) => server.logged)
  await typed.close()
  await plain.close()
  assert.deepEqual(logged, [], 'nothing unexpected happened in the servers')
})

interface Said {
  code: number | null
  out: string
  err: string
}

async function run(server: TestServer, args: string[], input?: string): Promise<Said> {
  const flags = [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
  const said = await kubectl('kubectl', [...flags, ...args], input === undefined ? undefined : Buffer.from(input))
  return { code: said.code, out: said.stdout.toString(), err: said.stderr }
}

async function outOf(server: TestServer, args: string[], input?: string): Promise<string> {
  const { code, out, err } = await run(server, args, input)
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}`)
  return out
}

/** Without what differs from one creation to the next. */
async function stored(server: TestServer, what: string): Promise<Record<string, unknown>> {
  const object = JSON.parse(await outOf(server, ['get', what, '-o', 'json'])) as Record<string, unknown>
  const { uid, resourceVersion, creationTimestamp, ...metadata } = object.metadata as Record<string, unknown>
  assert.ok(uid && resourceVersion && creationTimestamp)
  return { ...object, metadata }
}

const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'busybox', ports: [{ containerPort: 80 }] }] },
})

const why = binary?.missing ?? ((binary?.minor ?? 0) < 32 ? `1.${binary?.minor} sends JSON` : undefined)

describe.skipIf(why)(`kubectl on PATH${why ? ` (skipped: ${why})` : ''}`, () => {
  cases(
    [
      { name: 'namespace', create: 'namespace team', what: 'namespace/team' },
      {
        name: 'configmap',
        create: 'configmap conf --from-literal=a=1 --from-literal=empty= --from-file=blob=BLOB',
        what: 'cm/conf',
      },
      { name: 'secret', create: 'secret generic s --from-literal=p=q --from-file=BLOB', what: 'secret/s' },
      { name: 'docker secret', create: 'secret docker-registry d --docker-username=u --docker-password=p', what: 'secret/d' },
      { name: 'service account', create: 'serviceaccount bot', what: 'sa/bot' },
      {
        name: 'priority class',
        create: 'priorityclass low --value=-100 --description=slow --preemption-policy=Never',
        what: 'priorityclass/low',
      },
      { name: 'service', create: 'service clusterip web --tcp=80:http --tcp=81:8081', what: 'service/web' },
      { name: 'headless service', create: 'service clusterip none --clusterip=None', what: 'service/none' },
      { name: 'node port', create: 'service nodeport np --tcp=80:8080 --node-port=30080', what: 'service/np' },
      { name: 'external name', create: 'service externalname ext --external-name=example.com', what: 'service/ext' },
    ],
    async ({ create, what }) => {
      const blob = join(typed.folder, 'blob.bin')
      await writeFile(blob, Buffer.from([0, 255, 128, 10]))
      const args = ['create', ...create.replace('BLOB', blob).split(' ')]
      const { code, err } = await run(typed, [...args, '-v=8'])
      assert.equal(code, 0, err)
      assert.match(err, new RegExp(`POST [^]*Content-Type: ${protobuf}\n`), 'sent as protobuf')
      const json = await outOf(plain, [...args, '--dry-run=client', '-o', 'json'])
      await outOf(plain, ['create', '-f', '-'], json)
      assert.deepEqual(await stored(typed, what), await stored(plain, what))
    },
  )

  it('runs, creates from a file and exposes', async () => {
    const command = ['run', 'one', '--image=busybox', '--restart=Never', '--env=A=b', '--labels=x=y', '--', 'sleep', '1']
    const json = await outOf(plain, [...command.slice(0, 6), '--dry-run=client', '-o', 'json', ...command.slice(6)])
    await outOf(plain, ['create', '-f', '-'], json)
    assert.equal(await outOf(typed, command), 'pod/one created\n')
    assert.deepEqual(await stored(typed, 'pod/one'), await stored(plain, 'pod/one'))
    for (const server of [typed, plain]) assert.equal(await outOf(server, ['create', '-f', '-'], pod), 'pod/web created\n')
    assert.equal(await outOf(typed, ['expose', 'pod', 'web', '--name=exposed', '--port=80']), 'service/exposed exposed\n')
    const { selector, ports } = (await stored(typed, 'service/exposed')).spec as Record<string, unknown>
    assert.deepEqual([selector, ports], [{ app: 'web' }, [{ port: 80, protocol: 'TCP', targetPort: 80 }]])
  })

  it('cordons, uncordons and taints a node', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }
    await outOf(typed, ['create', '-f', '-'], JSON.stringify(node))
    const spec = async () => (await stored(typed, 'node/n1')).spec
    assert.equal(await outOf(typed, ['cordon', 'n1']), 'node/n1 cordoned\n')
    assert.deepEqual(((await spec()) as { unschedulable?: boolean }).unschedulable, true)
    assert.equal(await outOf(typed, ['uncordon', 'n1']), 'node/n1 uncordoned\n')
    assert.equal(await outOf(typed, ['taint', 'node', 'n1', 'a=b:NoExecute']), 'node/n1 tainted\n')
    const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
    assert.deepEqual(await spec(), { taints: [{ key: 'a', value: 'b', effect: 'NoExecute' }, notReady] })
    assert.equal(await outOf(typed, ['taint', 'node', 'n1', 'a-']), 'node/n1 untainted\n')
    assert.deepEqual(await spec(), { taints: [notReady] })
  })

  it('drains a node without evictions', async () => {
    const doomed = { ...(JSON.parse(pod) as Pod), metadata: { name: 'doomed' } }
    const bound = { ...doomed, spec: { ...doomed.spec, nodeName: 'n1' } }
    await outOf(typed, ['create', '-f', '-'], JSON.stringify(bound))
    const args = ['drain', 'n1', '--disable-eviction', '--force', '--grace-period=0', '--timeout=20s', '-v=8']
    const { code, out, err } = await run(typed, args)
    assert.equal(code, 0, err)
    assert.match(out, /pod\/doomed deleted\nnode\/n1 drained\n$/)
    assert.match(err, new RegExp(`DELETE [^]*Content-Type: ${protobuf}\n`), 'DeleteOptions were sent as protobuf')
    assert.match((await run(typed, ['get', 'pod', 'doomed'])).err, /NotFound/)
  })

  it('sets the image of a Pod, and may not set its environment', async () => {
    assert.equal(await outOf(typed, ['set', 'image', 'pod/web', 'main=busybox:2']), 'pod/web image updated\n')
    const { err } = await run(typed, ['set', 'env', 'pod/web', 'A=b'])
    assert.match(
      err,
      /Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`/,
    )
  })

  it('is told what there is not', async () => {
    const token = await run(typed, ['create', 'token', 'bot'])
    assert.deepEqual(
      [token.code, token.err],
      [1, 'error: failed to create token: the server could not find the requested resource\n'],
    )
    const deployment = await run(typed, ['create', 'deployment', 'd', '--image=busybox'])
    assert.deepEqual(
      [deployment.code, deployment.err],
      [1, 'error: failed to create deployment: the server could not find the requested resource\n'],
    )
  })
})

describe('protobuf over HTTP', () => {
  const send = (method: string, path: string, body: Buffer, accept = `${protobuf},application/json`) =>
    ask(typed, path, { method, body, headers: { 'content-type': protobuf, 'content-length': body.length, accept } })
  const pods = '/api/v1/namespaces/default/pods'
  const podOf = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'main', image: 'busybox' }] } })
  const made = async (kind: AnyKind, path: string, object: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const { code, json, text } = await send('POST', path, protobufOf(kind, object))
    assert.equal(code, 201, text)
    return json
  }

  it('creates, replaces and binds a Pod; answers are JSON', async () => {
    const { metadata, spec } = (await made(Pod, pods, podOf('p1'))) as Pod
    assert.equal(spec.restartPolicy, 'Always')
    const next = { metadata: { ...metadata, labels: { a: 'b' } }, spec }
    const replaced = await send('PUT', `${pods}/p1`, protobufOf(Pod, next))
    assert.deepEqual([replaced.code, replaced.headers['content-type']], [200, 'application/json'])
    assert.deepEqual((replaced.json as unknown as Pod).metadata.labels, { a: 'b' })
    await made(Binding, `${pods}/p1/binding`, { metadata: { name: 'p1' }, target: { kind: 'Node', name: 'n9' } })
    assert.equal(((await ask(typed, `${pods}/p1`)).json as unknown as Pod).spec.nodeName, 'n9')
  })

  it('writes the status of a node, as a kubelet does', async () => {
    const node = await made(Node, '/api/v1/nodes', { metadata: { name: 'n2' } })
    const status = {
      capacity: { cpu: '2', memory: '1Gi' },
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-02T03:04:05Z' }],
      images: [{ names: ['busybox'], sizeBytes: 5_000_000_000 }],
    }
    const { json, code } = await send('PUT', '/api/v1/nodes/n2/status', protobufOf(Node, { ...node, status }))
    const { capacity, conditions, images } = (json as unknown as Node).status
    assert.deepEqual([code, capacity, images], [200, status.capacity, status.images])
    assert.deepEqual(
      conditions?.map(({ type, lastHeartbeatTime }) => [type, lastHeartbeatTime]),
      [['Ready', '2026-01-02T03:04:05Z']],
    )
  })

  it('reads DeleteOptions', async () => {
    const { metadata } = (await made(Pod, pods, podOf('p2'))) as Pod
    const options = (given: Record<string, unknown>) =>
      envelope('v1', 'DeleteOptions', messageOf('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', deleteOptions, given))
    const other = await send('DELETE', `${pods}/p2`, options({ preconditions: { uid: 'other' } }))
    assert.deepEqual([other.code, other.json.reason], [409, 'Conflict'])
    const right = await send('DELETE', `${pods}/p2`, options({ gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }))
    assert.equal(right.code, 200)
    assert.equal((await ask(typed, `${pods}/p2`)).code, 404)
  })

  it('refuses what it cannot read, write or accept', async () => {
    const namespace = protobufOf(Namespace, { metadata: { name: 'x' } })
    const answers = [
      await send('POST', '/api/v1/namespaces', namespace.subarray(0, namespace.length - 6)),
      await send('POST', pods, namespace),
      await send('POST', '/api/v1/namespaces', namespace, protobuf),
      await send('PATCH', '/api/v1/namespaces/default', namespace),
    ]
    assert.deepEqual(
      answers.map(({ code, json }) => [code, json.reason]),
      [
        [400, 'BadRequest'],
        [400, 'BadRequest'],
        [406, 'NotAcceptable'],
        [415, 'UnsupportedMediaType'],
      ],
    )
    assert.match(String(answers[0]?.json.message), /proto: unexpected EOF/)
    assert.match(String(answers[1]?.json.message), /^Namespace in version "v1" cannot be handled as a Pod/)
  })
})
