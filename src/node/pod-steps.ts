// Does the steps of a plan: the only place where a Pod's worker touches the runtime and the machine.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container } from '../api/core/container.ts'
import { startContainer, StartError } from './container-start.ts'
import { RuntimeError } from './cri/runtime.ts'
import { runPreStop } from './hooks.ts'
import { ImagePullError } from './image-pull.ts'
import { logDirectoryName, uidOf } from './pod-labels.ts'
import { downwardFacts, noteOn, podIPOf, type PodMemory, type PodWorld } from './pod-world.ts'
import { keyOfStep, type Step, stopUnderWay } from './plan-step.ts'
import { pullAuths } from './pull-secrets.ts'
import { allContainers } from './sandbox-config.ts'
import { errorText, podKey, startSandbox } from './sandbox-start.ts'
import { noted } from './trace/pod-notes.ts'
import { mountVolumes, unmountVolumes, VolumeError } from './volumes.ts'

/** Rejects when the step failed; what is known of the failure is in `memory` and in events by then. */
export async function take(step: Step, world: PodWorld, memory: PodMemory): Promise<void> {
  const { runtime } = world
  switch (step.do) {
    case 'mount':
      return mount(world, memory)
    case 'start-sandbox':
      return startSandbox(world, memory, step.attempt)
    case 'pull':
      return pull(world, memory, step.container)
    case 'start':
      return start(world, memory, step)
    case 'stop':
      return stop(world, memory, step)
    case 'stop-sandbox':
      return stopSandbox(world, memory, step.id)
    case 'remove-container':
      return runtime.removeContainer(step.id)
    case 'remove-sandbox':
      return runtime.removeSandbox(step.id)
    case 'release':
      return release(world, memory)
  }
}

const containerOf = ({ pod }: PodMemory, name: string): Container | undefined => allContainers(pod).find((c) => c.name === name)

async function mount(world: PodWorld, memory: PodMemory): Promise<void> {
  const { pod } = memory
  const { configs, facts, log } = world
  memory.stale = false
  try {
    const { dataDir, simulated } = facts
    memory.paths = await mountVolumes(pod, { dataDir, simulated, configs, facts: downwardFacts(world, memory), log })
  } catch (error) {
    if (error instanceof VolumeError) world.events.event({ pod }, 'Warning', error.reason, error.message)
    throw error
  }
}

async function pull(world: PodWorld, memory: PodMemory, name: string): Promise<void> {
  const { pod } = memory
  const container = containerOf(memory, name)
  if (!container) return
  try {
    const auths = await pullAuths(pod, container.image ?? '', world)
    const said = { what: 'PullImage', container: name } as const
    memory.pulled.set(name, await noted(noteOn(world, pod), said, () => world.puller.ensure(pod, container, auths)))
    memory.waiting.delete(name)
  } catch (error) {
    if (error instanceof ImagePullError) {
      memory.waiting.set(name, { reason: error.reason, message: error.message })
      memory.notBefore.set(`pull:${name}`, world.clock.now() + error.retryAfterMs)
    }
    throw error
  }
}

async function start(world: PodWorld, memory: PodMemory, step: Step & { do: 'start' }): Promise<void> {
  const container = containerOf(memory, step.container)
  if (!container) return
  const name = step.container
  const crash = memory.crashes.get(name)
  const sandboxId = memory.seen.sandboxes[0]?.id ?? ''
  try {
    await startContainer(world, memory, container, step.attempt)
    memory.waiting.delete(name)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    if (await hasDied(world, sandboxId)) {
      // the sandbox went first: that is no crash of the container, which starts in the next one
      if (crash) memory.crashes.set(name, crash)
      else memory.crashes.delete(name)
      return
    }
    memory.waiting.set(name, { reason: error.reason, message: error.message })
    throw error
  }
}

const hasDied = async ({ runtime }: PodWorld, sandboxId: string): Promise<boolean> => {
  try {
    return (await runtime.sandboxStatus(sandboxId)).state === 'notready'
  } catch (error) {
    return error instanceof RuntimeError && error.code === 'NotFound'
  }
}

/** The preStop hook is run by the first stop only; a later one with less grace cuts the first short. */
async function stop(world: PodWorld, memory: PodMemory, step: Step & { do: 'stop' }): Promise<void> {
  const { pod, busy } = memory
  const { id, container: name, graceSeconds, why } = step
  const others = new Set([...busy.keys()].filter((key) => key !== keyOfStep(step)))
  let left = graceSeconds
  if (stopUnderWay(others, id) === undefined) {
    world.events.event({ pod, container: name }, 'Normal', 'Killing', why)
    const container = containerOf(memory, name)
    if (container?.lifecycle?.preStop)
      left = await runPreStop({ pod, container, containerId: id, podIP: podIPOf(world, memory) }, graceSeconds, world.hooks)
  }
  try {
    await world.runtime.stopContainer(id, left)
  } catch (error) {
    failedKill(world, memory, `failed to "KillContainer" for "${name}" with KillContainerError: "${errorText(error)}"`)
    throw error
  }
}

async function stopSandbox(world: PodWorld, memory: PodMemory, id: string): Promise<void> {
  const { pod, seen } = memory
  const isEnding = memory.gone || memory.failed !== undefined || pod.metadata.deletionTimestamp !== undefined
  if (seen.sandboxes[0]?.id === id && seen.sandboxes[0].state === 'notready' && !isEnding)
    world.events.event({ pod }, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
  try {
    await world.runtime.stopSandbox(id)
    memory.stoppedSandboxes.add(id)
  } catch (error) {
    failedKill(world, memory, `failed to "KillPodSandbox" for "${uidOf(pod)}" with KillPodSandboxError: "${errorText(error)}"`)
    throw error
  }
}

const failedKill = ({ events }: PodWorld, { pod }: PodMemory, why: string): void =>
  events.event({ pod }, 'Warning', 'FailedKillPod', `error killing pod: ${why}`)

async function release({ facts, configs, prober, cgroups }: PodWorld, memory: PodMemory): Promise<void> {
  const { pod } = memory
  const uid = uidOf(pod)
  prober.dropPod(uid)
  configs.release(uid)
  await unmountVolumes(uid, facts.dataDir)
  await cgroups?.remove(podKey(pod))
  memory.paths = undefined
  memory.released = true
}

/** All that is left of a Pod that is not in the API any more: dead containers and sandboxes, and its logs. */
export async function clearAway({ runtime, facts }: PodWorld, { pod, seen }: PodMemory): Promise<void> {
  await Promise.all(seen.containers.map((c) => runtime.removeContainer(c.id)))
  await Promise.all(seen.sandboxes.map((s) => runtime.removeSandbox(s.id)))
  await rm(join(facts.logRoot, logDirectoryName(pod)), { recursive: true, force: true })
}
