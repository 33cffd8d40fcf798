// kubectl's exec, attach, cp, logs and port-forward on a real container of our own containerd.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { openScope, type Scope } from '../../src/lib/scope.ts'
import { findBinaries } from '../../src/node/containerd/binaries.ts'
import { type Containerd, startContainerd } from '../../src/node/containerd/supervise.ts'
import { criRuntime } from '../../src/node/cri/grpc.ts'
import type { Runtime } from '../../src/node/cri/runtime.ts'
import { sampleContainer, sampleSandbox } from '../../src/node/cri/sample-config.ts'
import { withRunscPorts } from '../../src/node/streaming/runsc-ports.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { testedHandlers, whyNotOn } from './real-handlers.ts'
import { kubectl, startStub, type Stub } from './stream-stub.ts'

const cgroupParent = '/polypod-stream-e2e'
const script = `
mkdir -p /www; echo served > /www/index.html; httpd -p 80 -h /www
echo started
while read line; do echo "read $line"; echo "err $line" >&2; [ "$line" = bye ] && exit 3; done
sleep infinity`

const hasScript = (await findBinaries(['script'])).has('script')
const binaries = await kubectlBinaries()
for (const handler of testedHandlers) {
  const reason = await whyNotOn(handler)
  describe.skipIf(reason)(`streaming from ${handler}${reason ? ` (skipped: ${reason})` : ''}`, () => realStreams(handler))
}

interface World {
  folder: string
  scope: Scope
  containerd: Containerd
  runtime: Runtime
  stub: Stub
}

async function startWorld(handler: string): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'stream-e2e-'))
  const scope = openScope()
  const containerd = await startContainerd({
    dataDir: join(folder, 'data'),
    clock: systemClock,
    scope,
    log: () => {},
    handlers: [handler],
  })
  const runtime = withRunscPorts(criRuntime(containerd.socket), systemClock)
  const sandbox = sampleSandbox('web', { cgroupParent, logDirectory: join(folder, 'logs') })
  const sandboxId = await runtime.runSandbox(sandbox, handler)
  const program = sampleContainer(sandbox, 'main', 'polypod.dev/busybox:1', ['sh', '-c', script])
  // without stdinOnce containerd detaches as soon as the client's input ends, whatever the container still says
  const config = { ...program, stdin: true, stdinOnce: true }
  const id = await runtime.createContainer(sandboxId, config, sandbox)
  await runtime.startContainer(id)
  const { logPath } = await runtime.containerStatus(id)
  const stub = await startStub(
    { sandboxId, containers: { main: { current: { id, logPath }, tty: false } }, runtime },
    { stdin: true },
  )
  return { folder, scope, containerd, runtime, stub }
}

function realStreams(handler: string): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(handler)
  })
  afterAll(async () => {
    await world.stub[Symbol.asyncDispose]()
    await world.runtime.close()
    await world.containerd.stop({ cgroupRoots: [cgroupParent], purge: true })
    await world.scope.close()
    await rm(world.folder, { recursive: true })
  })

  for (const { name, path, missing } of binaries) {
    describe.skipIf(missing)(`${name} on containerd${missing ? ` (skipped: ${missing})` : ''}`, () => {
      const run = (args: string[], input?: Buffer) => kubectl(path, [...world.stub.flags, ...args], input)
      clientTests(() => world, path, run)
    })
  }

  it('attach feeds the container, whose end ends it and its log', async () => {
    const client = binaries.find(({ missing }) => !missing)
    assert.ok(client, 'no kubectl here')
    const run = (args: string[], input?: Buffer) => kubectl(client.path, [...world.stub.flags, ...args], input)
    const following = run(['logs', '-f', 'web'])
    const attached = await run(['attach', '-i', 'web'], Buffer.from('hello\nbye\n'))
    assert.match(attached.stdout.toString(), /read hello\nread bye\n/)
    assert.match(attached.stderr, /err hello\nerr bye\n/)
    const { code, stdout } = await following
    assert.deepEqual(
      [code, stdout.toString().split('\n').sort()],
      [0, ['', 'err bye', 'err hello', 'read bye', 'read hello', 'started']],
    )
  })
}

function clientTests(
  worldOf: () => World,
  path: string,
  run: (args: string[], input?: Buffer) => ReturnType<typeof kubectl>,
): void {
  it('exec prints and exits with the code of the command', async () => {
    const { code, stdout, stderr } = await run(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42'])
    assert.deepEqual(
      [code, stdout.toString(), stderr.replace(/\r?\n/g, ' ')],
      [42, 'out\n', 'err command terminated with exit code 42 '],
    )
  })

  it('exec never loses its last words, though the runtime closes right behind them', async () => {
    const once = () => run(['exec', 'web', '--', 'sh', '-c', 'echo out; exit 7'])
    for (let round = 0; round < 10; round++) {
      const all = await Promise.all([once(), once(), once(), once()])
      for (const { code, stdout, stderr } of all) assert.deepEqual([code, stdout.toString()], [7, 'out\n'], stderr)
    }
  })

  it('exec -i carries 10 MiB through and ends by closing stdin', async () => {
    const sent = randomBytes(10 * 1024 * 1024)
    const { code, stdout, stderr } = await run(['exec', '-i', 'web', '--', 'cat'], sent)
    assert.deepEqual([code, stderr, stdout.equals(sent)], [0, '', true])
  })

  it('exec says what the runtime says about a missing program', async () => {
    const { code, stderr } = await run(['exec', 'web', '--', '/nope'])
    assert.notEqual(code, 0)
    assert.match(stderr, /no such file or directory/)
  })

  it.skipIf(!hasScript)(
    `exec -it gives a terminal of the client's size${hasScript ? '' : ' (skipped: no script(1))'}`,
    async () => {
      const { stub } = worldOf()
      // the size follows behind the start of the command, as with every kubelet
      const wait = 'for i in 1 2 3 4 5 6 7 8 9; do [ "$(stty size)" = "33 111" ] && break; sleep 0.2; done'
      const inside = `test -t 0 && test -t 1 && ${wait}; stty size; exit 9`
      const outside = `stty rows 33 cols 111; ${path} ${stub.flags.join(' ')} exec -it web -- sh -c '${inside}'`
      const { code, stdout } = await kubectl('script', ['-qec', outside, '/dev/null'], undefined)
      assert.deepEqual([code, /33 111/.test(stdout.toString())], [9, true], stdout.toString())
    },
  )

  it('cp takes files in and out', async () => {
    const { folder } = worldOf()
    const sent = randomBytes(3_000_000)
    await writeFile(join(folder, 'sent'), sent)
    assert.equal((await run(['cp', join(folder, 'sent'), 'default/web:/tmp-file'])).code, 0)
    assert.equal((await run(['cp', 'default/web:/tmp-file', join(folder, 'back')])).code, 0)
    assert.ok((await readFile(join(folder, 'back'))).equals(sent))
  })

  it('port-forward reaches a server inside', async () => {
    const { stub } = worldOf()
    const child = spawn(path, [...stub.flags, 'port-forward', 'pod/web', ':80'])
    let said = ''
    child.stdout.on('data', (part: Buffer) => (said += String(part)))
    const port = await eventually(() => /127.0.0.1:(\d+) -> 80/.exec(said)?.[1])
    const fetchText = () =>
      new Promise<string>((resolve, reject) => get(`http://127.0.0.1:${port}/`, (r) => resolve(text(r))).on('error', reject))
    assert.deepEqual(await Promise.all([fetchText(), fetchText(), fetchText()]), ['served\n', 'served\n', 'served\n'])
    child.kill('SIGINT')
    await once(child, 'close')
  })

  it('logs show what the container wrote', async () => {
    assert.equal((await run(['logs', 'web', '--tail=1'])).stdout.toString(), 'started\n')
  })
}
