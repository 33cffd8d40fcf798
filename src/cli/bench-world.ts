// What `measure` and `scorecard` run their Pods on: the CRI socket of the cluster's real node, in a cgroup of its own, one of them at a time.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataDir } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { readSettings } from '../cluster/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { LockedError, takePidLock } from '../lib/pid-lock.ts'
import type { Scope } from '../lib/scope.ts'
import { measureRootOf } from '../node/cgroup-tree.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import type { BenchWorld } from '../node/measure/bench-pod.ts'
import { criSocketOf } from './status.ts'

export interface OpenBench {
  world: BenchWorld
  nodeName: string
  /** Those that were asked for, or all the runtime lists; in the runtime's order. */
  handlers: string[]
  /** Aborts on Ctrl-C: what was started is then cleared away. */
  signal: AbortSignal
}

export const testImage = 'polypod.dev/busybox:1'

/** All of it ends with `scope`. Throws Problem where nothing real can be measured. */
export async function openBench(dir: DataDir, wanted: readonly string[] | undefined, scope: Scope): Promise<OpenBench> {
  const settings = await readSettings(dir)
  const socket = settings && criSocketOf(dir, settings.runtime)
  if (!settings || socket === undefined)
    throw new Problem('failed', 'the nodes are simulated: there is nothing real to measure (start a cluster without --simulated)')
  if (process.getuid?.() !== 0)
    throw new Problem('notRoot', 'measuring needs root: it talks to the container runtime and reads the memory of its processes')
  await measureLock(dir, scope)
  const [{ criRuntime }, { podCgroups }, { removeBenchPods }] = await Promise.all([
    import('../node/cri/grpc.ts'),
    import('../node/cgroup-fs.ts'),
    import('../node/measure/bench-pod.ts'),
  ])
  const runtime = scope.own(criRuntime(socket))
  const { handlers: offered, cgroupDriver } = await runtime.status()
  const log = (line: string) => console.error(`polypod: ${line}`)
  const owner = instanceName(dir.path)
  const cgroups = cgroupDriver && (await podCgroups({ root: measureRootOf(owner), driver: cgroupDriver, log }))
  const logDirectory = await emptyDirectory(join(dir.path, 'measure-logs'), scope)
  const world = { runtime, owner, clock: systemClock, cgroups, image: await imageOf(runtime), logDirectory, log }
  await removeBenchPods(world)
  scope.own({ close: () => removeBenchPods(world) })
  const names = offered.map(({ name }) => name).filter((name) => name !== '')
  return { world, nodeName: settings.nodeName, handlers: chosenHandlers(names, wanted), signal: interrupted(scope) }
}

/** Those that were asked for, or all. Throws Problem for one that is not there. */
export function chosenHandlers(names: readonly string[], wanted: readonly string[] | undefined): string[] {
  const unknown = wanted?.filter((name) => !names.includes(name)) ?? []
  if (unknown.length > 0)
    throw new Problem('failed', `no handler ${unknown.join(', ')} on this node: it has ${names.join(', ') || 'none'}`)
  return [...(wanted ?? names)]
}

/** Held until `scope` ends. Throws Problem while another process of the kind runs. */
export async function measureLock(dir: DataDir, scope: Scope): Promise<void> {
  try {
    scope.own(await takePidLock(join(dir.path, 'measure.lock')))
  } catch (error) {
    if (error instanceof LockedError)
      throw new Problem('failed', `process ${error.pid} measures already: two at a time would measure each other`, error)
    throw error
  }
}

/** Gone when `scope` ends; what a killed run left in it is gone now. */
async function emptyDirectory(path: string, scope: Scope): Promise<string> {
  const remove = () => rm(path, { recursive: true, force: true })
  await remove()
  await mkdir(path, { recursive: true })
  scope.own({ close: remove })
  return path
}

async function imageOf(runtime: BenchWorld['runtime']): Promise<string> {
  const found = await runtime.imageStatus(testImage)
  if (found) return found.id
  return runtime.pullImage(testImage).catch((error: Error) => {
    throw new Problem(
      'failed',
      `the runtime has no image ${testImage}: import one (it must hold busybox): ${error.message}`,
      error,
    )
  })
}

/** Aborts on Ctrl-C, which then does not end the process. */
export function interrupted(scope: Scope): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  scope.own({
    async close() {
      process.removeListener('SIGINT', abort)
      process.removeListener('SIGTERM', abort)
    },
  })
  return controller.signal
}
