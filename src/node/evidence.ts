// What really runs each Pod: asked of the runtime, and read off the processes themselves.
import { readFile, readlink } from 'node:fs/promises'
import { runscType } from '../containerd/handler-table.ts'
import type { Runtime, Sandbox } from './cri/runtime.ts'
import { canaryLabel } from './handler/canary.ts'

export interface PodEvidence {
  namespace: string
  name: string
  uid: string
  /** As the kubelet asked for it; "" is the default handler. */
  handler: string
  /** As containerd names it; absent where the runtime does not tell. */
  runtimeType?: string | undefined
  /** The executable of the sandbox process's parent. */
  shim?: { path: string; pid: number } | undefined
  /** The OCI runtime the shim was told to run. */
  ociRuntime?: string | undefined
}

/** Ready sandboxes, by namespace and name. Processes can be read only on the machine they run on, by root. */
export async function podEvidence(runtime: Runtime): Promise<PodEvidence[]> {
  const ready = (await runtime.listSandboxes()).filter(({ state, labels }) => state === 'ready' && !(canaryLabel in labels))
  const found = await Promise.all(ready.map((sandbox) => evidenceOf(runtime, sandbox)))
  const key = (e: PodEvidence) => `${e.namespace}/${e.name}`
  return found.filter((e) => e !== undefined).toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

async function evidenceOf(runtime: Runtime, sandbox: Sandbox): Promise<PodEvidence | undefined> {
  try {
    const { evidence } = await runtime.sandboxStatus(sandbox.id)
    const { namespace, name, uid } = sandbox.metadata
    const options = evidence.runtimeOptions ?? {}
    // the runc shim calls it binary_name, shim API v1 runtime
    const named = [options.binary_name, options.BinaryName, options.runtime].find((v) => typeof v === 'string' && v !== '')
    return {
      ...{ namespace, name, uid, handler: sandbox.runtimeHandler, runtimeType: evidence.runtimeType },
      shim: evidence.pid === undefined ? undefined : await shimOf(evidence.pid),
      ociRuntime: (named as string | undefined) ?? (await runscOf(evidence)),
    }
  } catch {
    // gone meanwhile
    return undefined
  }
}

/** A sandbox of gVisor is a process of its runtime, which the shim is told of by a file of its own. */
async function runscOf({ runtimeType, pid }: { runtimeType?: string | undefined; pid?: number | undefined }) {
  if (runtimeType !== runscType || pid === undefined) return undefined
  return exeOf(pid).catch(() => undefined)
}

async function shimOf(pid: number): Promise<PodEvidence['shim']> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // the process name may hold spaces and brackets; the parent's pid is the second field after it
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    return { path: await exeOf(parent), pid: parent }
  } catch {
    return undefined
  }
}

/** A binary that was replaced since is still known by its path. */
const exeOf = async (pid: number): Promise<string> => (await readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '')
