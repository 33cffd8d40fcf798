// What a simulated runtime remembers, and the only functions that change it.
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { logLine } from './log-line.ts'
import { type ContainerConfig, type ContainerEvent, type Runtime, RuntimeError, type SandboxConfig } from './runtime.ts'
import type { Script } from './sim-shell.ts'
import type { ContainerWishes } from './sim-wishes.ts'

export interface SimSandbox {
  id: string
  config: SandboxConfig
  handler: string
  state: 'ready' | 'notready'
  createdAt: number
  ip: string
}

export interface SimContainer {
  id: string
  sandbox: SimSandbox
  config: ContainerConfig
  imageRef: string
  wishes: ContainerWishes
  state: 'created' | 'running' | 'exited'
  createdAt: number
  startedAt: number
  finishedAt: number
  exitCode: number
  reason: string
  message: string
  /** Cancels the timer that would end it or let it write. */
  cancel: () => void
  /** Callbacks waiting for its end. */
  ended: Set<() => void>
}

export interface SimState {
  clock: Clock
  sandboxes: Map<string, SimSandbox>
  containers: Map<string, SimContainer>
  /** Full name to image id. */
  images: Map<string, string>
  listeners: Set<(event: ContainerEvent) => void>
  /** The last write to each log file: lines keep their order. */
  writes: Map<string, Promise<void>>
  takenIps: Set<string>
  nextIp: number
  podRange: { base: number; size: number }
}

export interface SimOptions {
  /** RuntimeClass handlers; the first is what "" stands for. */
  handlers: readonly string[]
  clock: Clock
  /** Where Pods get their addresses from; default 10.244.0.0/24. A /8 to /30. */
  podCidr?: string | undefined
  /** How long a pull takes; default 0. Images of host `missing.invalid` or tag `missing` are not found. */
  pullMs?: number | undefined
  /** Answers exec, attach and port-forward with URLs; without it they are Unimplemented. */
  streaming?: Pick<Runtime, 'exec' | 'attach' | 'portForward'> | undefined
  /** Ids as containerd makes them, 64 hex digits; for tests that compare them. */
  newId?: (() => string) | undefined
}

export interface SimWorld {
  state: SimState
  newId: () => string
  options: SimOptions
}

export const carries = (labels: Record<string, string>, wanted: Record<string, string> = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

export function tell(state: SimState, sandbox: SimSandbox, containerId: string, type: ContainerEvent['type']): void {
  const podUid = sandbox.config.metadata.uid
  for (const listen of state.listeners) listen({ podUid, containerId, type })
}

/** Runs `script` from its step `at`; the container may end within the call. */
export function runScript(state: SimState, container: SimContainer, script: Script, at = 0): void {
  for (let i = at; i < script.steps.length; i++) {
    const step = script.steps[i]
    if (step && 'print' in step) writeLog(state, container, step.print)
    if (step && 'sleepMs' in step) {
      container.cancel = state.clock.after(step.sleepMs, () => runScript(state, container, script, i + 1))
      return
    }
  }
  if (script.exitCode !== undefined) endContainer(state, container, script.exitCode)
}

export function endContainer(state: SimState, container: SimContainer, exitCode: number): void {
  if (container.state === 'exited') return
  container.cancel()
  container.cancel = () => {}
  container.state = 'exited'
  container.finishedAt = state.clock.now()
  container.exitCode = exitCode
  container.reason ||= exitCode === 0 ? 'Completed' : 'Error'
  for (const done of container.ended) done()
  container.ended.clear()
  tell(state, container.sandbox, container.id, 'stopped')
}

export function stopSandbox(state: SimState, sandbox: SimSandbox): void {
  for (const container of containersOf(state, sandbox)) if (container.state === 'running') endContainer(state, container, 137)
  if (sandbox.state === 'notready') return
  sandbox.state = 'notready'
  state.takenIps.delete(sandbox.ip)
  tell(state, sandbox, sandbox.id, 'stopped')
}

export const containersOf = (state: SimState, sandbox: SimSandbox): SimContainer[] =>
  [...state.containers.values()].filter((c) => c.sandbox === sandbox)

export function dropContainer(state: SimState, container: SimContainer): void {
  if (container.state === 'running') endContainer(state, container, 137)
  state.containers.delete(container.id)
  state.writes.delete(container.id)
  tell(state, container.sandbox, container.id, 'deleted')
}

/** The next free address of the node's range, in turn, so that an address rests before it is used again. */
export function takeIp(state: SimState): string {
  const { base, size } = state.podRange
  for (let tries = 0; tries < size; tries++) {
    const offset = state.nextIp
    state.nextIp = offset + 1 >= size - 1 ? 2 : offset + 1
    const address = (base + offset) >>> 0
    const ip = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
    if (state.takenIps.has(ip)) continue
    state.takenIps.add(ip)
    return ip
  }
  throw new RuntimeError('Unknown', 'failed to setup network for sandbox: no IP addresses available in range set')
}

/** Appends in CRI format where the log directory exists; a Pod without one is no reason to fail. */
export function writeLog(state: SimState, container: SimContainer, text: string): void {
  const { config, sandbox, id } = container
  if (!config.logPath || !sandbox.config.logDirectory) return
  const path = join(sandbox.config.logDirectory, config.logPath)
  const at = state.clock.now()
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const bytes = lines.map((line) => logLine(at, 'stdout', line)).join('')
  const write = (state.writes.get(id) ?? Promise.resolve()).then(() => appendFile(path, bytes, { mode: 0o640 }).catch(() => {}))
  state.writes.set(id, write)
}
