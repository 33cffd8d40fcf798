// A node on the simulated runtime and a real API server in process, with time in hand.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import type { Client } from '../client/client.ts'
import type { Runtime } from '../node/cri/runtime.ts'
import { simulatedRuntime } from '../node/cri/sim.ts'
import { type NodeOptions, type RunningNode, runNode } from '../node/run.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

export interface TestNode {
  client: Client
  clock: ManualClock
  dataDir: string
  node: RunningNode
  /** The node ends as if it were killed, and begins again; containers go on. */
  restart: (meanwhile?: () => Promise<unknown>) => Promise<RunningNode>
  /** A Pod of namespace default. */
  get: (name: string) => Promise<Pod>
}

/** Node n1, ready, with one handler; gone when the test ends. `wrap` may stand between it and its runtime. */
export async function openTestNode(
  more: Partial<NodeOptions> = {},
  wrap: (runtime: Runtime) => Runtime = (runtime) => runtime,
): Promise<TestNode> {
  const clock = manualClock()
  const dataDir = await mkdtemp(join(tmpdir(), 'polypod-node-'))
  const store = memoryStore()
  const server = await openApiServer({ store, plugins: [], clock })
  const client = server.client('tester')
  const options: NodeOptions = {
    ...{ name: 'n1', client, clock, dataDir, kubeletPort: 10250, log: () => {}, simulated: true },
    runtime: wrap(simulatedRuntime({ handlers: ['runc'], clock })),
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    ...more,
  }
  const start = () => {
    const stop = new AbortController()
    const running = runNode(options, stop.signal)
    const end = () => {
      stop.abort()
      return running.ended
    }
    return { running, end }
  }
  let now = start()
  onTestFinished(async () => {
    await now.end()
    await server.close()
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  await now.running.ready
  return {
    ...{ client, clock, dataDir, node: now.running },
    get: (name) => client.get(Pod, { namespace: 'default', name }),
    async restart(meanwhile) {
      await now.end()
      await meanwhile?.()
      now = start()
      await now.running.ready
      return now.running
    },
  }
}
