// CRI messages that describe what is, both ways: the runtime's answers to our nouns (grpc.ts) and back (sim-server.ts).
import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type Container as WireContainer,
  type ContainerSchema,
  ContainerState as WireState,
  type ContainerStats as WireStats,
  type ContainerStatsSchema,
  type ContainerStatus as WireContainerStatus,
  type ContainerStatusSchema,
  type Image as WireImage,
  type ImageSchema,
  type PodSandbox as WireSandbox,
  type PodSandboxSchema,
  PodSandboxState,
  type PodSandboxStatusResponse as WireSandboxStatus,
  type PodSandboxStatusResponseSchema,
} from '../../gen/cri_pb.js'
import { parsed } from '../../lib/loose-json.ts'
import type { Container, ContainerStatus, ContainerUsage, Image, Sandbox, SandboxStatus } from './runtime.ts'
import { mountFromWire, mountToWire } from './wire-config.ts'

const states: Container['state'][] = ['created', 'running', 'exited', 'unknown']
const millis = (nanos: bigint): number => Number(nanos / 1_000_000n)
const nanos = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n

type SandboxFields = Pick<WireSandbox, 'id' | 'metadata' | 'state' | 'createdAt' | 'labels' | 'annotations' | 'runtimeHandler'>

export function sandboxFromWire(wire: SandboxFields): Sandbox {
  const { name = '', uid = '', namespace = '', attempt = 0 } = wire.metadata ?? {}
  return {
    id: wire.id,
    metadata: { name, uid, namespace, attempt },
    state: wire.state === PodSandboxState.SANDBOX_READY ? 'ready' : 'notready',
    createdAt: millis(wire.createdAt),
    labels: wire.labels,
    annotations: wire.annotations,
    runtimeHandler: wire.runtimeHandler,
  }
}

export const sandboxToWire = (s: Sandbox): MessageInitShape<typeof PodSandboxSchema> => ({
  id: s.id,
  metadata: s.metadata,
  state: s.state === 'ready' ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY,
  createdAt: nanos(s.createdAt),
  labels: s.labels,
  annotations: s.annotations,
  runtimeHandler: s.runtimeHandler,
})

/** The parts of containerd's verbose answer that show what really serves a sandbox; {} from a runtime that tells nothing. */
export function evidenceFromInfo(info: Record<string, string>): SandboxStatus['evidence'] {
  const { pid, runtimeType, runtimeOptions } = parsed(info['info']) as SandboxStatus['evidence']
  return {
    ...(typeof pid === 'number' && pid > 0 ? { pid } : {}),
    ...(typeof runtimeType === 'string' ? { runtimeType } : {}),
    ...(runtimeOptions ? { runtimeOptions } : {}),
  }
}

export function sandboxStatusFromWire({ status, info }: WireSandboxStatus): SandboxStatus | undefined {
  if (!status) return undefined
  return {
    ...sandboxFromWire(status),
    ip: status.network?.ip ?? '',
    additionalIps: (status.network?.additionalIps ?? []).map((a) => a.ip),
    evidence: evidenceFromInfo(info),
  }
}

export const sandboxStatusToWire = (s: SandboxStatus): MessageInitShape<typeof PodSandboxStatusResponseSchema> => {
  const { id, metadata, state, createdAt, labels, annotations, runtimeHandler } = sandboxToWire(s) as SandboxFields
  const network = { ip: s.ip, additionalIps: s.additionalIps.map((ip) => ({ ip })) }
  return {
    status: { id, ...(metadata ? { metadata } : {}), state, createdAt, labels, annotations, runtimeHandler, network },
    info: { info: JSON.stringify(s.evidence) },
  }
}

export const containerFromWire = (wire: WireContainer): Container => ({
  id: wire.id,
  sandboxId: wire.podSandboxId,
  metadata: { name: wire.metadata?.name ?? '', attempt: wire.metadata?.attempt ?? 0 },
  image: wire.image?.image ?? '',
  imageRef: wire.imageRef,
  state: states[wire.state] ?? 'unknown',
  createdAt: millis(wire.createdAt),
  labels: wire.labels,
  annotations: wire.annotations,
})

export const containerToWire = (c: Container): MessageInitShape<typeof ContainerSchema> => ({
  id: c.id,
  podSandboxId: c.sandboxId,
  metadata: c.metadata,
  image: { image: c.image },
  imageRef: c.imageRef,
  state: states.indexOf(c.state) as WireState,
  createdAt: nanos(c.createdAt),
  labels: c.labels,
  annotations: c.annotations,
})

/** CRI's container status does not name the sandbox: the caller adds it. */
export const containerStatusFromWire = (wire: WireContainerStatus, sandboxId: string): ContainerStatus => ({
  id: wire.id,
  sandboxId,
  metadata: { name: wire.metadata?.name ?? '', attempt: wire.metadata?.attempt ?? 0 },
  image: wire.image?.image ?? '',
  imageRef: wire.imageRef,
  state: states[wire.state] ?? 'unknown',
  createdAt: millis(wire.createdAt),
  startedAt: millis(wire.startedAt),
  finishedAt: millis(wire.finishedAt),
  exitCode: wire.exitCode,
  reason: wire.reason,
  message: wire.message,
  labels: wire.labels,
  annotations: wire.annotations,
  mounts: wire.mounts.map(mountFromWire),
  logPath: wire.logPath,
})

export const containerStatusToWire = (s: ContainerStatus): MessageInitShape<typeof ContainerStatusSchema> => ({
  id: s.id,
  metadata: s.metadata,
  state: states.indexOf(s.state) as WireState,
  createdAt: nanos(s.createdAt),
  startedAt: nanos(s.startedAt),
  finishedAt: nanos(s.finishedAt),
  exitCode: s.exitCode,
  image: { image: s.image },
  imageRef: s.imageRef,
  reason: s.reason,
  message: s.message,
  labels: s.labels,
  annotations: s.annotations,
  mounts: s.mounts.map(mountToWire),
  logPath: s.logPath,
})

export const imageFromWire = (wire: WireImage): Image => ({
  id: wire.id,
  repoTags: wire.repoTags,
  repoDigests: wire.repoDigests,
  sizeBytes: Number(wire.size),
  uid: wire.uid ? Number(wire.uid.value) : undefined,
  username: wire.username || undefined,
})

export const imageToWire = (image: Image): MessageInitShape<typeof ImageSchema> => ({
  id: image.id,
  repoTags: image.repoTags,
  repoDigests: image.repoDigests,
  size: BigInt(image.sizeBytes),
  ...(image.uid === undefined ? {} : { uid: { value: BigInt(image.uid) } }),
  username: image.username ?? '',
})

export const usageFromWire = (wire: WireStats): ContainerUsage => ({
  id: wire.attributes?.id ?? '',
  labels: wire.attributes?.labels ?? {},
  cpuNanoseconds: Number(wire.cpu?.usageCoreNanoSeconds?.value ?? 0n),
  memoryWorkingSetBytes: Number(wire.memory?.workingSetBytes?.value ?? 0n),
  ...(wire.writableLayer && {
    written: {
      bytes: Number(wire.writableLayer.usedBytes?.value ?? 0n),
      inodes: Number(wire.writableLayer.inodesUsed?.value ?? 0n),
    },
  }),
})

export const usageToWire = (u: ContainerUsage): MessageInitShape<typeof ContainerStatsSchema> => ({
  attributes: { id: u.id, labels: u.labels },
  cpu: { usageCoreNanoSeconds: { value: BigInt(u.cpuNanoseconds) } },
  memory: { workingSetBytes: { value: BigInt(u.memoryWorkingSetBytes) } },
  ...(u.written && {
    writableLayer: { usedBytes: { value: BigInt(u.written.bytes) }, inodesUsed: { value: BigInt(u.written.inodes) } },
  }),
})
