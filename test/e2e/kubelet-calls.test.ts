// kubectl logs, exec, attach and port-forward: through the API server's HTTPS to the kubelet of the Pod's node.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Binding } from '../../src/api/core/binding.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { type KubeletServer, startKubeletServer } from '../../src/node/kubelet-server.ts'
import type { CommandRun } from '../../src/node/streaming/serve-command.ts'
import { type StreamingServer, startStreamingServer } from '../../src/node/streaming/streaming-server.ts'
import { podOf } from '../../src/testing/api-server.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { ask, seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl } from './stream-stub.ts'

const pods = '/api/v1/namespaces/default/pods'
const binaries = await kubectlBinaries()
let server: TestServer
let streaming: StreamingServer
let kubelet: KubeletServer
let logPath: string
/** Who the kubelet saw calling. */
const callers = new Set<string>()

/** `cat` and `echo` of the simulated container. */
async function program({ command, stdin, stdout }: CommandRun & { command: string[] }): Promise<number> {
  const [name, ...rest] = command
  if (name === 'exit') return Number(rest[0])
  if (name === 'cat' && stdin && stdout) await pipeline(stdin, stdout)
  else await new Promise<void>((done) => (stdout ? stdout.write(`${rest.join(' ')}\n`, () => done()) : done()))
  return 0
}

beforeAll(async () => {
  server = await startTestServer()
  const client = server.api.client('tester')
  await seedDefaultNamespace(client)
  logPath = join(server.folder, '0.log')
  await writeFile(logPath, '2026-01-02T03:04:05.6Z stdout F one\n')
  streaming = await startStreamingServer({
    exec: (_id, run) => program(run),
    attach: (_id, run) => program({ ...run, command: ['echo', 'attached'] }),
    portForward: (_id, _port, connection) => pipeline(connection, connection),
  })
  const { certificates } = server
  kubelet = await startKubeletServer({
    tls: { ...(await certificates.nodeCertificate('n1', '127.0.0.1')), ca: certificates.ca },
    mayCall({ name, groups }) {
      callers.add(name)
      return groups.includes('system:masters')
    },
    find: async (_namespace, name) =>
      name !== 'web'
        ? undefined
        : {
            sandboxId: 's1',
            containers: { main: { current: { id: 'c1', logPath }, tty: false } },
            runtime: {
              exec: (request) => streaming.exec(request),
              attach: (request) => streaming.attach(request),
              portForward: (id, ports) => streaming.portForward(id, ports),
              containerStatus: () => Promise.reject(new Error('the runtime is busy')),
            },
          },
  })
  await openNode('n1', kubelet.port)
  await openNode('down', 1)
  for (const [name, node] of [
    ['web', 'n1'],
    ['lost', 'n1'],
    ['cut', 'down'],
    ['far', 'nowhere'],
  ] as const)
    await bound(name, node)
  await client.create(Pod, podOf('free'))
  const main = { name: 'main', image: 'x' }
  await client.create(
    Pod,
    podOf('two', { spec: { containers: [main, { ...main, name: 'side' }], initContainers: [{ ...main, name: 'init' }] } }),
  )

  async function openNode(name: string, port: number): Promise<void> {
    const node = await client.create(Node, Node.decode({ metadata: { name } }, { unknown: [] }))
    const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } }
    await client.update(Node, { ...node, status: { ...node.status, ...status } }, { subresource: 'status' })
  }
  async function bound(name: string, node: string): Promise<void> {
    await client.create(Pod, podOf(name))
    const binding = Binding.decode(
      { metadata: { name, namespace: 'default' }, target: { kind: 'Node', name: node } },
      { unknown: [] },
    )
    await client.createSubresource(Pod, { namespace: 'default', name }, 'binding', binding)
    // kubectl waits for a Pod that does not run yet
    const body = { status: { phase: 'Running' } }
    await client.patch(Pod, { namespace: 'default', name }, { type: 'merge', subresource: 'status', body })
  }
})

afterAll(async () => {
  await kubelet.close()
  await streaming.close()
  await server.close()
  assert.deepEqual(server.logged, [])
})

for (const { name, path, missing } of binaries) {
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const flags = () => [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
    const run = async (args: string[], input?: string) => {
      const { code, stdout, stderr } = await kubectl(
        path,
        [...flags(), ...args],
        input === undefined ? undefined : Buffer.from(input),
      )
      return { code, out: stdout.toString(), err: stderr }
    }

    it('runs commands, with input and exit code', async () => {
      assert.deepEqual(await run(['exec', 'web', '--', 'echo', 'a b']), { code: 0, out: 'a b\n', err: '' })
      assert.deepEqual(await run(['exec', '-i', 'web', '--', 'cat'], 'typed'), { code: 0, out: 'typed', err: '' })
      assert.equal((await run(['exec', 'web', '--', 'exit', '3'])).code, 3)
      assert.deepEqual([...callers], ['kube-apiserver-kubelet-client'])
    })

    it('attaches', async () => {
      assert.match((await run(['attach', 'web'])).out, /attached\n$/)
    })

    it('prints logs, and follows them', async () => {
      assert.equal((await run(['logs', 'web', '--tail=1'])).out.length > 0, true)
      const child = spawn(path, [...flags(), 'logs', '-f', 'web', '--tail=0'], { stdio: ['ignore', 'pipe', 'ignore'] })
      let seen = ''
      child.stdout.on('data', (part: Buffer) => (seen += part.toString()))
      try {
        await eventually(async () => {
          await appendFile(logPath, `2026-01-02T03:04:06Z stdout F more of ${path}\n`)
          return seen.includes(`more of ${path}`)
        })
      } finally {
        child.kill()
      }
    })

    it('forwards ports', async () => {
      const child = spawn(path, [...flags(), 'port-forward', 'web', ':80'], { stdio: ['ignore', 'pipe', 'ignore'] })
      try {
        let said = ''
        child.stdout.on('data', (part: Buffer) => (said += part.toString()))
        const port = await eventually(() => /127\.0\.0\.1:(\d+)/.exec(said)?.[1])
        const socket = connect(Number(port), '127.0.0.1')
        socket.end('echo')
        assert.equal(await text(socket), 'echo')
      } finally {
        child.kill()
      }
    })

    it('says why not', async () => {
      const why = async (...args: string[]) => (await run(args)).err.trim()
      assert.match(await why('exec', 'free', '--', 'x'), /pod free does not have a host assigned$/)
      assert.match(await why('exec', 'none', '--', 'x'), /pods "none" not found$/)
      assert.match(
        await why('exec', 'web', '-c', 'other', '--', 'x'),
        /container other is not valid for pod web|container not found/,
      )
      assert.match(await why('exec', 'cut', '--', 'x'), /error dialing backend: connect ECONNREFUSED 127\.0\.0\.1:1$/)
      assert.match(await why('exec', 'far', '--', 'x'), /nodes "nowhere" not found$/)
    })
  })
}

describe('logs, asked for without kubectl', () => {
  const refusal = async (path: string) => {
    const { code, json } = await ask(server, `${pods}/${path}`)
    return `${code} ${String(json.reason)}: ${String(json.message)}`
  }

  it('are refused in upstream’s words', async () => {
    const choices = 'choose one of: [main side] or one of the init containers: [init]'
    assert.equal(await refusal('two/log'), `400 BadRequest: a container name must be specified for pod two, ${choices}`)
    assert.equal(await refusal('web/log?container=x'), '400 BadRequest: container x is not valid for pod web')
    assert.equal(await refusal('none/log'), '404 NotFound: pods "none" not found')
    assert.equal(await refusal('web/log?tailLines=x'), '400 BadRequest: strconv.ParseInt: parsing "x": invalid syntax')
    assert.equal(await refusal('cut/log'), '500 InternalError: error dialing backend: connect ECONNREFUSED 127.0.0.1:1')
    assert.equal(await refusal('lost/log'), '404 NotFound: pod does not exist')
  })

  it('are empty for a Pod without a node', async () => {
    const { code, text: log } = await ask(server, `${pods}/free/log`)
    assert.deepEqual([code, log], [200, ''])
  })
})
