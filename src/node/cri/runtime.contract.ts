// What every maker of the Runtime seam must do: simulated, simulated behind gRPC, and real containerd.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { eventually } from '../../testing/eventually.ts'
import {
  type Container,
  type ContainerEvent,
  type ContainerStatus,
  type Runtime,
  RuntimeError,
  type SandboxConfig,
} from './runtime.ts'
import { sampleContainer, sampleSandbox } from './sample-config.ts'

export interface OpenRuntime {
  runtime: Runtime
  /** Offered handlers; the first is the default. */
  handlers: string[]
  /** Present, or to be pulled; has a shell. */
  image: string
  cgroupParent: string
  /** Ends what `open` started. */
  close(): Promise<void>
}

const never = ['sleep', 'infinity']
const nowhere = 'f'.repeat(64)

export function runtimeContract(maker: string, open: () => Promise<OpenRuntime>): void {
  describe(`runtime: ${maker}`, () => {
    let world: OpenRuntime
    let logs: string
    let count = 0
    beforeAll(async () => {
      world = await open()
      logs = await mkdtemp(join(tmpdir(), 'polypod-logs-'))
      await world.runtime.pullImage(world.image).catch(() => {})
    })
    afterAll(async () => {
      for (const { id } of await world.runtime.listSandboxes()) {
        await world.runtime.stopSandbox(id)
        await world.runtime.removeSandbox(id)
      }
      await world.runtime.close()
      await world.close()
      await rm(logs, { recursive: true, force: true })
    })

    const config = () => sampleSandbox(`contract-${++count}`, { cgroupParent: world.cgroupParent, logDirectory: logs })
    const start = async (sandboxId: string, sandbox: SandboxConfig, command: string[]): Promise<string> => {
      const id = await world.runtime.createContainer(
        sandboxId,
        sampleContainer(sandbox, `${sandbox.metadata.name}-c${++count}`, world.image, command),
        sandbox,
      )
      await world.runtime.startContainer(id)
      return id
    }
    const pod = async (command: string[], handler = '') => {
      const sandbox = config()
      const sandboxId = await world.runtime.runSandbox(sandbox, handler)
      return { sandbox, sandboxId, id: await start(sandboxId, sandbox, command) }
    }
    const exited = (id: string): Promise<ContainerStatus> =>
      eventually(async () => {
        const status = await world.runtime.containerStatus(id)
        return status.state === 'exited' ? status : undefined
      })
    const refusal = async (call: Promise<unknown>): Promise<RuntimeError> => {
      const error = await call.then(
        () => assert.fail('was not refused'),
        (e: unknown) => e,
      )
      assert.ok(error instanceof RuntimeError, String(error))
      return error
    }

    it('is ready and lists its handlers, the default one also as ""', async () => {
      const { cgroupDriver, ...status } = await world.runtime.status()
      assert.ok([undefined, 'cgroupfs', 'systemd'].includes(cgroupDriver))
      assert.deepEqual(
        { ...status, handlers: status.handlers.map((h) => h.name).toSorted() },
        {
          runtimeReady: true,
          networkReady: true,
          message: '',
          handlers: ['', ...world.handlers.toSorted()],
          defaultHandler: world.handlers[0],
        },
      )
    })

    it('tells its name and version', async () => {
      const { name, version } = await world.runtime.version()
      assert.match(`${name} ${version}`, /^[a-z-]+ \S+$/)
    })

    it('runs a sandbox on every handler, and reports the handler as it was asked for', async () => {
      for (const handler of ['', ...world.handlers]) {
        const sandbox = config()
        const id = await world.runtime.runSandbox(sandbox, handler)
        const { ip, createdAt, evidence, ...status } = await world.runtime.sandboxStatus(id)
        assert.match(ip, /^\d+\.\d+\.\d+\.\d+$/)
        assert.ok(createdAt > 0 && evidence.runtimeType)
        assert.deepEqual(status, {
          id,
          metadata: sandbox.metadata,
          state: 'ready',
          labels: sandbox.labels,
          annotations: {},
          runtimeHandler: handler,
          additionalIps: [],
        })
      }
    })

    it('refuses an unknown handler in words that name it', async () => {
      const { code, message } = await refusal(world.runtime.runSandbox(config(), 'nope'))
      assert.equal(code, 'Unknown')
      assert.match(message, /no runtime for "nope" is configured$/)
    })

    it('refuses a second sandbox of the same Pod and attempt', async () => {
      const sandbox = config()
      const id = await world.runtime.runSandbox(sandbox, '')
      const { name, uid } = sandbox.metadata
      const { message } = await refusal(world.runtime.runSandbox(sandbox, ''))
      const reserved = `${name}_default_${uid}_0`
      assert.equal(message, `failed to reserve sandbox name "${reserved}": name "${reserved}" is reserved for "${id}"`)
    })

    it('gives each Pod its own address, and none to one on the host network', async () => {
      const ipOf = async (sandbox: SandboxConfig) => {
        const id = await world.runtime.runSandbox(sandbox, '')
        return (await world.runtime.sandboxStatus(id)).ip
      }
      const [a, b] = [await ipOf(config()), await ipOf(config())]
      const host = await ipOf(sampleSandbox(`contract-${++count}`, { cgroupParent: world.cgroupParent, hostNetwork: true }))
      assert.equal(new Set([a, b]).size, 2)
      assert.equal(host, '')
    })

    it('lists by labels', async () => {
      const { sandbox, sandboxId, id } = await pod(never)
      const wanted = { 'io.kubernetes.pod.uid': sandbox.metadata.uid }
      const sandboxes = await world.runtime.listSandboxes(wanted)
      const containers: Container[] = await world.runtime.listContainers(wanted)
      assert.deepEqual(
        [sandboxes.map((s) => s.id), containers.map((c) => [c.id, c.sandboxId, c.state])],
        [[sandboxId], [[id, sandboxId, 'running']]],
      )
      assert.deepEqual(await world.runtime.listContainers({ ...wanted, other: 'label' }), [])
    })

    it('takes a container from created over running to exited and away', async () => {
      const sandbox = config()
      const sandboxId = await world.runtime.runSandbox(sandbox, '')
      const container = sampleContainer(sandbox, 'main', world.image, never)
      const id = await world.runtime.createContainer(sandboxId, container, sandbox)
      const states = [(await world.runtime.containerStatus(id)).state]
      await world.runtime.startContainer(id)
      states.push((await world.runtime.containerStatus(id)).state)
      await world.runtime.stopContainer(id, 0)
      const { createdAt, startedAt, finishedAt, imageRef, image, ...last } = await world.runtime.containerStatus(id)
      assert.deepEqual(states, ['created', 'running'])
      assert.ok(createdAt > 0 && createdAt <= startedAt && startedAt <= finishedAt && imageRef && image)
      assert.deepEqual(last, {
        id,
        sandboxId,
        metadata: { name: 'main', attempt: 0 },
        state: 'exited',
        exitCode: 137,
        reason: 'Error',
        message: '',
        labels: container.labels,
        annotations: {},
        mounts: [],
        logPath: join(logs, 'main.log'),
      })
      await world.runtime.removeContainer(id)
      assert.equal((await refusal(world.runtime.containerStatus(id))).code, 'NotFound')
    })

    it('reports how a container ended', async () => {
      const { sandbox, sandboxId, id } = await pod(['sh', '-c', 'exit 3'])
      const other = await start(sandboxId, sandbox, ['true'])
      const ends = [await exited(id), await exited(other)].map(({ exitCode, reason }) => ({ exitCode, reason }))
      assert.deepEqual(ends, [
        { exitCode: 3, reason: 'Error' },
        { exitCode: 0, reason: 'Completed' },
      ])
    })

    it('will not start a container twice', async () => {
      const { id } = await pod(never)
      assert.match((await refusal(world.runtime.startContainer(id))).message, /container is in CONTAINER_RUNNING state$/)
    })

    it('writes output as CRI log lines, and goes on in a new file after a rotation', async () => {
      const { id } = await pod(['sh', '-c', 'echo one; sleep 1; echo two; sleep 1000'])
      const { logPath } = await world.runtime.containerStatus(id)
      const text = (path: string, has: RegExp) =>
        eventually(async () => {
          const found = await readFile(path, 'utf8')
          return has.test(found) ? found : undefined
        })
      const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z stdout F one\n$/
      assert.match(await text(logPath, /one/), stamp)
      await rename(logPath, `${logPath}.1`)
      await world.runtime.reopenContainerLog(id)
      assert.match(await text(logPath, /two/), /^\S+ stdout F two\n$/)
    })

    it('runs a command in a container', async () => {
      const { id } = await pod(never)
      const said = await world.runtime.execSync(id, ['echo', 'a', 'b'], 10)
      const failed = await world.runtime.execSync(id, ['sh', '-c', 'exit 7'], 10)
      assert.deepEqual([Buffer.from(said.stdout).toString(), said.exitCode, failed.exitCode], ['a b\n', 0, 7])
    })

    it('cuts a command short that takes too long', async () => {
      const { id } = await pod(never)
      const { code, message } = await refusal(world.runtime.execSync(id, ['sleep', '30'], 1))
      assert.equal(code, 'DeadlineExceeded')
      assert.match(message, /timeout 1s exceeded/)
    })

    it('runs no command in a container that has ended', async () => {
      const { id } = await pod(['true'])
      await exited(id)
      const { message } = await refusal(world.runtime.execSync(id, ['true'], 1))
      assert.match(message, /container is in CONTAINER_EXITED state$/)
    })

    it('stops a sandbox with its containers, and removes it with them', async () => {
      const { sandboxId, id } = await pod(never)
      await world.runtime.stopSandbox(sandboxId)
      const stopped = [(await world.runtime.sandboxStatus(sandboxId)).state, (await exited(id)).exitCode]
      await world.runtime.stopSandbox(sandboxId)
      await world.runtime.removeSandbox(sandboxId)
      const gone = await Promise.all([world.runtime.sandboxStatus(sandboxId), world.runtime.containerStatus(id)].map(refusal))
      assert.deepEqual(stopped, ['notready', 137])
      assert.deepEqual(
        gone.map((e) => e.code),
        ['NotFound', 'NotFound'],
      )
    })

    it('takes stopping and removing what is not there for done', async () => {
      await world.runtime.stopSandbox(nowhere)
      await world.runtime.removeSandbox(nowhere)
      await world.runtime.stopContainer(nowhere, 1)
      await world.runtime.removeContainer(nowhere)
      await world.runtime.removeImage('polypod.dev/never-there:1')
    })

    it('tells of an exit once the status shows it', async () => {
      const stop = new AbortController()
      const heard: ContainerEvent[] = []
      const listening = (async () => {
        for await (const event of world.runtime.events(stop.signal)) heard.push(event)
      })()
      // there is no sign of the stream being open: the first Pod that is heard of shows it
      for (let pods = 0; heard.length === 0; pods++) {
        assert.ok(pods < 20, 'no event of 20 Pods was heard of')
        await exited((await pod(['true'])).id)
      }
      const { sandbox, id } = await pod(['sh', '-c', 'exit 4'])
      const event = await eventually(() => heard.find((e) => e.containerId === id && e.type === 'stopped'))
      const { state, exitCode } = await world.runtime.containerStatus(id)
      stop.abort()
      await listening
      assert.deepEqual(event, { podUid: sandbox.metadata.uid, containerId: id, type: 'stopped' })
      assert.deepEqual({ state, exitCode }, { state: 'exited', exitCode: 4 })
    })

    it('knows the image it has and not one it has not', async () => {
      const image = await world.runtime.imageStatus(world.image)
      const listed = await world.runtime.listImages()
      assert.ok(image && listed.some((i) => i.id === image.id && i.repoTags.includes(world.image)))
      assert.equal(await world.runtime.imageStatus('polypod.dev/never-there:1'), undefined)
    })

    it('refuses a container of an image that is not there, and a pull of one that does not exist', async () => {
      const sandbox = config()
      const sandboxId = await world.runtime.runSandbox(sandbox, '')
      const container = sampleContainer(sandbox, 'main', 'polypod.dev/never-there:1', never)
      const refused = await refusal(world.runtime.createContainer(sandboxId, container, sandbox))
      assert.match(refused.message, /image "polypod.dev\/never-there:1"/)
      const pull = await refusal(world.runtime.pullImage('missing.invalid/app:1'))
      assert.match(pull.message, /^failed to pull and unpack image "missing.invalid\/app:1": failed to resolve reference/)
    })

    it('measures running containers', async () => {
      const { sandbox, id } = await pod(never)
      const usage = await eventually(async () => (await world.runtime.usage()).find((u) => u.id === id))
      assert.equal(usage.labels['io.kubernetes.pod.uid'], sandbox.metadata.uid)
      assert.ok(usage.cpuNanoseconds >= 0 && usage.memoryWorkingSetBytes >= 0)
    })

    it('changes the resources of a running container', async () => {
      const { id } = await pod(never)
      await world.runtime.updateContainerResources(id, { cpuShares: 512 })
    })
  })
}
