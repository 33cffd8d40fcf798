// An API server in process and one node on a runtime of the caller's: what the tests of a Pod's life run on.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Event } from '../../src/api/core/event.ts'
import { Pod } from '../../src/api/core/pod.ts'
import type { Client } from '../../src/client/client.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openScope } from '../../src/lib/scope.ts'
import type { CgroupDriver } from '../../src/node/cgroup-fs.ts'
import { startContainerd } from '../../src/node/containerd/supervise.ts'
import { criRuntime } from '../../src/node/cri/grpc.ts'
import type { Runtime } from '../../src/node/cri/runtime.ts'
import { simulatedRuntime } from '../../src/node/cri/sim.ts'
import type { NodeStats } from '../../src/node/pod-stats.ts'
import { type NodeOptions, type RunningNode, runNode } from '../../src/node/run.ts'
import { openApiServer } from '../../src/server/open-server.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { eventually } from '../../src/testing/eventually.ts'

export interface LifeRuntime {
  runtime: Runtime
  simulated: boolean
  /** The default one. */
  handler: string
  image: string
  cgroup?: { root: string; driver: CgroupDriver } | undefined
  /** The runtime dies; whoever looks after it starts it again. */
  crash?: (() => void) | undefined
  close(): Promise<void>
}

export type LifeMaker = (dataDir: string) => Promise<LifeRuntime>

export const simulatedLife: LifeMaker = async () => {
  const runtime = simulatedRuntime({ handlers: ['runc'], clock: systemClock })
  return { runtime, simulated: true, handler: 'runc', image: 'busybox:1', close: () => runtime.close() }
}

/** Runs side by side must not share one. */
export const cgroupRoot = `polypod-e2e-life-${process.pid}`

/** A containerd of its own whose only handler is the default. */
export const containerdLife =
  (handler = 'runc'): LifeMaker =>
  async (dataDir) => {
    const scope = openScope()
    const containerd = await startContainerd({ dataDir, clock: systemClock, scope, log: () => {}, handlers: [handler] })
    return {
      runtime: criRuntime(containerd.socket),
      simulated: false,
      handler,
      image: 'polypod.dev/busybox:1',
      cgroup: { root: cgroupRoot, driver: containerd.cgroupDriver },
      crash: () => void process.kill(containerd.pid(), 'SIGKILL'),
      async close() {
        await containerd.stop({ cgroupRoots: [`/${cgroupRoot}`], purge: true })
        await scope.close()
      },
    }
  }

export interface Life {
  client: Client
  runtime: Runtime
  handler: string
  image: string
  simulated: boolean
  dataDir: string
  /** The node ends as if it were killed; containers go on. */
  stopNode(): Promise<void>
  startNode(more?: Partial<NodeOptions>): Promise<void>
  /** Creates a Pod bound to the node. */
  run(name: string, spec: Record<string, unknown>, annotations?: Record<string, string>): Promise<Pod>
  get(name: string): Promise<Pod>
  /** Waits until `is` holds of the Pod. */
  until(name: string, is: (pod: Pod) => boolean, withinMs?: number): Promise<Pod>
  /** Deletes and waits until it is gone. */
  end(name: string, graceSeconds?: number): Promise<void>
  /** `reason: message` of the Pod's events, in their order. */
  events(name: string): Promise<string[]>
  stats(): Promise<NodeStats>
  logged: string[]
  crash: LifeRuntime['crash']
  close(): Promise<void>
}

export async function openLife(make: LifeMaker): Promise<Life> {
  const dataDir = await mkdtemp(join(tmpdir(), 'polypod-life-'))
  const made = await make(join(dataDir, 'runtime'))
  const store = memoryStore()
  const server = await openApiServer({ store, plugins: [], clock: systemClock })
  const client = server.client('tester')
  const logged: string[] = []
  let running: (RunningNode & { stop: AbortController }) | undefined
  const stopNode = async () => {
    running?.stop.abort()
    await running?.ended
    running = undefined
  }
  const startNode = async (more: Partial<NodeOptions> = {}) => {
    const stop = new AbortController()
    const node = runNode(
      {
        ...{ name: 'node-1', client, clock: systemClock, runtime: made.runtime, dataDir: join(dataDir, 'node'), owner: 'life' },
        ...{ addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], cgroup: made.cgroup, simulated: made.simulated },
        log: (line) => logged.push(line),
        ...more,
      },
      stop.signal,
    )
    running = { ...node, stop }
    await node.ready
  }
  await startNode()
  const get = (name: string) => client.get(Pod, { namespace: 'default', name })
  return {
    ...{
      client,
      runtime: made.runtime,
      handler: made.handler,
      image: made.image,
      simulated: made.simulated,
      dataDir,
      logged,
      stopNode,
      startNode,
      get,
    },
    crash: made.crash,
    run: (name, spec, annotations = {}) =>
      client.create(Pod, podOf(name, { nodeName: 'node-1', terminationGracePeriodSeconds: 2, ...spec }, annotations)),
    async until(name, is, withinMs = 20_000) {
      let last: Pod | undefined
      try {
        return await eventually(async () => {
          last = await get(name)
          return is(last) ? last : undefined
        }, withinMs)
      } catch (error) {
        throw new Error(`${name} stayed ${JSON.stringify(last?.status, null, 1)}\n${logged.join('\n')}`, { cause: error })
      }
    },
    async end(name, graceSeconds) {
      const grace = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }
      await client.delete(Pod, { namespace: 'default', name }, grace)
      await eventually(async () => !(await client.list(Pod)).items.some((p) => p.metadata.name === name), 20_000)
    },
    async events(name) {
      const { items } = await client.list(Event, { fieldSelector: `involvedObject.name=${name}` })
      return items.map(({ reason, message }) => `${reason}: ${message}`)
    },
    stats: () => (running ? running.stats() : Promise.reject(new Error('no node runs'))),
    async close() {
      await stopNode()
      await made.close()
      await server.close()
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export const podOf = (name: string, spec: Record<string, unknown>, annotations: Record<string, string> = {}): Pod =>
  Pod.decode({ metadata: { name, namespace: 'default', annotations }, spec }, { unknown: [] })
