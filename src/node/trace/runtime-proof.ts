// What really runs a Pod, in one line of its status: handler, runtime type and version, shim.
import { basename } from 'node:path'
import type { PodCondition } from '../../api/core/pod-status.ts'
import type { SandboxStatus } from '../cri/runtime.ts'
import { ociRuntimeOf, shimVersion } from './oci-runtime.ts'
import { processFacts } from './process.ts'
import { type ShimApi, shimOf } from './shim.ts'

export interface RuntimeProof {
  /** As RunPodSandbox was asked; "" is the runtime's default. */
  handler: string
  runtimeType: string
  /** `crun 1.8.1`; absent where the shim is the runtime. */
  ociRuntime?: string | undefined
  /** `version`: where the shim is the runtime. */
  shim?: { name: string; version?: string | undefined; pid: number; api?: ShimApi | undefined } | undefined
}

/** Of the condition's type: what kubectl shows of it is its reason (`ShimV2`) and its message. */
export const runtimeConditionType = 'polypod.dev/SandboxRuntime'

/**
 * Read off the processes of this machine; undefined where the runtime tells nothing (or nothing is real). Never rejects.
 * cost: a few reads of /proc per sandbox; a runtime's version is asked for once.
 */
export async function runtimeProof({ id, runtimeHandler, evidence }: SandboxStatus): Promise<RuntimeProof | undefined> {
  const { pid, runtimeType } = evidence
  if (pid === undefined || runtimeType === undefined) return undefined
  const [shim, process] = await Promise.all([shimOf(pid, 0, id), processFacts(pid, 0)])
  const runtime = await ociRuntimeOf({ ...evidence, exe: process?.exe }, shim, id).catch(() => undefined)
  const version = runtime || !shim ? undefined : await shimVersion(shim)
  return {
    ...{ handler: runtimeHandler, runtimeType },
    ociRuntime: runtime && [runtime.name, runtime.version].filter((part) => part !== undefined).join(' '),
    shim: shim && { name: basename(shim.path), version, pid: shim.pid, api: shim.api },
  }
}

/** `defaultHandler`: what "" stands for, where it is known. */
export function runtimeCondition(
  { handler, runtimeType, ociRuntime, shim }: RuntimeProof,
  defaultHandler: string | undefined,
): Pick<PodCondition, 'status' | 'reason' | 'message'> {
  const name = handler === '' ? `${defaultHandler ?? 'runtime'} (default)` : handler
  const by =
    shim && `shim ${shim.name}${shim.version ? ` ${shim.version}` : ''} pid ${shim.pid}${shim.api ? ` (API ${shim.api})` : ''}`
  const what = [runtimeType, ociRuntime, by].filter((part) => part !== undefined)
  const reason = shim?.api === undefined ? 'ShimUnknown' : shim.api === 'v1' ? 'ShimV1' : 'ShimV2'
  return { status: 'True', reason, message: `${name}: ${what.join(', ')}` }
}
