// A containerd of our own, beside the machine's: configured, started, watched, taken over after a crash of ours.
import { mkdir } from 'node:fs/promises'
import { type ContainerdConfig, type HandlerEntry, renderConfig } from '../../containerd/config-model.ts'
import { type HandlerRecipe, handlerTable, offeredHandlers } from '../../containerd/handler-table.ts'
import { configFormat } from '../../containerd/version.ts'
import { writeAtomically } from '../../lib/atomic-file.ts'
import { delayAfter } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Scope } from '../../lib/scope.ts'
import { criRuntime } from '../cri/grpc.ts'
import type { Runtime } from '../cri/runtime.ts'
import { findMachine, type Machine } from './binaries.ts'
import { type NetworkOptions, type PodNetwork, setUpNetwork } from './cni.ts'
import { editedConfig } from './edited-config.ts'
import { handlerEntry } from './handler-entry.ts'
import { busyboxOf, importImages, pauseImage, pauseOf } from './images.ts'
import { type InstancePaths, instancePaths } from './instance-paths.ts'
import {
  endInstance,
  hashOf,
  type InstanceProcess,
  launchInstance,
  logSize,
  logTail,
  runningInstance,
} from './instance-process.ts'
import { hasSysResource, hybridCgroups, snapshotterFor, systemdIsInit } from './machine-facts.ts'
import { removeContainerd } from './remove.ts'
import { shimsOf } from './shims.ts'

export interface ContainerdOptions {
  /** Everything but sockets lies below it; one instance per directory. */
  dataDir: string
  clock: Clock
  /** Supervision ends with it; containerd and its containers go on. */
  scope: Scope
  log: (line: string) => void
  /** Only these handlers; default: all that the machine has the binaries for. */
  handlers?: readonly string[] | undefined
  network?: NetworkOptions | undefined
}

export interface OfferedHandler {
  name: string
  runtimeType: string
  shim: string
  /** Path of the OCI runtime; absent when the shim is the runtime. */
  runtime?: string | undefined
}

export interface Containerd {
  /** CRI, and containerd's own API. */
  socket: string
  version: string
  /** Those of the handler table, in its order. */
  handlers: OfferedHandler[]
  /** All that its configuration has: also those that a user added. */
  handlerNames: string[]
  defaultHandler: string
  cgroupDriver: 'systemd' | 'cgroupfs'
  network: PodNetwork
  /** Whether it ran already, and goes on as it was. */
  takenOver: boolean
  /** Whether containers of an earlier start were there; they may be although that containerd is gone, or had to be replaced. */
  foundContainers: boolean
  pid(): number
  /** Ends supervision, Pods, shims and containerd, and leaves nothing behind but the data directory. */
  stop(options?: StopOptions): Promise<void>
}

export interface StopOptions {
  cgroupRoots?: readonly string[] | undefined
  purge?: boolean | undefined
}

interface Instance {
  options: ContainerdOptions
  paths: InstancePaths
  machine: Machine
  config: string
  process: InstanceProcess
}

/**
 * Resolves when CRI answers and our images are there. Rejects with an error of one line, or of containerd's own last lines;
 * nothing of this start runs on then, only containers of an earlier one and the containerd that serves them.
 */
export async function startContainerd(options: ContainerdOptions): Promise<Containerd> {
  if (globalThis.process.getuid?.() !== 0)
    throw new Error('only root can run a containerd: start as root, or use the simulated runtime')
  const machine = await findMachine()
  const paths = instancePaths(options.dataDir)
  const foundContainers = (await shimsOf(paths)).length > 0
  try {
    return { ...(await startInstance(options, machine, paths)), foundContainers }
  } catch (error) {
    const { dataDir, clock, log } = options
    if (!foundContainers) await removeContainerd({ dataDir, clock, log })
    throw error
  }
}

async function startInstance(
  options: ContainerdOptions,
  machine: Machine,
  paths: InstancePaths,
): Promise<Omit<Containerd, 'foundContainers'>> {
  for (const folder of [paths.dir, paths.bin, paths.run]) await mkdir(folder, { recursive: true, mode: 0o711 })
  const network = await setUpNetwork(paths, machine.tools.get('iptables'), options.network ?? {})
  const model = await configure(machine, paths, { network, wanted: options.handlers })
  const config = await editedConfig(paths, renderConfig(model))
  const { process, takenOver } = await obtain(options, { paths, machine, config: config.text })
  await config.note()
  const instance: Instance = { options, paths, machine, config: config.text, process }
  await provideImages(instance, model.snapshotter)
  const stopped = new AbortController()
  options.scope.run('containerd', (signal) => supervise(instance, AbortSignal.any([signal, stopped.signal])))
  return {
    socket: paths.socket,
    version: machine.containerd.text,
    handlers: model.handlers
      .filter(({ recipe }) => config.handlers.includes(recipe.name))
      .map(({ recipe }) => offered(recipe, machine)),
    handlerNames: config.handlers,
    defaultHandler: config.defaultHandler,
    cgroupDriver: model.systemdCgroup ? 'systemd' : 'cgroupfs',
    network,
    takenOver,
    pid: () => instance.process.pid,
    async stop(how = {}) {
      stopped.abort()
      const { dataDir, clock, log } = options
      await removeContainerd({ dataDir, clock, log, ...how })
    },
  }
}

const offered = ({ name, runtimeType, shim, runtime }: HandlerRecipe, { runtimes }: Machine): OfferedHandler => ({
  name,
  runtimeType,
  shim: runtimes.get(shim) ?? shim,
  runtime: runtime === undefined ? undefined : runtimes.get(runtime),
})

interface Wishes {
  network: PodNetwork
  wanted: readonly string[] | undefined
}

async function configure(machine: Machine, paths: InstancePaths, { network, wanted }: Wishes): Promise<ContainerdConfig> {
  const recipes = offeredHandlers(machine.runtimes, machine.containerd.version).filter((r) => !wanted || wanted.includes(r.name))
  const missing = wanted?.filter((name) => !recipes.some((r) => r.name === name)) ?? []
  if (missing.length > 0) throw new Error(`no runtime on this machine for handler ${missing.join(', ')}`)
  const [first] = recipes
  if (!first)
    throw new Error(
      `no container runtime on this machine (looked for ${handlerTable.map((r) => r.runtime ?? r.shim).join(', ')})`,
    )
  const place = { machine, paths, hybridCgroups: await hybridCgroups(), systemdCgroup: await systemdIsInit() }
  const handlers: HandlerEntry[] = []
  for (const recipe of recipes) handlers.push(await handlerEntry(recipe, place))
  return {
    format: configFormat(machine.containerd.version),
    root: paths.root,
    state: paths.state,
    socket: paths.socket,
    handlers,
    defaultHandler: recipes.find((r) => r.name === 'runc')?.name ?? first.name,
    sandboxImage: pauseImage,
    snapshotter: await snapshotterFor(paths.dir),
    cniBinDir: network.binDir,
    cniConfDir: paths.cniConf,
    systemdCgroup: place.systemdCgroup,
    restrictOomScoreAdj: !(await hasSysResource()),
  }
}

type Wanted = Pick<Instance, 'paths' | 'machine' | 'config'>

async function obtain(options: ContainerdOptions, wanted: Wanted): Promise<{ process: InstanceProcess; takenOver: boolean }> {
  const { paths, config } = wanted
  const running = await runningInstance(paths, options.clock)
  if (running && running.configHash === hashOf(config) && (await answersSoon(paths.socket, options.clock, 5000)))
    return { process: running, takenOver: true }
  // containers live under their shims and do not notice when containerd alone is replaced
  if (running) await endInstance(running, paths, options.clock)
  await writeAtomically(paths.config, config, 0o600)
  // whoever killed it while it started may be gone by now; a mistake of ours shows again at once
  const process = await launch(options, wanted).catch(() => launch(options, wanted))
  return { process, takenOver: false }
}

/** Starts containerd and waits until CRI answers. */
async function launch({ clock }: ContainerdOptions, { paths, machine }: Wanted): Promise<InstanceProcess> {
  const from = await logSize(paths)
  const process = await launchInstance(machine.containerd.path, paths)
  const over = new AbortController()
  const failed = process.ended(over.signal).then(async () => {
    if (!over.signal.aborted) throw new Error(`containerd ended at once:\n${await logTail(paths, from)}`)
  })
  const ready = answersSoon(paths.socket, clock, 60_000, over.signal).then((answered) => {
    if (!answered && !over.signal.aborted) throw new Error(`containerd does not answer on ${paths.socket}`)
  })
  try {
    await Promise.race([ready, failed])
    return process
  } catch (error) {
    await endInstance(process, paths, clock)
    throw error
  } finally {
    over.abort()
    await Promise.allSettled([ready, failed])
  }
}

/** Whether CRI says its version within `withinMs`. */
async function answersSoon(socket: string, clock: Clock, withinMs: number, signal?: AbortSignal): Promise<boolean> {
  const until = clock.now() + withinMs
  while (clock.now() < until && !signal?.aborted) {
    if (await answers(socket)) return true
    await clock.sleep(20, signal)
  }
  return false
}

async function answers(socket: string): Promise<boolean> {
  const runtime = criRuntime(socket)
  try {
    return (await runtime.version()).name !== ''
  } catch {
    return false
  } finally {
    await runtime.close()
  }
}

async function supervise(instance: Instance, signal: AbortSignal): Promise<void> {
  const { options } = instance
  const { clock, log } = options
  let failures = 0
  while (!signal.aborted) {
    const since = clock.now()
    await instance.process.ended(signal)
    if (signal.aborted) return
    if (clock.now() - since > 60_000) failures = 0
    log('containerd ended; starting it again')
    while (!signal.aborted) {
      await clock.sleep(delayAfter(++failures, { baseMs: 100, maxMs: 10_000 }), signal)
      if (signal.aborted) return
      try {
        instance.process = await launch(options, instance)
        log(`containerd runs again (pid ${instance.process.pid})`)
        break
      } catch (error) {
        log(error instanceof Error ? error.message : String(error))
      }
    }
  }
}

async function provideImages({ paths, machine, options }: Instance, snapshotter: string): Promise<void> {
  const runtime: Runtime = criRuntime(paths.socket)
  try {
    const ctr = machine.tools.get('ctr')
    const busybox = machine.tools.get('busybox')
    const makers = [
      { name: pauseImage, make: () => pauseOf(process.arch, busybox) },
      ...(busybox === undefined ? [] : [{ name: 'polypod.dev/busybox:1', make: () => busyboxOf(busybox) }]),
    ]
    const present = await Promise.all(makers.map(({ name }) => runtime.imageStatus(name)))
    const missing = makers.filter((_, i) => !present[i])
    if (missing.length === 0) return
    if (ctr === undefined) throw new Error('ctr is not installed: it comes with containerd and is needed to import images')
    const store = { runtime, socket: paths.socket, ctr, snapshotter, dir: paths.dir, clock: options.clock }
    await importImages(store, await Promise.all(missing.map(({ make }) => make())))
  } finally {
    await runtime.close()
  }
}
