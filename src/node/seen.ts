// What a runtime really has of one Pod, read afresh each time.
import type { ContainerStatus, Runtime, Sandbox } from './cri/runtime.ts'
import { messagePathAnnotation, messagePolicyAnnotation, podUidLabel } from './pod-labels.ts'
import { terminationMessage } from './pod-files.ts'
import { ownerLabel } from './remove-pods.ts'
import { type RuntimeProof, runtimeProof } from './trace/runtime-proof.ts'

export interface Seen {
  /** Newest first. */
  sandboxes: readonly Sandbox[]
  /** Of the newest sandbox while it is ready; empty on the host's network. */
  ips: readonly string[]
  /** What runs the newest sandbox, while it is ready and the runtime tells. */
  proof?: RuntimeProof | undefined
  /** Newest first; `message` of an ended one is its termination message. */
  containers: readonly ContainerStatus[]
}

export const nothingSeen: Seen = { sandboxes: [], ips: [], containers: [] }

/** Answers that cannot change any more, kept so that a look costs two calls. One per Pod. */
export interface Sight {
  statuses: Map<string, ContainerStatus>
  sandboxes: Map<string, Known>
}

interface Known {
  ips: readonly string[]
  proof: RuntimeProof | undefined
}

export const newSight = (): Sight => ({ statuses: new Map(), sandboxes: new Map() })

/** Rejects with RuntimeError when the runtime cannot be asked. */
export async function seePod(runtime: Runtime, { uid, owner }: { uid: string; owner: string }, sight: Sight): Promise<Seen> {
  const ours = { [podUidLabel]: uid, [ownerLabel]: owner }
  const [sandboxes, listed] = await Promise.all([runtime.listSandboxes(ours), runtime.listContainers(ours)])
  const newest = sandboxes.toSorted((a, b) => b.metadata.attempt - a.metadata.attempt || b.createdAt - a.createdAt)
  const [{ ips, proof }, statuses] = await Promise.all([
    knownOf(runtime, newest[0], sight),
    Promise.all(listed.map((c) => statusOf(runtime, c, sight))),
  ])
  const present = new Set(listed.map((c) => c.id))
  for (const id of sight.statuses.keys()) if (!present.has(id)) sight.statuses.delete(id)
  const containers = statuses
    .filter((c) => c !== undefined)
    .toSorted((a, b) => b.metadata.attempt - a.metadata.attempt || b.createdAt - a.createdAt)
  return { sandboxes: newest, ips, proof, containers }
}

async function knownOf(runtime: Runtime, sandbox: Sandbox | undefined, { sandboxes }: Sight): Promise<Known> {
  if (sandbox?.state !== 'ready') return { ips: [], proof: undefined }
  const known = sandboxes.get(sandbox.id)
  if (known) return known
  const status = await runtime.sandboxStatus(sandbox.id)
  const { ip, additionalIps } = status
  const found = { ips: ip === '' ? [] : [ip, ...additionalIps], proof: await runtimeProof(status) }
  sandboxes.clear()
  sandboxes.set(sandbox.id, found)
  return found
}

async function statusOf(
  runtime: Runtime,
  { id, state }: Pick<ContainerStatus, 'id' | 'state'>,
  { statuses }: Sight,
): Promise<ContainerStatus | undefined> {
  const known = statuses.get(id)
  if (known?.state === state && state !== 'unknown') return known
  try {
    const status = await withMessage(await runtime.containerStatus(id))
    statuses.set(id, status)
    return status
  } catch (error) {
    // removed between the two questions
    if ((error as { code?: unknown }).code === 'NotFound') return undefined
    throw error
  }
}

async function withMessage(status: ContainerStatus): Promise<ContainerStatus> {
  if (status.state !== 'exited') return status
  const path = status.annotations[messagePathAnnotation]
  const mount = path ? status.mounts.find((m) => m.containerPath === path) : undefined
  const written = await terminationMessage({
    hostPath: mount?.hostPath,
    policy: status.annotations[messagePolicyAnnotation],
    exitCode: status.exitCode,
    logPath: status.logPath || undefined,
  })
  // k8s: what the runtime says counts only when the container said nothing
  return { ...status, message: written || status.message }
}

/** The newest container of a name, or undefined. */
export const latest = (seen: Seen, name: string): ContainerStatus | undefined =>
  seen.containers.find((c) => c.metadata.name === name)

/** The one before it. */
export const previous = (seen: Seen, name: string): ContainerStatus | undefined =>
  seen.containers.filter((c) => c.metadata.name === name)[1]

/** Started and not ended, as far as the runtime knows. */
export const isAlive = (c: ContainerStatus): boolean => c.state === 'running' || c.state === 'unknown'
