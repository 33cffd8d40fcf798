// Containers of the simulated runtime.
import { join } from 'node:path'
import { type ContainerConfig, type ContainerStatus, type ExecResult, type Runtime, RuntimeError } from './runtime.ts'
import { scriptOf, type Script } from './sim-shell.ts'
import { imageIdOf, imageOf } from './sim-images.ts'
import { carries, dropContainer, endContainer, runScript, type SimContainer, type SimWorld, tell, writeLog } from './sim-state.ts'
import { containerWishes } from './sim-wishes.ts'

type ContainerCalls =
  | ('createContainer' | 'startContainer' | 'stopContainer' | 'removeContainer' | 'containerStatus' | 'listContainers')
  | ('reopenContainerLog' | 'updateContainerResources' | 'usage' | 'execSync')

export function simContainerCalls(world: SimWorld): Pick<Runtime, ContainerCalls> {
  const { state } = world
  return {
    createContainer: (sandboxId, config) => createContainer(world, sandboxId, config),
    startContainer: (id) => startContainer(world, find(world, id)),
    async stopContainer(id, graceSeconds) {
      const container = state.containers.get(id)
      if (container) await stopContainer(world, container, graceSeconds)
    },
    async removeContainer(id) {
      const container = state.containers.get(id)
      if (container) dropContainer(state, container)
    },
    containerStatus: async (id) => statusOf(find(world, id)),
    async listContainers(labels) {
      return [...state.containers.values()].filter((c) => carries(c.config.labels, labels)).map(brief)
    },
    async reopenContainerLog(id) {
      writeLog(state, running(find(world, id), 'container is not running'), '')
    },
    async updateContainerResources(id, resources) {
      const container = find(world, id)
      const linux = { ...container.config.linux, resources: { ...container.config.linux.resources, ...resources } }
      container.config = { ...container.config, linux }
    },
    async usage() {
      return [...state.containers.values()]
        .filter((c) => c.state === 'running')
        .map((c) => ({
          id: c.id,
          labels: c.config.labels,
          cpuNanoseconds: Math.round((state.clock.now() - c.startedAt) * c.wishes.cpuMillicores * 1000),
          memoryWorkingSetBytes: c.wishes.memoryBytes,
        }))
    },
    execSync: (id, command, timeoutSeconds) => execSync(world, find(world, id), command, timeoutSeconds),
  }
}

function find({ state }: SimWorld, id: string): SimContainer {
  const container = state.containers.get(id)
  if (!container) throw new RuntimeError('NotFound', `an error occurred when try to find container "${id}": not found`)
  return container
}

function running(container: SimContainer, refusal: string): SimContainer {
  if (container.state !== 'running') throw new RuntimeError('Unknown', refusal)
  return container
}

async function createContainer({ state, newId }: SimWorld, sandboxId: string, config: ContainerConfig): Promise<string> {
  const sandbox = state.sandboxes.get(sandboxId)
  if (!sandbox) throw new RuntimeError('NotFound', `failed to find sandbox id "${sandboxId}": not found`)
  const imageId = imageIdOf(state, config.image)
  if (imageId === undefined) throw new RuntimeError('NotFound', `failed to resolve image "${config.image}": not found`)
  const container: SimContainer = {
    id: newId(),
    sandbox,
    config,
    imageRef: imageOf(state, imageId).repoDigests[0] ?? imageId,
    wishes: containerWishes(sandbox.config.annotations, config.metadata.name),
    state: 'created',
    createdAt: state.clock.now(),
    startedAt: 0,
    finishedAt: 0,
    exitCode: 0,
    reason: '',
    message: '',
    cancel: () => {},
    ended: new Set(),
  }
  state.containers.set(container.id, container)
  tell(state, sandbox, container.id, 'created')
  return container.id
}

async function startContainer({ state }: SimWorld, container: SimContainer): Promise<void> {
  const { wishes, sandbox, config } = container
  if (container.state !== 'created')
    throw new RuntimeError('Unknown', `container is in CONTAINER_${container.state.toUpperCase()} state`)
  if (sandbox.state !== 'ready') throw new RuntimeError('Unknown', `sandbox container "${sandbox.id}" is not running`)
  if (wishes.startDelayMs > 0) await state.clock.sleep(wishes.startDelayMs)
  if (wishes.failStart !== undefined) {
    container.reason = 'StartError'
    container.message = wishes.failStart
    endContainer(state, container, 128)
    throw new RuntimeError('Unknown', wishes.failStart)
  }
  container.state = 'running'
  container.startedAt = state.clock.now()
  tell(state, sandbox, container.id, 'started')
  writeLog(state, container, wishes.log === undefined ? '' : `${wishes.log}\n`)
  const script = wishedScript(container) ?? (config.stdin ? undefined : scriptOf([...config.command, ...config.args]))
  if (script) runScript(state, container, script)
}

function wishedScript({ wishes: { exitCode, runForMs } }: SimContainer): Script | undefined {
  if (exitCode === undefined && runForMs === undefined) return undefined
  return { steps: runForMs ? [{ sleepMs: runForMs }] : [], exitCode: exitCode ?? 0 }
}

async function stopContainer({ state }: SimWorld, container: SimContainer, graceSeconds: number): Promise<void> {
  if (container.state !== 'running') return
  const { stopMs, stopExitCode } = container.wishes
  const graceMs = graceSeconds * 1000
  const obeys = graceMs > 0 && stopMs <= graceMs
  const ended = new Promise<void>((resolve) => container.ended.add(resolve))
  const wait = obeys ? stopMs : graceMs
  if (wait > 0) await Promise.race([ended, state.clock.sleep(wait)])
  endContainer(state, container, obeys ? stopExitCode : 137)
}

async function execSync(
  world: SimWorld,
  container: SimContainer,
  command: string[],
  timeoutSeconds: number,
): Promise<ExecResult> {
  const { execExitCode, execOutput } = container.wishes
  running(container, `failed to exec in container: container is in CONTAINER_${container.state.toUpperCase()} state`)
  const script = scriptOf(command)
  const answer = (stdout: string, stderr: string, exitCode: number): ExecResult => ({
    stdout: Buffer.from(stdout),
    stderr: Buffer.from(stderr),
    exitCode,
  })
  if (!script && execExitCode === undefined && execOutput === undefined)
    return answer('', `simulated container: cannot run ${JSON.stringify(command[0] ?? '')}\n`, 127)
  let printed = execOutput ?? ''
  let leftMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : Number.POSITIVE_INFINITY
  for (const step of script?.steps ?? []) {
    if ('print' in step) printed += step.print
    else {
      await world.state.clock.sleep(Math.min(step.sleepMs, leftMs))
      leftMs -= step.sleepMs
      if (leftMs < 0) throw timedOut(timeoutSeconds)
    }
  }
  if (script && script.exitCode === undefined) throw timedOut(timeoutSeconds)
  return answer(printed, '', execExitCode ?? script?.exitCode ?? 0)
}

const timedOut = (seconds: number) =>
  new RuntimeError('DeadlineExceeded', `failed to exec in container: timeout ${seconds}s exceeded: context deadline exceeded`)

const brief = (c: SimContainer) => ({
  id: c.id,
  sandboxId: c.sandbox.id,
  metadata: c.config.metadata,
  image: c.config.image,
  imageRef: c.imageRef,
  state: c.state,
  createdAt: c.createdAt,
  labels: c.config.labels,
  annotations: c.config.annotations,
})

const statusOf = (c: SimContainer): ContainerStatus => ({
  ...brief(c),
  startedAt: c.startedAt,
  finishedAt: c.finishedAt,
  exitCode: c.exitCode,
  reason: c.reason,
  message: c.message,
  logPath: c.sandbox.config.logDirectory && c.config.logPath ? join(c.sandbox.config.logDirectory, c.config.logPath) : '',
  mounts: c.config.mounts,
})
