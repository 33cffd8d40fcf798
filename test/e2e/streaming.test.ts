// Real kubectl through tunnel, kubelet server and translation, to a simulated runtime's streaming server.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import https from 'node:https'
import { connect } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { ServedPod } from '../../src/node/kubelet-server.ts'
import type { CommandRun } from '../../src/node/streaming/serve-command.ts'
import { startStreamingServer, type StreamingServer } from '../../src/node/streaming/streaming-server.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectl, startStub, type Stub } from './stream-stub.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'

/** A few programs for the simulated container. */
async function program(run: CommandRun & { command: string[] }): Promise<number> {
  const [name, ...rest] = run.command
  const say = (text: string | Buffer) => new Promise<void>((done) => (run.stdout ? run.stdout.write(text, () => done()) : done()))
  if (name === 'echo') await say(`${rest.join(' ')}\n`)
  else if (name === 'warn') await new Promise<void>((done) => run.stderr?.write(`${rest.join(' ')}\n`, () => done()))
  else if (name === 'exit') return Number(rest[0])
  else if (name === 'cat' && run.stdin && run.stdout) await pipeline(run.stdin, run.stdout)
  else if (name === 'wait') {
    waiting += 1
    await new Promise((done) => run.signal.addEventListener('abort', done))
    waiting -= 1
  } else if (name === 'fill') for (let i = 0; i < Number(rest[0]); i++) await say(Buffer.alloc(1024 * 1024, 'x'))
  else if (name === 'streams')
    await say(JSON.stringify({ stdin: !!run.stdin, stdout: !!run.stdout, stderr: !!run.stderr, tty: run.tty }))
  else throw new Error(`exec: "${name}": executable file not found in $PATH`)
  return 0
}

let waiting = 0
/** How often a follower has asked whether the container still runs. */
let asked = 0

const binaries = await kubectlBinaries()
let streaming: StreamingServer
let stub: Stub
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streaming-'))
  const logPath = join(folder, '0.log')
  await writeFile(logPath, '2026-01-02T03:04:05.6Z stdout F one\n2026-01-02T03:04:06Z stdout F two\n')
  streaming = await startStreamingServer({
    exec: (_id, run) => program(run),
    attach: (_id, run) => program({ ...run, command: ['echo', 'attached'] }),
    async portForward(_id, port, connection) {
      if (port !== 80) throw new Error('connection refused')
      await pipeline(connection, connection)
    },
  })
  const pod: ServedPod = {
    sandboxId: 's1',
    containers: {
      main: { current: { id: 'c1', logPath }, tty: false },
      late: { tty: false, waitingReason: 'PodInitializing' },
    },
    runtime: {
      exec: (request) => streaming.exec(request),
      attach: (request) => streaming.attach(request),
      portForward: (id, ports) => streaming.portForward(id, ports),
      containerStatus() {
        asked += 1
        return Promise.reject(new Error('the runtime is busy'))
      },
    },
  }
  stub = await startStub(pod)
})

afterAll(async () => {
  await stub[Symbol.asyncDispose]()
  await streaming.close()
  await rm(folder, { recursive: true, force: true })
})

for (const { name, path, webSocket, missing } of binaries) {
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    const run = (args: string[], input?: Buffer) => kubectl(path, [...stub.flags, ...args], input)

    it('exec prints, on stdout and stderr', async () => {
      assert.deepEqual(await run(['exec', 'web', '--', 'echo', 'a b', 'c']), {
        code: 0,
        stdout: Buffer.from('a b c\n'),
        stderr: '',
      })
      const warned = await run(['exec', 'web', '--', 'warn', 'ill'])
      assert.deepEqual([warned.code, warned.stdout.length, warned.stderr], [0, 0, 'ill\n'])
    })

    it('speaks the newest protocol it knows', async () => {
      const before = stub.upgrades.length
      await run(['exec', 'web', '--', 'echo'])
      assert.deepEqual(stub.upgrades.slice(before), [webSocket ? 'websocket v5.channel.k8s.io' : 'spdy/3.1'])
    })

    it('exec exits with the code of the command', async () => {
      const { code, stderr } = await run(['exec', 'web', '--', 'exit', '42'])
      assert.deepEqual([code, /command terminated with exit code 42/.test(stderr)], [42, true])
    })

    it('exec asks for no more streams than it was told to', async () => {
      const { stdout } = await run(['exec', 'web', '--', 'streams'])
      assert.deepEqual(JSON.parse(stdout.toString()), { stdin: false, stdout: true, stderr: true, tty: false })
    })

    it('exec -i carries 10 MiB through a command and ends it by closing stdin', async () => {
      const sent = randomBytes(10 * 1024 * 1024)
      const { code, stdout, stderr } = await run(['exec', '-i', 'web', '--', 'cat'], sent)
      assert.deepEqual([code, stderr, stdout.length, stdout.equals(sent)], [0, '', sent.length, true])
    })

    it('exec loses no byte of a long answer', async () => {
      const { code, stdout } = await run(['exec', 'web', '--', 'fill', '24'])
      assert.deepEqual([code, stdout.length], [0, 24 * 1024 * 1024])
    })

    it('exec reports what cannot run, and which container or pod is missing', async () => {
      assert.match((await run(['exec', 'web', '--', 'nope'])).stderr, /executable file not found/)
      assert.match((await run(['exec', 'web', '-c', 'late', '--', 'echo'])).stderr, /container not found \("late"\)|late/)
    })

    it('exec ends in the runtime when its client is gone, and logs -f in the kubelet', async () => {
      for (const args of [
        ['exec', 'web', '--', 'wait'],
        ['exec', '-i', 'web', '--', 'wait'],
      ]) {
        const child = spawn(path, [...stub.flags, ...args], { stdio: ['pipe', 'ignore', 'ignore'] })
        await eventually(() => waiting === 1)
        child.kill('SIGKILL')
        await eventually(() => waiting === 0)
      }
      const before = asked
      const following = spawn(path, [...stub.flags, 'logs', '-f', 'web'], { stdio: ['ignore', 'pipe', 'ignore'] })
      await eventually(() => asked > before)
      following.kill('SIGKILL')
      await eventually(async () => {
        const then = asked
        await systemClock.sleep(700)
        return asked === then
      })
    })

    it('attach follows the container', async () => {
      const { code, stdout } = await run(['attach', 'web'])
      assert.deepEqual([code, stdout.toString().includes('attached\n')], [0, true])
    })

    it('port-forward carries several connections, and says when a port is dead', async () => {
      const child = spawn(path, [...stub.flags, 'port-forward', 'pod/web', ':80', ':81'])
      let said = ''
      child.stdout.on('data', (part: Buffer) => (said += String(part)))
      child.stderr.on('data', (part: Buffer) => (said += String(part)))
      const portOf = (remote: number) => eventually(() => new RegExp(`127.0.0.1:(\\d+) -> ${remote}`).exec(said)?.[1])
      const echo = async (size: number) => {
        const sent = randomBytes(size)
        const socket = connect({ port: Number(await portOf(80)), host: '127.0.0.1', allowHalfOpen: true })
        socket.end(sent)
        return (await buffer(socket)).equals(sent)
      }
      assert.deepEqual(await Promise.all([echo(1), echo(3_000_000), echo(100_000)]), [true, true, true])
      const dead = connect(Number(await portOf(81)), '127.0.0.1')
      dead.resume()
      dead.on('error', () => undefined)
      await once(dead, 'close')
      await eventually(() => /error forwarding port 81.*connection refused/.test(said))
      child.kill('SIGINT')
      await once(child, 'close')
    })

    it('logs come as text, with the tail and the timestamps asked for', async () => {
      assert.equal((await run(['logs', 'web'])).stdout.toString(), 'one\ntwo\n')
      const { stdout } = await run(['logs', 'web', '--timestamps', '--tail=1'])
      assert.equal(stdout.toString(), '2026-01-02T03:04:06.000000000Z two\n')
    })
  })
}

describe('kubelet server', () => {
  const get = (path: string, pair?: { cert: string; key: string }) =>
    new Promise<string>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: stub.kubeletPort,
        path,
        ca: stub.certificates.ca,
        agent: false as const,
        ...pair,
      }
      https.get(options, (r) => void buffer(r).then((b) => resolve(`${r.statusCode} ${String(b)}`), reject)).on('error', reject)
    })

  it('answers only those it knows and allows', async () => {
    const { apiServer, stranger } = stub.certificates
    assert.deepEqual(
      [await get('/healthz'), await get('/healthz', stranger), await get('/healthz', apiServer)],
      ['401 Unauthorized', '403 Forbidden (user=jane, resource=nodes, subresource=proxy)', '200 ok'],
    )
  })

  it('says why there is no log', async () => {
    const log = (rest: string) => get(`/containerLogs/default/${rest}`, stub.certificates.apiServer)
    assert.deepEqual(
      [
        await log('web/late'),
        await log('web/main?previous=true'),
        await log('web/x'),
        await log('y/main'),
        await log('web/main?tailLines=-1'),
      ],
      [
        '400 container "late" in pod "web" is waiting to start: PodInitializing',
        '400 previous terminated container "main" in pod "web" not found',
        '500 container not found ("x")',
        '404 pod does not exist',
        '400 invalid tailLines "-1"',
      ],
    )
  })
})
