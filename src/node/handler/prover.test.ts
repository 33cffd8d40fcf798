// Proofs on a simulated runtime, with time in hand and binaries that are files of the test.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, onTestFinished } from 'vitest'
import { eventually } from '../../testing/eventually.ts'
import { manualClock } from '../../testing/manual-clock.ts'
import { type Runtime, RuntimeError, type SandboxConfig } from '../cri/runtime.ts'
import { simulatedRuntime } from '../cri/sim.ts'
import { canaryLabel } from './canary.ts'
import { handlerProver, type ProvedHandler, type ProvingOptions } from './prover.ts'

async function open(proving: Partial<ProvingOptions> = {}) {
  const clock = manualClock()
  const dir = await mkdtemp(join(tmpdir(), 'polypod-prover-'))
  const binary = join(dir, 'crun')
  const write = async (version: string) => {
    await writeFile(binary, `#!/bin/sh\necho crun version ${version}\n`)
    await chmod(binary, 0o755)
  }
  await write('1.0')
  const sim = simulatedRuntime({ handlers: ['runc', 'crun'], clock })
  /** What RunPodSandbox does: fail with these words, hang, or work. */
  const fault: { text: string | undefined; hangs: boolean } = { text: undefined, hangs: false }
  const canaries: { handler: string; config: SandboxConfig }[] = []
  const runtime: Runtime = {
    ...sim,
    async runSandbox(config, handler) {
      if (config.labels[canaryLabel]) canaries.push({ handler, config })
      if (fault.hangs && handler === 'crun') await clock.sleep(60_000)
      if (fault.text !== undefined && handler === 'crun') throw new RuntimeError('Unknown', fault.text)
      return sim.runSandbox(config, handler)
    },
  }
  const type = { isDefault: false, runtimeType: 'io.containerd.runc.v2' }
  const known = [{ ...type, name: 'crun', shim: '/bin/sh', runtime: binary }]
  const prover = handlerProver({
    ...{ runtime, clock, owner: 'me', simulated: false, known, log: () => {}, simulatedFailure: () => undefined, ...proving },
  })
  let told: readonly ProvedHandler[] = []
  const stop = new AbortController()
  const status = await sim.status()
  const running = prover.run(async (handlers) => void (told = handlers), stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await running
    await rm(dir, { recursive: true })
  })
  const crun = () => told.find(({ facts }) => facts.name === 'crun')
  const isSo = async (state: string, reason: string) => {
    const { verdict } = crun() ?? {}
    assert.deepEqual([verdict?.state, verdict?.reason], [state, reason])
    return true
  }
  return {
    ...{ clock, prover, status, sim, fault, canaries, write, binary, crun, isSo, dir },
    /** Time goes by until it is so, `ms` at most; files are looked at meanwhile, which no clock of ours can hurry. */
    within: async (ms: number, state: string, reason: string) => {
      const until = clock.now() + ms
      await eventually(async () => {
        if (clock.now() < until) await clock.advance(ms / 10)
        return isSo(state, reason)
      }, 5000)
    },
  }
}

const proves = (canaries: readonly { handler: string }[]) => canaries.map(({ handler }) => handler)

describe('the prover', () => {
  it('proves every handler at the start, the default one first, and leaves nothing behind', async () => {
    const { prover, status, within, canaries, sim } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    assert.deepEqual(proves(canaries), ['runc', 'crun'])
    assert.deepEqual(await sim.listSandboxes(), [])
    const { labels, metadata, logDirectory } = canaries[1]?.config ?? assert.fail()
    assert.deepEqual([labels, metadata.namespace, logDirectory], [{ 'polypod.dev/canary-of': 'me' }, 'polypod-system', ''])
  })

  it('knows within a minute that a binary is gone, and that it is back', async () => {
    const { prover, status, within, canaries, binary, crun, dir } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    await rename(binary, join(dir, 'away'))
    await within(20_000, 'not-ready', 'BinaryNotFound')
    assert.equal(crun()?.verdict.message, `crun: executable not found at ${binary}`)
    assert.deepEqual(proves(canaries), ['runc', 'crun'])
    await rename(join(dir, 'away'), binary)
    await within(20_000, 'ready', 'CanarySucceeded')
    assert.deepEqual(proves(canaries), ['runc', 'crun', 'crun'])
  })

  it('leaves it to canaries where it never saw the binary: a runtime may have files of its own', async () => {
    const { prover, status, within, binary, clock, isSo } = await open()
    await rm(binary)
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    await clock.advance(60_000)
    await isSo('ready', 'CanarySucceeded')
  })

  it('proves a binary that became another, and learns its version', async () => {
    const { prover, status, within, write, crun, canaries, clock } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    assert.equal(crun()?.facts.version, '1.0')
    await write('1.10.1')
    await eventually(async () => {
      await clock.advance(3000)
      return crun()?.facts.version === '1.10.1' && canaries.length === 3
    }, 5000)
  })

  it('believes a handler broken that fails twice, in its own words, and tries until it works', async () => {
    const { prover, status, within, fault, crun } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    fault.text = 'could not open /dev/kvm'
    await within(360_000, 'not-ready', 'CanaryFailed')
    assert.deepEqual([crun()?.verdict.message, crun()?.verdict.failures], ['could not open /dev/kvm', 2])
    fault.text = undefined
    await within(45_000, 'ready', 'CanarySucceeded')
  })

  it('proves at once after a Pod could not start, and not for ever', async () => {
    const { prover, status, within, fault, sim, canaries, clock } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    const config = canaries[0]?.config ?? assert.fail()
    const pods = prover.watching({
      ...sim,
      runSandbox: async () => {
        throw new RuntimeError('Unknown', 'failed to start shim')
      },
    })
    fault.text = 'failed to start shim'
    await assert.rejects(pods.runSandbox({ ...config, labels: {} }, 'crun'), /failed to start shim/)
    await within(15_000, 'not-ready', 'CanaryFailed')
    fault.text = undefined
    await within(45_000, 'ready', 'CanarySucceeded')
    const before = canaries.length
    // the Pod's own fault: the canary works
    await assert.rejects(pods.runSandbox({ ...config, labels: {} }, 'crun'))
    let looks = 0
    await eventually(async () => {
      await clock.advance(1000)
      return ++looks === 30
    })
    assert.deepEqual(proves(canaries.slice(before)), ['crun'])
  })

  it('does not wait for a handler that hangs, and takes away what comes late', async () => {
    const { prover, status, within, fault, sim, clock } = await open()
    fault.hangs = true
    prover.runtimeIs(status)
    await within(50_000, 'not-ready', 'CanaryTimedOut')
    fault.hangs = false
    await clock.advance(60_000)
    await within(60_000, 'ready', 'CanarySucceeded')
    await eventually(async () => (await sim.listSandboxes()).length === 0)
  })

  it('proves anew when the runtime has been away, and says nothing of handlers meanwhile', async () => {
    const { prover, status, within, canaries, clock, isSo } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    prover.runtimeIs(undefined)
    await clock.advance(600_000)
    await isSo('ready', 'CanarySucceeded')
    prover.runtimeIs(structuredClone(status))
    await eventually(async () => {
      await clock.advance(100)
      assert.deepEqual(proves(canaries), ['runc', 'crun', 'runc', 'crun'])
      return true
    }, 3000)
    assert.equal(canaries.length, 4)
  })

  it('drops a handler that is offered no more, and proves one that is new', async () => {
    const { prover, status, within, canaries, crun, clock } = await open()
    const only = (name: string) => ({ ...status, handlers: status.handlers.filter((h) => h.name === name) })
    prover.runtimeIs(only('runc'))
    await eventually(async () => {
      await clock.advance(100)
      return proves(canaries).includes('runc')
    }, 5000)
    assert.equal(crun(), undefined)
    prover.runtimeIs(status)
    await within(1000, 'ready', 'CanarySucceeded')
  })

  it('takes away what an earlier life left', async () => {
    const { sim, canaries, prover, status, within } = await open()
    prover.runtimeIs(status)
    await within(500, 'ready', 'CanarySucceeded')
    const config = canaries[0]?.config ?? assert.fail()
    const again = { ...config, metadata: { ...config.metadata, uid: 'other' } }
    await sim.runSandbox(again, 'runc')
    await sim.runSandbox({ ...again, metadata: { ...again.metadata, uid: 'theirs' }, labels: { [canaryLabel]: 'you' } }, 'runc')
    const clock = manualClock()
    const options = { runtime: sim, clock, owner: 'me', simulated: true, known: [], log: () => {} }
    const stop = new AbortController()
    const second = handlerProver({ ...options, simulatedFailure: () => undefined }).run(async () => {}, stop.signal)
    const left = await eventually(async () => {
      const sandboxes = await sim.listSandboxes()
      return sandboxes.length === 1 ? sandboxes : undefined
    })
    assert.deepEqual(left[0]?.labels, { [canaryLabel]: 'you' })
    stop.abort()
    await second
  })
})
