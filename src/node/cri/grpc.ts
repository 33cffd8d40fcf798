// The Runtime that speaks CRI v1 to containerd, CRI-O or whatever serves it on a unix socket.
import type { Client } from '@grpc/grpc-js'
import { Events } from '../../gen/containerd/events_pb.js'
import { ImageService, RuntimeService } from '../../gen/cri_pb.js'
import { parsed } from '../../lib/loose-json.ts'
import { containerEvents } from './grpc-events.ts'
import { openChannel, type Rpc, rpcOf } from './grpc-client.ts'
import {
  type ContainerStatus,
  type Runtime,
  RuntimeError,
  type RuntimeHandler,
  type RuntimeStatus,
  type SandboxStatus,
} from './runtime.ts'
import { containerConfigToWire, resourcesToWire, sandboxConfigToWire } from './wire-config.ts'
import {
  containerFromWire,
  containerStatusFromWire,
  evidenceFromInfo,
  imageFromWire,
  sandboxFromWire,
  sandboxStatusFromWire,
  usageFromWire,
} from './wire-state.ts'

// k8s: the kubelet's --runtime-request-timeout; a sandbox may take twice as long (CNI), pulls have no limit
const runtimeTimeoutMs = 120_000
const sandboxTimeoutMs = 2 * runtimeTimeoutMs

interface World {
  channel: Client
  runtime: Rpc<typeof RuntimeService>
  image: Rpc<typeof ImageService>
  events: Rpc<typeof Events>
  /** CRI's container status does not name its sandbox. */
  sandboxOf: Map<string, string>
  /** What serves a sandbox never changes, and asking costs the runtime a look at the process. */
  evidence: Map<string, SandboxStatus['evidence']>
}

/** `socket` is a path. Connects with the first call; every method rejects with RuntimeError in the runtime's own words. */
export function criRuntime(socket: string): Runtime {
  const channel = openChannel(socket)
  const world: World = {
    channel,
    runtime: rpcOf(channel, RuntimeService),
    image: rpcOf(channel, ImageService),
    events: rpcOf(channel, Events),
    sandboxOf: new Map(),
    evidence: new Map(),
  }
  return {
    socket,
    ...sandboxCalls(world),
    ...containerCalls(world),
    ...streamCalls(world),
    ...imageCalls(world),
    async version() {
      const { runtimeName, runtimeVersion } = await world.runtime.version({}, ordinary)
      return { name: runtimeName, version: runtimeVersion }
    },
    status: () => runtimeStatus(world),
    async close() {
      channel.close()
    },
    events: (signal) => containerEvents(world, signal),
  }
}

const ordinary = { timeoutMs: runtimeTimeoutMs }
const filterBy = (labels: Record<string, string> | undefined) => ({ filter: { labelSelector: labels ?? {} } })

/** CRI asks stop and remove to be idempotent; containerd 1.6 still refuses what it does not know. */
async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof RuntimeError && error.code === 'NotFound')) throw error
  }
}

const triesWhenMissed = 5

/** containerd 1.6 fails a whole list of stats because of one container that went meanwhile; the next list is without it. */
async function againWhenMissed<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const missed = error instanceof RuntimeError && error.code === 'NotFound'
      if (!missed || tries === triesWhenMissed) throw error
    }
  }
}

async function runtimeStatus({ runtime }: World): Promise<RuntimeStatus> {
  const { status, info, runtimeHandlers } = await runtime.status({ verbose: true }, ordinary)
  const conditions = status?.conditions ?? []
  const met = (type: string) => conditions.some((c) => c.type === type && c.status)
  // k8s: a condition that is absent counts as not met, and is reported in this form
  const unmet = ['RuntimeReady', 'NetworkReady']
    .filter((type) => !met(type))
    .map((type) => {
      const { reason = '', message = '' } = conditions.find((c) => c.type === type) ?? {}
      return `${type}=false reason:${reason} message:${message}`
    })
  const config = parsed(info['config'])['containerd'] as ContainerdFacts | undefined
  const defaultHandler = config?.defaultRuntimeName
  return {
    runtimeReady: met('RuntimeReady'),
    networkReady: met('NetworkReady'),
    message: unmet.join(', '),
    handlers: offeredHandlers(runtimeHandlers, config),
    defaultHandler,
    cgroupDriver: cgroupDriverOf(config),
  }
}

/** The part of containerd's verbose status that we read. */
interface ContainerdFacts {
  runtimes?: Record<string, ContainerdRuntime>
  defaultRuntimeName?: string
}

interface ContainerdRuntime {
  runtimeType?: string
  runtimePath?: string
  runtimeEngine?: string
  options?: { SystemdCgroup?: boolean; BinaryName?: string } | null
}

/** Those that CRI lists, else those of the verbose configuration: containerd 1.x lists none, and tells no features. */
export function offeredHandlers(
  listed: readonly Pick<RuntimeHandler, 'name' | 'features'>[],
  config: ContainerdFacts | undefined,
): RuntimeHandler[] {
  const runtimes = config?.runtimes ?? {}
  const names = Object.keys(runtimes).toSorted()
  const configured = (names.length > 0 && config?.defaultRuntimeName !== undefined ? ['', ...names] : names).map((name) => ({
    name,
  }))
  return (listed.length > 0 ? listed : configured).map(({ name, features }: Pick<RuntimeHandler, 'name' | 'features'>) => ({
    name,
    ...(features
      ? { features: { recursiveReadOnlyMounts: features.recursiveReadOnlyMounts, userNamespaces: features.userNamespaces } }
      : {}),
    ...behind(runtimes[name]),
  }))
}

function behind(runtime: ContainerdRuntime | undefined): Pick<RuntimeHandler, 'runtimeType' | 'shimPath' | 'binary'> {
  const { runtimeType, runtimePath, runtimeEngine, options } = runtime ?? {}
  const binary = options?.BinaryName || runtimeEngine
  return {
    ...(runtimeType ? { runtimeType } : {}),
    ...(runtimePath ? { shimPath: runtimePath } : {}),
    ...(binary ? { binary } : {}),
  }
}

function cgroupDriverOf({ runtimes, defaultRuntimeName = '' }: ContainerdFacts = {}): RuntimeStatus['cgroupDriver'] {
  const handler = runtimes?.[defaultRuntimeName]
  return handler && (handler.options?.SystemdCgroup ? 'systemd' : 'cgroupfs')
}

type SandboxCalls = 'runSandbox' | 'stopSandbox' | 'removeSandbox' | 'sandboxStatus' | 'listSandboxes'

function sandboxCalls(world: World): Pick<Runtime, SandboxCalls> {
  const rpc = world.runtime
  return {
    async runSandbox(config, runtimeHandler) {
      const request = { config: sandboxConfigToWire(config), runtimeHandler }
      return (await rpc.runPodSandbox(request, { timeoutMs: sandboxTimeoutMs })).podSandboxId
    },
    stopSandbox: (id) => unlessGone(rpc.stopPodSandbox({ podSandboxId: id }, ordinary)),
    async removeSandbox(id) {
      await unlessGone(rpc.removePodSandbox({ podSandboxId: id }, ordinary))
      world.evidence.delete(id)
      for (const [container, sandbox] of world.sandboxOf) if (sandbox === id) world.sandboxOf.delete(container)
    },
    async sandboxStatus(id) {
      const known = world.evidence.get(id)
      const status = sandboxStatusFromWire(await rpc.podSandboxStatus({ podSandboxId: id, verbose: !known }, ordinary))
      if (!status) throw new RuntimeError('NotFound', `sandbox "${id}" not found`)
      const evidence = known ?? status.evidence
      if (evidence.pid !== undefined) world.evidence.set(id, evidence)
      return { ...status, evidence }
    },
    listSandboxes: async (labels) => (await rpc.listPodSandbox(filterBy(labels), ordinary)).items.map(sandboxFromWire),
  }
}

type ContainerCalls =
  | ('createContainer' | 'startContainer' | 'stopContainer' | 'removeContainer' | 'containerStatus' | 'listContainers')
  | ('reopenContainerLog' | 'updateContainerResources' | 'usage')

function containerCalls(world: World): Pick<Runtime, ContainerCalls> {
  const rpc = world.runtime
  return {
    async createContainer(sandboxId, config, sandbox) {
      const request = {
        podSandboxId: sandboxId,
        config: containerConfigToWire(config),
        sandboxConfig: sandboxConfigToWire(sandbox),
      }
      const { containerId } = await rpc.createContainer(request, ordinary)
      world.sandboxOf.set(containerId, sandboxId)
      return containerId
    },
    startContainer: async (id) => void (await rpc.startContainer({ containerId: id }, ordinary)),
    stopContainer(id, graceSeconds) {
      const timeoutMs = graceSeconds * 1000 + runtimeTimeoutMs
      return unlessGone(rpc.stopContainer({ containerId: id, timeout: BigInt(Math.ceil(graceSeconds)) }, { timeoutMs }))
    },
    async removeContainer(id) {
      await unlessGone(rpc.removeContainer({ containerId: id }, ordinary))
      world.sandboxOf.delete(id)
    },
    containerStatus: (id, { verbose = false } = {}) => containerStatus(world, id, verbose),
    async listContainers(labels) {
      const containers = (await rpc.listContainers(filterBy(labels), ordinary)).containers.map(containerFromWire)
      for (const { id, sandboxId } of containers) world.sandboxOf.set(id, sandboxId)
      return containers
    },
    reopenContainerLog: async (id) => void (await rpc.reopenContainerLog({ containerId: id }, ordinary)),
    async updateContainerResources(id, resources) {
      await rpc.updateContainerResources({ containerId: id, linux: resourcesToWire(resources) }, ordinary)
    },
    usage: () => againWhenMissed(async () => (await rpc.listContainerStats({}, ordinary)).stats.map(usageFromWire)),
  }
}

async function containerStatus({ runtime, sandboxOf }: World, id: string, verbose: boolean): Promise<ContainerStatus> {
  const { status, info } = await runtime.containerStatus({ containerId: id, verbose }, ordinary)
  if (!status) throw new RuntimeError('NotFound', `container "${id}" not found`)
  let sandboxId = sandboxOf.get(status.id)
  if (sandboxId === undefined) {
    const { containers } = await runtime.listContainers({ filter: { id: status.id } }, ordinary)
    sandboxId = containers[0]?.podSandboxId ?? ''
    if (sandboxId) sandboxOf.set(status.id, sandboxId)
  }
  const { pid } = evidenceFromInfo(info)
  return { ...containerStatusFromWire(status, sandboxId), ...(pid === undefined ? {} : { pid }) }
}

function streamCalls({ runtime: rpc }: World): Pick<Runtime, 'execSync' | 'exec' | 'attach' | 'portForward'> {
  return {
    async execSync(containerId, cmd, timeoutSeconds) {
      // k8s: zero means no limit; otherwise the runtime itself is given time to enforce it and to answer
      const options = timeoutSeconds > 0 ? { timeoutMs: timeoutSeconds * 1000 + runtimeTimeoutMs } : {}
      const request = { containerId, cmd, timeout: BigInt(Math.ceil(timeoutSeconds)) }
      const { stdout, stderr, exitCode } = await rpc.execSync(request, options)
      return { stdout, stderr, exitCode }
    },
    exec: async ({ command, ...request }) => (await rpc.exec({ ...request, cmd: command }, ordinary)).url,
    attach: async (request) => (await rpc.attach({ ...request }, ordinary)).url,
    portForward: async (podSandboxId, port) => (await rpc.portForward({ podSandboxId, port }, ordinary)).url,
  }
}

type ImageCalls = 'listImages' | 'imageStatus' | 'pullImage' | 'removeImage' | 'imageFsInfo'

function imageCalls({ image: rpc }: World): Pick<Runtime, ImageCalls> {
  return {
    listImages: async () => (await rpc.listImages({}, ordinary)).images.map(imageFromWire),
    async imageStatus(image) {
      const answer = await rpc.imageStatus({ image: { image } }, ordinary)
      return answer.image && imageFromWire(answer.image)
    },
    async pullImage(image, auth) {
      const login = auth && { username: auth.username, password: auth.password, serverAddress: auth.server ?? '' }
      return (await rpc.pullImage({ image: { image }, ...(login ? { auth: login } : {}) })).imageRef
    },
    removeImage: (image) => unlessGone(rpc.removeImage({ image: { image } }, ordinary)),
    async imageFsInfo() {
      const [first] = (await rpc.imageFsInfo({}, ordinary)).imageFilesystems
      return (
        first && {
          mountpoint: first.fsId?.mountpoint ?? '',
          usedBytes: Number(first.usedBytes?.value ?? 0n),
          inodesUsed: Number(first.inodesUsed?.value ?? 0n),
        }
      )
    },
  }
}
