// Which nodes a cluster has and what runs their Pods: our own containerd, a runtime at a socket, or simulated ones.
import { readdir } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Scope } from '../lib/scope.ts'
import { cgroupRootsOf } from '../node/cgroup-tree.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import type { Runtime } from '../node/cri/runtime.ts'
import type { KnownHandler } from '../node/handler/facts.ts'
import type { DataDir } from './data-dir.ts'
import { kubeletOptions } from './kubelet-settings.ts'
import { Problem } from './problem.ts'
import type { RuntimeChoice, Settings } from './settings.ts'

export interface NodePlan {
  name: string
  runtime: Runtime
  simulated: boolean
  /** InternalIP, and the hostIP of its Pods. */
  ip: string
  /** Where Pods' cgroups go, from the root of each hierarchy; absent: the runtime's business. */
  cgroup?: { root: string; driver: 'cgroupfs' | 'systemd' } | undefined
  /** What we know of them beyond what the runtime says. */
  handlers: KnownHandler[]
  /** What the settings say of its kubelet. */
  kubelet?: ReturnType<typeof kubeletOptions> | undefined
}

export interface OpenNodes {
  plans: NodePlan[]
  /** One line for people: which runtime, which handlers. */
  description: string
  /** Whether containers of an earlier start may be running. */
  foundContainers: boolean
  /** Ends Pods and whatever was started to run them. */
  stop: () => Promise<void>
}

export interface NodeWorld {
  dir: DataDir
  settings: Settings
  clock: Clock
  scope: Scope
  log: (line: string) => void
}

/** Handlers of simulated nodes, when none are named. */
const simulatedHandlers = ['runc', 'runc-v1', 'crun', 'gvisor', 'kata']

/** Rejects with Problem: not root, no containerd, a socket nobody answers at. */
export async function openNodes(world: NodeWorld): Promise<OpenNodes> {
  const opened = await openRuntime(world)
  const kubelet = kubeletOptions(world.settings.kubelet)
  return { ...opened, plans: opened.plans.map((plan) => ({ ...plan, kubelet })) }
}

function openRuntime(world: NodeWorld): Promise<OpenNodes> {
  const { runtime } = world.settings
  if (runtime.kind === 'containerd') return openContainerd(world, runtime.handlers)
  if (runtime.kind === 'cri') return openSocket(world, runtime.socket)
  return openSimulated(world, runtime)
}

async function openContainerd({ dir, settings, clock, scope, log }: NodeWorld, handlers?: readonly string[]): Promise<OpenNodes> {
  if (process.getuid?.() !== 0)
    throw new Problem('notRoot', 'running containers needs root: use sudo, or --simulated to run without containers')
  const [{ startContainerd }, { criRuntime }, { withRunscPorts }] = await Promise.all([
    import('../node/containerd/supervise.ts'),
    import('../node/cri/grpc.ts'),
    import('../node/streaming/runsc-ports.ts'),
  ])
  const containerd = await startContainerd({ dataDir: dir.path, clock, scope, log, handlers }).catch((error: Error) => {
    throw new Problem('noContainerd', `${error.message} (--simulated runs without containers)`, error)
  })
  const runtime = scope.own(withRunscPorts(criRuntime(containerd.socket), clock))
  const cgroup = { root: instanceName(dir.path), driver: containerd.cgroupDriver }
  const known = containerd.handlers.map((handler) => ({ ...handler, isDefault: handler.name === containerd.defaultHandler }))
  const named = containerd.handlerNames.map((name) => (name === containerd.defaultHandler ? `${name} (default)` : name))
  const ip = machineIp()
  return {
    plans: [{ name: settings.nodeName, runtime, simulated: false, ip, cgroup, handlers: known }],
    description: `containerd ${containerd.version}${containerd.takenOver ? ', taken over as it ran' : ''}; handlers ${named.join(', ')}`,
    foundContainers: containerd.foundContainers,
    async stop() {
      await containerd.stop({ cgroupRoots: cgroupRootsOf(cgroup.root) })
      await unmountNodes(dir, log)
    },
  }
}

async function openSocket({ dir, settings, clock, scope, log }: NodeWorld, socket: string): Promise<OpenNodes> {
  const [{ criRuntime }, { withRunscPorts }] = await Promise.all([
    import('../node/cri/grpc.ts'),
    import('../node/streaming/runsc-ports.ts'),
  ])
  const runtime = scope.own(withRunscPorts(criRuntime(socket), clock))
  const problem = (error: Error) => {
    throw new Problem('noContainerd', `no CRI runtime answers at ${socket}: ${error.message}`, error)
  }
  const [{ name, version }, { handlers, defaultHandler, cgroupDriver }] = await Promise.all([
    runtime.version(),
    runtime.status(),
  ]).catch(problem)
  const names = handlers.map((handler) => handler.name).filter((name) => name !== '')
  // the runtime tells the rest
  const known = names.map((each) => ({ name: each, isDefault: each === defaultHandler, runtimeType: '' }))
  // a runtime that does not tell how it makes cgroups gets to choose where they lie
  const cgroup =
    cgroupDriver !== undefined && process.getuid?.() === 0 ? { root: instanceName(dir.path), driver: cgroupDriver } : undefined
  return {
    plans: [{ name: settings.nodeName, runtime, simulated: false, ip: machineIp(), cgroup, handlers: known }],
    description: `${name} ${version} at ${socket}; handlers ${names.join(', ')}`,
    foundContainers: true,
    async stop() {
      try {
        await removeOurPods({ runtime, socket }, { dir, clock, log })
      } finally {
        await unmountNodes(dir, log)
      }
    },
  }
}

/** Volumes of Pods are mounts of the machine: they have to go before anybody deletes the data directory through them. */
export async function unmountNodes(dir: DataDir, log: (line: string) => void): Promise<void> {
  const { unmountAllVolumes } = await import('../node/volumes.ts')
  for (const name of await readdir(dir.nodes).catch(() => [])) await unmountAllVolumes(join(dir.nodes, name), log)
}

/** From a runtime that others use too: sandboxes that carry our mark, and the cgroup of our name. Rejects with Problem when it does not answer. */
export async function removeOurPods(
  { runtime, socket }: { runtime: Runtime; socket: string },
  { dir, clock, log }: Pick<NodeWorld, 'dir' | 'clock' | 'log'>,
): Promise<void> {
  const owner = instanceName(dir.path)
  const [{ removePods }, { removeCgroups }] = await Promise.all([
    import('../node/remove-pods.ts'),
    import('../node/containerd/cgroup-remains.ts'),
  ])
  try {
    await removePods(runtime, owner, log)
  } catch (error) {
    const why = 'its Pods could not be removed from there; run `polypod down` again when it does'
    throw new Problem('noContainerd', `no CRI runtime answers at ${socket}: ${why}`, error)
  } finally {
    if (process.getuid?.() === 0) for (const root of cgroupRootsOf(owner)) await removeCgroups(root, clock, log)
  }
}

async function openSimulated({ clock, scope }: NodeWorld, choice: RuntimeChoice & { kind: 'simulated' }): Promise<OpenNodes> {
  const { streamingSimulatedRuntime } = await import('../node/streaming/simulated-streams.ts')
  const handlers = choice.handlers ?? simulatedHandlers
  const plans = Array.from({ length: choice.nodes }, (_, i): NodePlan => {
    // a /24 of 10.0.0.0/8 for each
    const podCidr = `10.${(i >> 8) & 255}.${i & 255}.0/24`
    const runtime = scope.own(streamingSimulatedRuntime({ handlers, clock, podCidr }))
    const known = handlers.map((name, nth) => ({ name, isDefault: nth === 0, runtimeType: 'simulated' }))
    return { name: `node-${i + 1}`, runtime, simulated: true, ip: '127.0.0.1', handlers: known }
  })
  return {
    plans,
    description: `simulated: ${choice.nodes} ${choice.nodes === 1 ? 'node' : 'nodes'}, no real containers; handlers ${handlers.join(', ')}`,
    foundContainers: false,
    stop: async () => {},
  }
}

/** The first address that other machines could know; loopback on a machine without a network. */
function machineIp(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find((a) => a.family === 'IPv4' && !a.internal && !a.address.startsWith('169.254.'))?.address ?? '127.0.0.1'
}
