// Serves any Runtime as CRI v1 over gRPC on a unix socket: the real client is tested without a real runtime.
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf'
import { type handleServerStreamingCall, type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js'
import {
  ContainerEventType,
  type CreateContainerRequest,
  type ExecRequest,
  type ExecSyncRequest,
  type AttachRequest,
  type ImageRef,
  ImageService,
  type ListContainersRequest,
  type ListPodSandboxRequest,
  type PodSandboxRef,
  type ContainerRef,
  type PortForwardRequest,
  type PullImageRequest,
  type RunPodSandboxRequest,
  RuntimeService,
  type StopContainerRequest,
  type UpdateContainerResourcesRequest,
} from '../../gen/cri_pb.js'
import { type ContainerEvent, type Runtime, RuntimeError } from './runtime.ts'
import { containerConfigFromWire, resourcesFromWire, sandboxConfigFromWire } from './wire-config.ts'
import {
  containerStatusToWire,
  containerToWire,
  imageToWire,
  sandboxStatusToWire,
  sandboxToWire,
  usageToWire,
} from './wire-state.ts'

type Handler = (request: Message) => Promise<object>

/** Listens on `socket` (a path that must not exist yet). Closing stops the server, not the runtime. */
export async function serveRuntime(runtime: Runtime, socket: string): Promise<{ close(): Promise<void> }> {
  const server = new Server()
  const answers = { ...sandboxAnswers(runtime), ...containerAnswers(runtime), ...imageAnswers(runtime) }
  addService(
    server,
    RuntimeService,
    (method) => answers[method.name],
    async function* (signal) {
      for await (const event of runtime.events(signal)) yield eventToWire(event)
    },
  )
  addService(server, ImageService, (method) => answers[method.name])
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()))
  })
  return {
    async close() {
      server.forceShutdown()
    },
  }
}

// the descriptors pair each request with its handler; TypeScript cannot follow a table of them
const typed = <R extends Message>(handler: (request: R) => Promise<object>): Handler => handler as unknown as Handler
const done = async (work: Promise<void>): Promise<object> => {
  await work
  return {}
}

function sandboxAnswers(runtime: Runtime): Record<string, Handler> {
  return {
    async Version() {
      const { name, version } = await runtime.version()
      return { version: '0.1.0', runtimeName: name, runtimeVersion: version, runtimeApiVersion: 'v1' }
    },
    async Status() {
      const { runtimeReady, networkReady, message, handlers, defaultHandler } = await runtime.status()
      const conditions = [
        { type: 'RuntimeReady', status: runtimeReady, message: runtimeReady ? '' : message },
        { type: 'NetworkReady', status: networkReady, message: networkReady ? '' : message },
      ]
      const config = JSON.stringify({ containerd: { defaultRuntimeName: defaultHandler } })
      return { status: { conditions }, info: { config }, runtimeHandlers: handlers }
    },
    RunPodSandbox: typed<RunPodSandboxRequest>(async ({ config, runtimeHandler }) => ({
      podSandboxId: await runtime.runSandbox(sandboxConfigFromWire(config), runtimeHandler),
    })),
    StopPodSandbox: typed<PodSandboxRef>(({ podSandboxId }) => done(runtime.stopSandbox(podSandboxId))),
    RemovePodSandbox: typed<PodSandboxRef>(({ podSandboxId }) => done(runtime.removeSandbox(podSandboxId))),
    PodSandboxStatus: typed<PodSandboxRef>(async ({ podSandboxId }) =>
      sandboxStatusToWire(await runtime.sandboxStatus(podSandboxId)),
    ),
    ListPodSandbox: typed<ListPodSandboxRequest>(async ({ filter }) => ({
      items: (await runtime.listSandboxes(filter?.labelSelector))
        .filter((s) => !filter?.id || s.id === filter.id)
        .map(sandboxToWire),
    })),
    PortForward: typed<PortForwardRequest>(async ({ podSandboxId, port }) => ({
      url: await runtime.portForward(podSandboxId, port),
    })),
  }
}

function containerAnswers(runtime: Runtime): Record<string, Handler> {
  return {
    CreateContainer: typed<CreateContainerRequest>(async ({ podSandboxId, config, sandboxConfig }) => ({
      containerId: await runtime.createContainer(
        podSandboxId,
        containerConfigFromWire(config),
        sandboxConfigFromWire(sandboxConfig),
      ),
    })),
    StartContainer: typed<ContainerRef>(({ containerId }) => done(runtime.startContainer(containerId))),
    StopContainer: typed<StopContainerRequest>(({ containerId, timeout }) =>
      done(runtime.stopContainer(containerId, Number(timeout))),
    ),
    RemoveContainer: typed<ContainerRef>(({ containerId }) => done(runtime.removeContainer(containerId))),
    ContainerStatus: typed<ContainerRef>(async ({ containerId }) => ({
      status: containerStatusToWire(await runtime.containerStatus(containerId)),
    })),
    ListContainers: typed<ListContainersRequest>(async ({ filter }) => ({
      containers: (await runtime.listContainers(filter?.labelSelector))
        .filter((c) => !filter?.id || c.id === filter.id)
        .map(containerToWire),
    })),
    ReopenContainerLog: typed<ContainerRef>(({ containerId }) => done(runtime.reopenContainerLog(containerId))),
    UpdateContainerResources: typed<UpdateContainerResourcesRequest>(({ containerId, linux }) =>
      done(runtime.updateContainerResources(containerId, resourcesFromWire(linux))),
    ),
    ListContainerStats: async () => ({ stats: (await runtime.usage()).map(usageToWire) }),
    ExecSync: typed<ExecSyncRequest>(({ containerId, cmd, timeout }) => runtime.execSync(containerId, cmd, Number(timeout))),
    Exec: typed<ExecRequest>(async ({ cmd, ...request }) => ({ url: await runtime.exec({ ...request, command: cmd }) })),
    Attach: typed<AttachRequest>(async (request) => ({ url: await runtime.attach(request) })),
  }
}

function imageAnswers(runtime: Runtime): Record<string, Handler> {
  return {
    ListImages: async () => ({ images: (await runtime.listImages()).map(imageToWire) }),
    ImageStatus: typed<ImageRef>(async ({ image }) => {
      const present = await runtime.imageStatus(image?.image ?? '')
      return present ? { image: imageToWire(present) } : {}
    }),
    PullImage: typed<PullImageRequest>(async ({ image, auth }) => {
      const login = auth && { username: auth.username, password: auth.password, server: auth.serverAddress }
      return { imageRef: await runtime.pullImage(image?.image ?? '', login) }
    }),
    RemoveImage: typed<ImageRef>(({ image }) => done(runtime.removeImage(image?.image ?? ''))),
    async ImageFsInfo() {
      const usage = await runtime.imageFsInfo()
      if (!usage) return {}
      const usedBytes = { value: BigInt(usage.usedBytes) }
      const inodesUsed = { value: BigInt(usage.inodesUsed) }
      return { imageFilesystems: [{ fsId: { mountpoint: usage.mountpoint }, usedBytes, inodesUsed }] }
    },
  }
}

const eventTypes: Record<ContainerEvent['type'], ContainerEventType> = {
  created: ContainerEventType.CONTAINER_CREATED_EVENT,
  started: ContainerEventType.CONTAINER_STARTED_EVENT,
  stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  deleted: ContainerEventType.CONTAINER_DELETED_EVENT,
}

const eventToWire = ({ podUid, containerId, type }: ContainerEvent): object => ({
  containerId,
  containerEventType: eventTypes[type],
  podSandboxStatus: { metadata: { uid: podUid } },
})

function addService(
  server: Server,
  service: DescService,
  answerOf: (method: DescMethod) => Handler | undefined,
  stream?: Source,
): void {
  const encode = (schema: DescMessage) => (answer: object) =>
    Buffer.from(toBinary(schema, create(schema, answer as Record<string, unknown>)))
  for (const method of service.methods) {
    const path = `/${service.typeName}/${method.name}`
    const answer = answerOf(method)
    const decode = (bytes: Buffer) => fromBinary(method.input, bytes)
    if (method.methodKind === 'unary' && answer) server.register(path, unary(answer), encode(method.output), decode, 'unary')
    if (method.methodKind === 'server_streaming' && stream)
      server.register(path, streaming(stream), encode(method.output), decode, 'serverStream')
  }
}

function unary(answer: Handler): handleUnaryCall<Message, object> {
  return (call, callback) =>
    void (async () => {
      let value: object
      try {
        value = await answer(call.request)
      } catch (error) {
        return callback(statusOf(error))
      }
      callback(null, value)
    })()
}

type Source = (signal: AbortSignal) => AsyncIterable<object>

function streaming(source: Source): handleServerStreamingCall<Message, object> {
  return (call) => {
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort())
    call.on('close', () => gone.abort())
    void (async () => {
      try {
        for await (const value of source(gone.signal)) call.write(value)
        call.end()
      } catch (error) {
        call.emit('error', statusOf(error))
      }
    })()
  }
}

const codes: Record<RuntimeError['code'], status> = {
  NotFound: status.NOT_FOUND,
  AlreadyExists: status.ALREADY_EXISTS,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
  Unavailable: status.UNAVAILABLE,
  Unimplemented: status.UNIMPLEMENTED,
  Unknown: status.UNKNOWN,
}

const statusOf = (error: unknown) =>
  error instanceof RuntimeError
    ? { code: codes[error.code], details: error.message }
    : { code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }
