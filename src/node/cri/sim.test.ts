import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { criRuntime } from './grpc.ts'
import { type Runtime, RuntimeError } from './runtime.ts'
import { runtimeContract } from './runtime.contract.ts'
import { sampleContainer, sampleSandbox } from './sample-config.ts'
import { serveRuntime } from './sim-server.ts'
import { simulatedRuntime } from './sim.ts'

const handlers = ['runc', 'crun']
const image = 'polypod.dev/busybox:1'

/** Five times as fast, because the contract is written for containers that take their time. */
const quickClock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms / 5, signal),
  after: (ms, wake) => systemClock.after(ms / 5, wake),
}

runtimeContract('simulated', async () => ({
  runtime: simulatedRuntime({ handlers, clock: quickClock }),
  handlers,
  image,
  cgroupParent: '',
  close: async () => {},
}))

runtimeContract('simulated, through gRPC', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'polypod-cri-'))
  const socket = join(dir, 'cri.sock')
  const server = await serveRuntime(simulatedRuntime({ handlers, clock: quickClock }), socket)
  return {
    runtime: criRuntime(socket),
    handlers,
    image,
    cgroupParent: '',
    async close() {
      await server.close()
      await rm(dir, { recursive: true })
    },
  }
})

describe('usage through gRPC', () => {
  it('is asked for again when a container went while it was listed', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'polypod-cri-'))
    let missed = 2
    const usage = async () => {
      if (missed-- > 0) throw new RuntimeError('NotFound', 'failed to get container ID: gone: not found')
      return []
    }
    const socket = join(dir, 'cri.sock')
    const server = await serveRuntime({ ...simulatedRuntime({ handlers, clock: quickClock }), usage }, socket)
    const runtime = criRuntime(socket)
    try {
      assert.deepEqual(await runtime.usage(), [])
      missed = Infinity
      await assert.rejects(runtime.usage(), { code: 'NotFound' })
    } finally {
      await runtime.close()
      await server.close()
      await rm(dir, { recursive: true })
    }
  })
})

const key = (name: string) => `simulated.polypod.dev/${name}`

async function podOf(runtime: Runtime, annotations: Record<string, string>) {
  const sandbox = sampleSandbox('pod', { annotations })
  await runtime.pullImage(image)
  const sandboxId = await runtime.runSandbox(sandbox, '')
  const id = await runtime.createContainer(sandboxId, sampleContainer(sandbox, 'main', image, ['server']), sandbox)
  return { sandboxId, id }
}

describe('annotations of a simulated Pod', () => {
  it('end a container after the time and with the code asked for', async () => {
    const clock = manualClock()
    const runtime = simulatedRuntime({ handlers, clock })
    const { id } = await podOf(runtime, { [key('run-for-ms')]: '5000', [key('exit-code.main')]: '9', [key('exit-code')]: '1' })
    await runtime.startContainer(id)
    await clock.advance(4999)
    const before = (await runtime.containerStatus(id)).state
    await clock.advance(1)
    const { state, exitCode, startedAt, finishedAt } = await runtime.containerStatus(id)
    assert.deepEqual([before, state, exitCode, finishedAt - startedAt], ['running', 'exited', 9, 5000])
  })

  it('let a server run until it is stopped, and obey SIGTERM in its own time', async () => {
    const clock = manualClock()
    const runtime = simulatedRuntime({ handlers, clock })
    const { id } = await podOf(runtime, { [key('stop-ms')]: '2000' })
    await runtime.startContainer(id)
    await clock.advance(1e9)
    const stopping = runtime.stopContainer(id, 30)
    await clock.advance(1999)
    const before = (await runtime.containerStatus(id)).state
    await clock.advance(1)
    await stopping
    const { state, exitCode } = await runtime.containerStatus(id)
    assert.deepEqual([before, state, exitCode], ['running', 'exited', 143])
  })

  it('kill a container that does not obey within its grace', async () => {
    const clock = manualClock()
    const runtime = simulatedRuntime({ handlers, clock })
    const { id } = await podOf(runtime, { [key('stop-ms')]: '2000' })
    await runtime.startContainer(id)
    const stopping = runtime.stopContainer(id, 1)
    await clock.advance(1000)
    await stopping
    assert.equal((await runtime.containerStatus(id)).exitCode, 137)
  })

  it('refuse a sandbox or a start in the words given', async () => {
    const runtime = simulatedRuntime({ handlers, clock: manualClock() })
    await assert.rejects(
      podOf(runtime, { [key('fail-sandbox')]: 'no network today' }),
      new RuntimeError('Unknown', 'no network today'),
    )
    const { id } = await podOf(runtime, { [key('fail-start')]: 'exec format error' })
    await assert.rejects(runtime.startContainer(id), new RuntimeError('Unknown', 'exec format error'))
    const { state, exitCode, reason, message } = await runtime.containerStatus(id)
    assert.deepEqual([state, exitCode, reason, message], ['exited', 128, 'StartError', 'exec format error'])
  })

  it('answer a probe', async () => {
    const runtime = simulatedRuntime({ handlers, clock: manualClock() })
    const { id } = await podOf(runtime, { [key('exec-exit-code')]: '1', [key('exec-output')]: 'ill' })
    await runtime.startContainer(id)
    const { stdout, exitCode } = await runtime.execSync(id, ['/healthz'], 1)
    assert.deepEqual([Buffer.from(stdout).toString(), exitCode], ['ill', 1])
  })
})

describe('simulated runtime', () => {
  it('says plainly that a command it does not know is not run', async () => {
    const runtime = simulatedRuntime({ handlers, clock: manualClock() })
    const { id } = await podOf(runtime, {})
    await runtime.startContainer(id)
    const { stderr, exitCode } = await runtime.execSync(id, ['ls', '/'], 1)
    assert.deepEqual([Buffer.from(stderr).toString(), exitCode], ['simulated container: cannot run "ls"\n', 127])
  })

  it('refuses a sandbox when every address is taken, and gives freed ones out again', async () => {
    const runtime = simulatedRuntime({ handlers, clock: manualClock(), podCidr: '10.1.2.0/29' })
    const run = (name: string) => runtime.runSandbox(sampleSandbox(name), '')
    const ids = [await run('a'), await run('b'), await run('c'), await run('d'), await run('e')]
    await assert.rejects(run('f'), /no IP addresses available in range set/)
    await runtime.stopSandbox(ids[2] ?? '')
    assert.equal((await runtime.sandboxStatus(await run('g'))).ip, '10.1.2.4')
  })
})
