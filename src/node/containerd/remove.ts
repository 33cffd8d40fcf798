// Takes an instance away: its Pods, shims, containerd, mounts, network, cgroups and files. Works without a supervisor,
// on whatever a crash left.
import { readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { criRuntime } from '../cri/grpc.ts'
import type { Runtime } from '../cri/runtime.ts'
import { removeCgroups } from './cgroup-remains.ts'
import { command } from './command.ts'
import { type InstancePaths, instancePaths, runRoot } from './instance-paths.ts'
import { endInstance, runningInstance } from './instance-process.ts'
import { removePortRules } from './port-rules.ts'
import { deadShimSockets, killShims, removeFiles, shimSockets, shimsOf } from './shims.ts'

export interface RemoveOptions {
  dataDir: string
  clock: Clock
  log: (line: string) => void
  /** cgroups (from the root of each hierarchy, as `/polypod-x`) that are ours with all below them. */
  cgroupRoots?: readonly string[] | undefined
  /** Deletes images and configuration under the data directory too. */
  purge?: boolean | undefined
}

/** Safe to call when nothing runs, and twice. Reports what could not be removed to `log`. */
export async function removeContainerd(options: RemoveOptions): Promise<void> {
  const { clock, log } = options
  const paths = instancePaths(options.dataDir)
  const running = await runningInstance(paths, clock)
  if (running) await removePods(paths, log)
  const sockets = await shimSockets(paths)
  await untilShimsEnd(paths, clock)
  const killed = await killShims(paths)
  if (killed > 0) log(`killed ${killed} processes that containerd could not end`)
  if (running) await endInstance(running, paths, clock)
  await killShims(paths)
  const steps = [
    () => removeFiles(sockets),
    async () => removeFiles(await deadShimSockets(clock)),
    () => unmountUnder([paths.run, resolve(options.dataDir)], log),
    () => removeNetwork(paths),
    ...(options.cgroupRoots ?? []).map((root) => () => removeCgroups(root, clock, log)),
    () => rm(paths.run, { recursive: true, force: true }),
    () => rm(paths.cniState, { recursive: true, force: true }),
    ...(options.purge ? [() => rm(paths.dir, { recursive: true, force: true })] : []),
  ]
  // what cannot be removed must not keep the rest
  for (const step of steps) await step().catch((error: unknown) => log(String(error)))
  // folders shared with others go only when they are empty
  for (const folder of [runRoot, '/run/containerd/s', '/run/containerd']) await rmdir(folder).catch(() => {})
}

async function removePods(paths: InstancePaths, log: (line: string) => void): Promise<void> {
  const runtime = criRuntime(paths.socket)
  try {
    const waiting = await runtime.listSandboxes()
    // a few at a time: each asks containerd to run CNI plugins and the OCI runtime
    const worker = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await removePod(runtime, next.id).catch((e) => log(String(e)))
    }
    await Promise.all([worker(), worker(), worker(), worker(), worker(), worker(), worker(), worker()])
  } catch (error) {
    log(`containerd did not remove its Pods: ${String(error)}`)
  } finally {
    await runtime.close()
  }
}

async function removePod(runtime: Runtime, id: string): Promise<void> {
  await runtime.stopSandbox(id)
  await runtime.removeSandbox(id)
}

/** A shim ends by itself a moment after its last container. */
async function untilShimsEnd(paths: InstancePaths, clock: Clock): Promise<void> {
  for (let waited = 0; waited < 2000 && (await shimsOf(paths)).length > 0; waited += 50) await clock.sleep(50)
}

/** Deepest first; what is busy is detached and goes with its last user. */
async function unmountUnder(folders: readonly string[], log: (line: string) => void): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  const points = table.split('\n').map((line) => unescape(line.split(' ')[4] ?? ''))
  const ours = points.filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
  for (const point of ours.toReversed()) {
    if ((await command('umount', [point])).code === 0) continue
    const { code, stderr } = await command('umount', ['-l', point])
    if (code !== 0) log(`cannot unmount ${point}: ${stderr.trim()}`)
  }
}

/** mountinfo writes blanks and backslashes in octal. */
const unescape = (text: string) =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

async function removeNetwork(paths: InstancePaths): Promise<void> {
  const { stdout } = await command('ip', ['-o', 'link', 'show', 'master', paths.bridge])
  for (const [, name] of stdout.matchAll(/^\d+: ([^:@\s]+)/gm)) if (name) await command('ip', ['link', 'delete', name])
  await command('ip', ['link', 'delete', paths.bridge])
  await removePortRules(paths.network)
  const cache = '/var/lib/cni/results'
  // the loopback network has one name for everybody: there the sandbox tells whose result it is
  const sandboxes = await readdir(join(paths.state, 'io.containerd.grpc.v1.cri', 'sandboxes')).catch(() => [])
  const ours = [`${paths.network}-`, ...sandboxes.map((id) => `cni-loopback-${id}-`)]
  const results = (await readdir(cache).catch(() => [])).filter((name) => ours.some((start) => name.startsWith(start)))
  await removeFiles(results.map((name) => join(cache, name)))
  for (const folder of [cache, dirname(cache)]) await rmdir(folder).catch(() => {})
}
