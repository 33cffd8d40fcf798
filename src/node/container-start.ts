// Starts one container of a Pod: configuration, CreateContainer, StartContainer, postStart.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Container } from '../api/core/container.ts'
import { containerConfig } from './container-config.ts'
import { countRestart } from './crash-loop.ts'
import type { ContainerConfig, SandboxConfig } from './cri/runtime.ts'
import { ConfigError, resolveEnv } from './env.ts'
import { HookError, runPostStart } from './hooks.ts'
import type { PresentImage } from './image-pull.ts'
import { etcHostsMount, terminationMount } from './pod-files.ts'
import { downwardFacts, noteOn, podIPOf, type PodMemory, type PodWorld } from './pod-world.ts'
import { graceOf } from './plan-step.ts'
import { sandboxConfigFor } from './sandbox-start.ts'
import { latest } from './seen.ts'
import { noted } from './trace/pod-notes.ts'
import { containerMounts } from './volumes.ts'

/** Why a container does not run: its waiting reason and message. */
export class StartError extends Error {
  override name = 'StartError'
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Throws StartError; its event is recorded already. Image, volumes and sandbox are there. */
export async function startContainer(world: PodWorld, memory: PodMemory, container: Container, attempt: number): Promise<void> {
  const { runtime, events } = world
  const { pod, seen } = memory
  const { name } = container
  const [sandbox] = seen.sandboxes
  const image = memory.pulled.get(name)
  const fail = (reason: string, error: unknown): never => {
    const message = textOf(error)
    events.event({ pod, container: name }, 'Warning', 'Failed', `Error: ${message}`)
    throw new StartError(reason, message)
  }
  if (!sandbox || !image) return fail('CreateContainerError', new Error('sandbox or image is gone'))
  const last = latest(seen, name)
  if (last?.state === 'exited') memory.crashes.set(name, countRestart(memory.crashes.get(name), last.finishedAt))
  // the next start looks at the image afresh, as its pull policy says
  memory.pulled.delete(name)
  const { config, sandboxConfig } = await configFor(world, memory, container, {
    attempt,
    image,
    sandbox: sandbox.metadata,
  }).catch((error: unknown) => fail(error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError', error))
  const about = noteOn(world, pod)
  const id = await noted(about, { what: 'CreateContainer', container: name }, () =>
    runtime.createContainer(sandbox.id, config, sandboxConfig),
  ).catch((e: unknown) => fail('CreateContainerError', e))
  events.event({ pod, container: name }, 'Normal', 'Created', `Created container: ${name}`)
  await noted(about, { what: 'StartContainer', container: name }, () => runtime.startContainer(id)).catch((e: unknown) =>
    fail('RunContainerError', e),
  )
  events.event({ pod, container: name }, 'Normal', 'Started', `Started container ${name}`)
  await afterStart(world, memory, container, id)
}

/** k8s: a failed postStart hook kills the container. */
async function afterStart(world: PodWorld, memory: PodMemory, container: Container, containerId: string): Promise<void> {
  const { pod } = memory
  const { name } = container
  if (!container.lifecycle?.postStart) return
  try {
    await runPostStart({ pod, container, containerId, podIP: podIPOf(world, memory) }, world.hooks)
  } catch (error) {
    if (!(error instanceof HookError)) throw error
    world.events.event({ pod, container: name }, 'Normal', 'Killing', 'FailedPostStartHook')
    await world.runtime.stopContainer(containerId, graceOf(pod))
    throw new StartError('PostStartHookError', error.message)
  }
}

interface StartFacts {
  attempt: number
  image: PresentImage
  sandbox: SandboxConfig['metadata']
}

async function configFor(
  world: PodWorld,
  memory: PodMemory,
  container: Container,
  { attempt, image, sandbox }: StartFacts,
): Promise<{ config: ContainerConfig; sandboxConfig: SandboxConfig }> {
  const { facts } = world
  const { dataDir, owner, memoryCapacityBytes, apiServer } = facts
  const { pod } = memory
  const downward = downwardFacts(world, memory)
  const { configs, events } = world
  const services = world.services(pod.metadata.namespace ?? '')
  const env = await resolveEnv(pod, container, { ...downward, configs, events, apiServer, services })
  const own = await containerMounts(pod, container, memory.paths ?? new Map(), { dataDir, env, simulated: facts.simulated })
  const { clusterDomain } = facts.dns
  const made = await Promise.all([
    etcHostsMount(pod, container, { dataDir, podIPs: downward.podIPs, clusterDomain }),
    terminationMount(pod, container, dataDir),
  ])
  const mounts = [...own, ...made.filter((m) => m !== undefined)]
  const config = containerConfig(pod, container, {
    ...{ attempt, imageRef: image.ref, image: image.image, env, mounts, owner, dataDir, memoryCapacityBytes },
  })
  const { config: sandboxConfig } = sandboxConfigFor(world, pod, sandbox.attempt)
  await mkdir(dirname(join(sandboxConfig.logDirectory, config.logPath)), { recursive: true })
  return { config, sandboxConfig }
}
