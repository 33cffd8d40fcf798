import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTls } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import { cases } from '../testing/cases.ts'
import { type ExecResult, RuntimeError } from './cri/runtime.ts'
import { healthServer } from './cri/grpc-health-server.ts'
import { type ProbeOutcome, probeOnce } from './probe-action.ts'
import { samplePodWith } from './sample-pod.ts'
import { simulatedProbe } from './simulated-actions.ts'

const ports: Record<string, number> = {}
const closing: (() => unknown)[] = []

async function listen(name: string, server: Server | TcpServer): Promise<void> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  ports[name] = (server.address() as AddressInfo).port
  closing.push(() => server.close())
}

const answer: Parameters<typeof createServer>[1] = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://x')
  if (pathname === '/slow') return
  if (pathname === '/headers') return void response.end(JSON.stringify(request.rawHeaders))
  if (pathname === '/away') return void response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end()
  if (pathname === '/moved') return void response.writeHead(302, { location: '/ok' }).end()
  if (pathname === '/loop') return void response.writeHead(302, { location: '/loop' }).end()
  if (pathname === '/long') return void response.end('x'.repeat(100_000))
  response.writeHead(Number(pathname.slice(1)) || 200).end(`${request.url}`)
}

beforeAll(async () => {
  await listen('http', createServer(answer))
  const dir = mkdtempSync(join(tmpdir(), 'probe-'))
  try {
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x', ...files]
    execFileSync('openssl', request, { stdio: 'ignore' })
    await listen('https', createTls({ key: readFileSync(join(dir, 'key')), cert: readFileSync(join(dir, 'cert')) }, answer))
  } finally {
    rmSync(dir, { recursive: true })
  }
  await listen('silent', createTcp())
  const closed = createTcp()
  await listen('closed', closed)
  await new Promise((resolve) => closed.close(resolve))
  const health = await healthServer({ '': 'SERVING', ready: 'SERVING', down: 'NOT_SERVING' })
  ports['grpc'] = health.port
  closing.push(() => health.close())
  const without = await healthServer(undefined)
  ports['no-health'] = without.port
  closing.push(() => without.close())
})
afterAll(() => Promise.all(closing.map((close) => close())))

const executed = (stdout: string, exitCode: number): ExecResult => ({
  stdout: Buffer.from(stdout),
  stderr: Buffer.from(''),
  exitCode,
})
const runtime = {
  async execSync(_: string, [word = '']: string[], seconds: number): Promise<ExecResult> {
    if (word === 'slow') throw new RuntimeError('DeadlineExceeded', `timeout ${seconds}s exceeded`)
    if (word === 'absent') throw new RuntimeError('Unknown', 'no such file')
    return executed(`${word} ran`, word === 'bad' ? 1 : 0)
  },
}

function targetOf(containerPorts: object[] = [], annotations: Record<string, string> = {}) {
  const pod = samplePodWith({ ports: containerPorts })
  const annotated = { ...pod, metadata: { ...pod.metadata, annotations } }
  return { pod: annotated, container: pod.spec.containers[0] as Container, containerId: 'c1', podIP: '127.0.0.1', startedAt: 0 }
}

/** `#http` in a row stands for the port of that server. */
const filled = (text: string): string => text.replace(/#(?<name>[a-z-]+)/g, (_, name: string) => String(ports[name]))

async function probed(declared: object): Promise<ProbeOutcome> {
  const text = JSON.stringify({ timeoutSeconds: 1, ...declared }).replace(/"#(?<name>[a-z-]+)"/g, (_, name: string) =>
    String(ports[name]),
  )
  const probe = JSON.parse(text) as Parameters<ReturnType<typeof probeOnce>>[1]
  return probeOnce(runtime)(targetOf([{ name: 'web', containerPort: ports['http'] ?? 0 }]), probe)
}

describe('probeOnce', () => {
  const http = (path: string, more: object = {}) => ({ httpGet: { path, port: '#http', ...more } })
  cases(
    [
      { name: 'runs a command', probe: { exec: { command: ['good'] } }, want: 'success: good ran' },
      { name: 'fails with a command', probe: { exec: { command: ['bad'] } }, want: 'failure: bad ran' },
      {
        name: 'fails with one that takes too long',
        probe: { exec: { command: ['slow', 'x'] } },
        want: 'failure: command timed out: "slow x" timed out after 1s',
      },
      { name: 'knows nothing when it cannot be run', probe: { exec: { command: ['absent'] } }, want: 'unknown: no such file' },
      { name: 'takes 200 for well', probe: http('/ok?q=1'), want: 'success: /ok?q=1' },
      { name: 'takes 399 for well', probe: http('/399'), want: 'success: /399' },
      { name: 'takes 400 for ill', probe: http('/400'), want: 'failure: HTTP probe failed with statuscode: 400' },
      { name: 'takes 500 for ill', probe: http('500'), want: 'failure: HTTP probe failed with statuscode: 500' },
      { name: 'finds a port by name', probe: http('/ok', { port: 'web' }), want: 'success: /ok' },
      { name: 'misses a port', probe: http('/ok', { port: 'nope' }), want: 'unknown: couldn\'t find port: "nope"' },
      { name: 'follows on the same host', probe: http('/moved'), want: 'success: /ok' },
      { name: 'does not follow to another', probe: http('/away'), want: 'success: ' },
      {
        name: 'does not follow for ever',
        probe: http('/loop'),
        want: 'failure: Get "http://127.0.0.1:#http/loop": stopped after 10 redirects',
      },
      { name: 'reads no more than 10 KiB', probe: http('/long'), want: `success: ${'x'.repeat(10_240)}` },
      {
        name: 'waits no longer than told',
        probe: http('/slow'),
        want: 'failure: Get "http://127.0.0.1:#http/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      },
      {
        name: 'says that nobody listens',
        probe: http('/', { port: '#closed' }),
        want: 'failure: Get "http://127.0.0.1:#closed/": dial tcp 127.0.0.1:#closed: connect: connection refused',
      },
      { name: 'takes any certificate', probe: http('/ok', { scheme: 'HTTPS', port: '#https' }), want: 'success: /ok' },
      { name: 'connects', probe: { tcpSocket: { port: '#silent' } }, want: 'success: ' },
      {
        name: 'cannot connect',
        probe: { tcpSocket: { port: '#closed' } },
        want: 'failure: dial tcp 127.0.0.1:#closed: connect: connection refused',
      },
      {
        name: 'asks for the health of the server',
        probe: { grpc: { port: '#grpc', service: '' } },
        want: 'success: service healthy',
      },
      {
        name: 'asks for that of a service',
        probe: { grpc: { port: '#grpc', service: 'ready' } },
        want: 'success: service healthy',
      },
      {
        name: 'fails with a service that is down',
        probe: { grpc: { port: '#grpc', service: 'down' } },
        want: 'failure: service unhealthy (responded with "NOT_SERVING")',
      },
      {
        name: 'fails with a service nobody knows',
        probe: { grpc: { port: '#grpc', service: 'nope' } },
        want: 'failure: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service nope',
      },
      {
        name: 'fails with a server that tells no health',
        probe: { grpc: { port: '#no-health' } },
        want: 'failure: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): The server does not implement the method /grpc.health.v1.Health/Check',
      },
      {
        name: 'fails where no server is',
        probe: { grpc: { port: '#closed' } },
        want: 'failure: timeout: failed to connect service "127.0.0.1:#closed" within 1s: context deadline exceeded',
      },
    ],
    async ({ probe, want }) => {
      const { result, message } = await probed(probe)
      assert.equal(`${result}: ${message}`, filled(want))
    },
  )

  it('sends the headers of the action, and says who asks', async () => {
    const httpHeaders = [
      { name: 'X-A', value: '1' },
      { name: 'X-A', value: '2' },
      { name: 'Host', value: 'shop.example' },
    ]
    const { message } = await probed(http('/headers', { httpHeaders }))
    const raw = JSON.parse(message) as string[]
    const pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${raw[i + 1]}`] : []))
    assert.deepEqual(pairs.toSorted(), [
      'accept: */*',
      'connection: close',
      'host: shop.example',
      'user-agent: kube-probe/1.32',
      'x-a: 1',
      'x-a: 2',
    ])
  })
})

describe('simulatedProbe', () => {
  const ask = (annotations: Record<string, string>, probe: object) => simulatedProbe(runtime)(targetOf([], annotations), probe)
  cases(
    [
      { name: 'is well', annotations: {}, probe: { httpGet: { port: 80 } }, want: 'success: ' },
      {
        name: 'answers as the Pod wishes',
        annotations: { 'simulated.polypod.dev/probe-status.main': '503' },
        probe: { httpGet: { port: 80 } },
        want: 'failure: HTTP probe failed with statuscode: 503',
      },
      {
        name: 'fails connections, too',
        annotations: { 'simulated.polypod.dev/probe-status': '500' },
        probe: { tcpSocket: { port: 80 } },
        want: 'failure: simulated: connection refused',
      },
      {
        name: 'leaves commands to the runtime',
        annotations: {},
        probe: { exec: { command: ['bad'] } },
        want: 'failure: bad ran',
      },
    ],
    async ({ annotations, probe, want }) => {
      const { result, message } = await ask(annotations, probe)
      assert.equal(`${result}: ${message}`, want)
    },
  )
})
