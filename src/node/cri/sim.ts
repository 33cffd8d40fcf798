// A Runtime without containers: same answers and refusals as containerd, in process, without root, light enough for
// thousands of nodes. It says what it is (version `simulated`); sim-wishes.ts lists what a Pod may ask of it.
import { randomBytes } from 'node:crypto'
import { woken } from '../../lib/scope.ts'
import { type ContainerEvent, type Runtime, RuntimeError, type RuntimeHandler } from './runtime.ts'
import { simContainerCalls } from './sim-containers.ts'
import { simImageCalls } from './sim-images.ts'
import {
  carries,
  containersOf,
  dropContainer,
  type SimOptions,
  type SimSandbox,
  type SimState,
  type SimWorld,
  stopSandbox,
  takeIp,
  tell,
} from './sim-state.ts'
import { sandboxWishes } from './sim-wishes.ts'

export function simulatedRuntime(options: SimOptions): Runtime {
  const state: SimState = {
    clock: options.clock,
    sandboxes: new Map(),
    containers: new Map(),
    images: new Map(),
    listeners: new Set(),
    writes: new Map(),
    takenIps: new Set(),
    nextIp: 2,
    podRange: rangeOf(options.podCidr ?? '10.244.0.0/24'),
  }
  const newId = options.newId ?? (() => randomBytes(32).toString('hex'))
  const world = { state, newId, options }
  const unimplemented = async (): Promise<never> => {
    throw new RuntimeError('Unimplemented', 'a simulated container has no process to stream to or from')
  }
  return {
    version: async () => ({ name: 'simulated', version: '1' }),
    async status() {
      const features = { recursiveReadOnlyMounts: false, userNamespaces: false }
      const handlers: RuntimeHandler[] = ['', ...options.handlers.toSorted()].map((name) => ({ name, features }))
      return { runtimeReady: true, networkReady: true, message: '', handlers, defaultHandler: options.handlers[0] }
    },
    ...simSandboxCalls(world),
    ...simContainerCalls(world),
    ...simImageCalls(world),
    exec: options.streaming?.exec ?? unimplemented,
    attach: options.streaming?.attach ?? unimplemented,
    portForward: options.streaming?.portForward ?? unimplemented,
    events: (signal) => simEvents(state, signal),
    async close() {
      for (const container of state.containers.values()) container.cancel()
    },
  }
}

function rangeOf(cidr: string): SimState['podRange'] {
  const [address = '', bits = '24'] = cidr.split('/')
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  return { base, size: 2 ** (32 - Number(bits)) }
}

type SandboxCalls = 'runSandbox' | 'stopSandbox' | 'removeSandbox' | 'sandboxStatus' | 'listSandboxes'

function simSandboxCalls(world: SimWorld): Pick<Runtime, SandboxCalls> {
  const { sandboxes } = world.state
  return {
    runSandbox: (config, handler) => runSandbox(world, config, handler),
    async stopSandbox(id) {
      const sandbox = sandboxes.get(id)
      if (sandbox) stopSandbox(world.state, sandbox)
    },
    async removeSandbox(id) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) return
      stopSandbox(world.state, sandbox)
      for (const container of containersOf(world.state, sandbox)) dropContainer(world.state, container)
      sandboxes.delete(id)
      tell(world.state, sandbox, id, 'deleted')
    },
    async sandboxStatus(id) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) throw new RuntimeError('NotFound', 'an error occurred when try to find sandbox: not found')
      const evidence = { runtimeType: 'simulated' }
      return { ...present(sandbox), ip: sandbox.state === 'ready' ? sandbox.ip : '', additionalIps: [], evidence }
    },
    async listSandboxes(labels) {
      return [...sandboxes.values()].filter((s) => carries(s.config.labels, labels)).map(present)
    },
  }
}

const present = ({ id, config, state, createdAt, handler }: SimSandbox) => ({
  id,
  metadata: config.metadata,
  state,
  createdAt,
  labels: config.labels,
  annotations: config.annotations,
  runtimeHandler: handler,
})

async function runSandbox({ state, newId, options }: SimWorld, config: SimSandbox['config'], handler: string): Promise<string> {
  const { name, namespace, uid, attempt } = config.metadata
  const twin = [...state.sandboxes.values()].find((s) => s.config.metadata.uid === uid && s.config.metadata.attempt === attempt)
  if (twin) {
    const reserved = `${name}_${namespace}_${uid}_${attempt}`
    throw new RuntimeError(
      'Unknown',
      `failed to reserve sandbox name "${reserved}": name "${reserved}" is reserved for "${twin.id}"`,
    )
  }
  if (handler !== '' && !options.handlers.includes(handler))
    throw new RuntimeError('Unknown', `failed to get sandbox runtime: no runtime for "${handler}" is configured`)
  const wishes = sandboxWishes(config.annotations, handler)
  if (wishes.sandboxDelayMs > 0) await state.clock.sleep(wishes.sandboxDelayMs)
  if (wishes.failSandbox !== undefined) throw new RuntimeError('Unknown', wishes.failSandbox)
  const ip = config.linux.security.namespaces.network === 'node' ? '' : takeIp(state)
  const sandbox: SimSandbox = { id: newId(), config, handler, state: 'ready', createdAt: state.clock.now(), ip }
  state.sandboxes.set(sandbox.id, sandbox)
  tell(state, sandbox, sandbox.id, 'created')
  tell(state, sandbox, sandbox.id, 'started')
  return sandbox.id
}

async function* simEvents({ listeners }: SimState, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  const waiting: ContainerEvent[] = []
  let wake = () => {}
  const listen = (event: ContainerEvent) => {
    waiting.push(event)
    wake()
  }
  listeners.add(listen)
  try {
    while (!signal.aborted) {
      yield* waiting.splice(0)
      if (waiting.length === 0) await woken(signal, (w) => (wake = w))
    }
  } finally {
    listeners.delete(listen)
  }
}
