// The handlers of one node, from its registration on: what it says of them, proved and published.
import type { Node } from '../../api/core/node.ts'
import type { Client } from '../../client/client.ts'
import { eventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../lib/clock.ts'
import { cgroupNames, type CgroupDriver } from '../cgroup-tree.ts'
import type { Runtime, RuntimeStatus } from '../cri/runtime.ts'
import { handlerProver, type ProvingOptions } from './prover.ts'
import { handlerPublisher, nodeMarks } from './publish.ts'

export interface NodeHandlersOptions {
  name: string
  client: Client
  clock: Clock
  runtime: Runtime
  owner?: string | undefined
  simulated: boolean
  cgroup?: { root: string; driver: CgroupDriver } | undefined
  log: (line: string) => void
}

export interface NodeHandlers {
  /** For the Node when it registers. */
  labels: Record<string, string>
  annotations: Record<string, string>
  /** For Pods: what fails on it makes a handler suspect. */
  runtime: Runtime
  runtimeIs(status: RuntimeStatus | undefined): void
  /** Until `signal` aborts. Never rejects. */
  run(node: { current(): Node }, signal: AbortSignal): Promise<void>
}

/** On a simulated Node, with the handler's name behind: the text its canaries fail with. */
const failAnnotation = 'simulated.polypod.dev/fail-handler.'

/** Resolves with what a new Node may say at once; real handlers are proved by `run`, simulated ones are proved already. */
export async function openHandlers(options: NodeHandlersOptions, proving: ProvingOptions): Promise<NodeHandlers> {
  const { name, client, clock, runtime, owner = name, simulated, log } = options
  let registered: { current(): Node } | undefined
  const prover = handlerProver({
    ...{ cgroupParent: options.cgroup && kubepods(options.cgroup), ...proving },
    ...{ runtime, clock, owner, simulated, log },
    simulatedFailure: (handler) => registered?.current().metadata.annotations?.[failAnnotation + handler],
  })
  const { labels, annotations } = nodeMarks(await prover.before())
  return {
    ...{ labels, annotations },
    runtime: prover.watching(runtime),
    runtimeIs: (status) => prover.runtimeIs(status),
    async run(node, signal) {
      registered = node
      const events = eventRecorder(client, { component: 'kubelet', host: name, clock })
      const publisher = handlerPublisher({ client, clock, events, node, publish: proving.publish ?? true, log })
      await prover.run((handlers) => publisher.tell(handlers), signal)
    },
  }
}

/** Beside the cgroups of Pods, within what all Pods together may use. */
function kubepods({ root, driver }: { root: string; driver: CgroupDriver }): string {
  const { kubepods: path } = cgroupNames(root, driver)
  return driver === 'systemd' ? (path.at(-1) ?? '') : `/${path.join('/')}`
}
