// Our Node object: registered once, its status posted when it changes and every five minutes.
import { Node } from '../api/core/node.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'
import { sameStatus } from './node-status.ts'

export interface NodeObject {
  /** As written or read last. */
  current(): Node
  /** Reads it again; what it was when that fails. */
  refresh(): Promise<Node>
  /** Writes the status when it differs, or when the last write is five minutes old. Rejects when it cannot. */
  post(statusFrom: (old: Node['status']) => Node['status']): Promise<void>
}

export interface NodeIdentity {
  name: string
  labels: Record<string, string>
  annotations: Record<string, string>
  podCIDR?: string | undefined
}

const reportEveryMs = 300_000

/** Creates the Node, or brings labels and annotations of an existing one up to date. Tries until it works or `signal` aborts. */
export async function registerNode(
  client: Pick<Client, 'get' | 'create' | 'update'>,
  identity: NodeIdentity,
  { clock, signal, log }: { clock: Clock; signal: AbortSignal; log: (line: string) => void },
): Promise<NodeObject> {
  for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 7000)) {
    signal.throwIfAborted()
    try {
      return nodeObject(client, await register(client, identity), clock)
    } catch (error) {
      log(`cannot register node ${identity.name}: ${String(error)}`)
      await clock.sleep(delayMs, signal)
    }
  }
}

async function register(client: Pick<Client, 'get' | 'create' | 'update'>, identity: NodeIdentity): Promise<Node> {
  const { name, labels, annotations, podCIDR } = identity
  const spec = podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] }
  try {
    const wished = { apiVersion: Node.apiVersion, kind: Node.kind, metadata: { name, labels, annotations }, spec, status: {} }
    return await client.create(Node, Node.decode(wished, { unknown: [] }))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  const present = await client.get(Node, { name })
  const { metadata } = present
  const next = {
    ...present,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
  }
  return sameMap(next.metadata.labels, metadata.labels) && sameMap(next.metadata.annotations, metadata.annotations)
    ? present
    : client.update(Node, next)
}

const sameMap = (a: Record<string, string>, b: Record<string, string> = {}): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)

function nodeObject(client: Pick<Client, 'get' | 'update'>, registered: Node, clock: Clock): NodeObject {
  let node = registered
  let postedAt: number | undefined
  const write = async (statusFrom: (old: Node['status']) => Node['status']): Promise<void> => {
    const status = statusFrom(node.status)
    if (postedAt !== undefined && sameStatus(status, node.status) && clock.now() - postedAt < reportEveryMs) return
    node = await client.update(Node, { ...node, status }, { subresource: 'status' })
    postedAt = clock.now()
  }
  const refresh = async () => {
    node = await client.get(Node, { name: node.metadata.name }).catch(() => node)
    return node
  }
  return {
    current: () => node,
    refresh,
    async post(statusFrom) {
      // others write to it too: whoever called the node's state unknown is to be contradicted
      if (postedAt !== undefined) await refresh()
      for (let tries = 1; ; tries += 1) {
        try {
          return await write(statusFrom)
        } catch (error) {
          // k8s: someone deleted our Node while we live: it stays away until the kubelet starts anew
          if (isNotFound(error) || !isConflict(error) || tries >= 5) throw error
          await refresh()
        }
      }
    },
  }
}
