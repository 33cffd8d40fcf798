// Posts the status of our Node: at once when the runtime changes, else when something differs, at least every five minutes.
import type { Node } from '../api/core/node.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { isNotFound } from '../api/status.ts'
import type { Clock } from '../lib/clock.ts'
import { type Mailbox, mailbox } from '../lib/mailbox.ts'
import type { Image, Runtime, RuntimeStatus } from './cri/runtime.ts'
import type { PressureCondition } from './eviction-signals.ts'
import { nodeInfo } from './machine-info.ts'
import type { NodeObject } from './node-object.ts'
import { nodeStatus } from './node-status.ts'

export interface StatusPosterOptions {
  name: string
  clock: Clock
  runtime: Pick<Runtime, 'version' | 'listImages'>
  node: NodeObject
  capacity: ResourceList
  reserved?: ResourceList | undefined
  addresses: readonly { type: string; address: string }[]
  port: number
  log: (line: string) => void
}

export interface StatusPoster {
  /** Undefined: it does not answer. Posted soon. */
  runtimeIs(status: RuntimeStatus | undefined): void
  /** Posted soon. */
  pressureIs(conditions: readonly PressureCondition[]): void
  /** Posts now; tries until it works or the signal aborts. */
  post(): Promise<void>
  /** Posts from now on, until the signal aborts. Never rejects. */
  keepPosting(): Promise<void>
}

const checkEveryMs = 10_000
const retryMs = 1000

interface Poster {
  options: StatusPosterOptions
  signal: AbortSignal
  runtime: RuntimeStatus | undefined
  pressures: readonly PressureCondition[]
  info: Node['status']['nodeInfo'] | undefined
  box: Mailbox<true>
}

export function statusPoster(options: StatusPosterOptions, signal: AbortSignal): StatusPoster {
  const poster: Poster = { options, signal, runtime: undefined, pressures: [], info: undefined, box: mailbox() }
  return {
    runtimeIs(status) {
      poster.runtime = status
      // another runtime may have come back
      poster.info = undefined
      poster.box.put(true)
    },
    pressureIs(conditions) {
      poster.pressures = conditions
      poster.box.put(true)
    },
    post: () => post(poster),
    keepPosting: () => keepPosting(poster),
  }
}

async function keepPosting(poster: Poster): Promise<void> {
  const { options, signal, box } = poster
  while (!signal.aborted) {
    const cancel = options.clock.after(checkEveryMs, () => box.put(true))
    await box.take(signal)
    cancel()
    await post(poster)
  }
}

async function post(poster: Poster): Promise<void> {
  const { options, signal } = poster
  while (!signal.aborted) {
    try {
      return await postOnce(poster)
    } catch (error) {
      if (signal.aborted) return
      options.log(`cannot post the status of node ${options.name}: ${String(error)}`)
      // k8s: a Node that was deleted stays away until its kubelet starts anew
      if (isNotFound(error)) return
      await options.clock.sleep(retryMs, signal)
    }
  }
}

async function postOnce(poster: Poster): Promise<void> {
  const { runtime, clock, node, capacity, reserved = {}, addresses, port } = poster.options
  const present = node.current().status.nodeInfo
  if (poster.runtime) poster.info ??= await runtime.version().then(nodeInfo, () => undefined)
  const info = poster.info ?? (present.kubeletVersion === '' ? await nodeInfo({ name: 'unknown', version: '' }) : present)
  const images: Image[] = await runtime.listImages().catch(() => [])
  await node.post((old) =>
    nodeStatus(old, {
      ...{ now: clock.now(), capacity, reserved, addresses, nodeInfo: info, kubeletPort: port, runtime: poster.runtime, images },
      pressures: poster.pressures,
    }),
  )
}
