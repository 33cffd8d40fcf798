// The OCI runtime behind a shim: the binary the shim was told of, its version, and the state it keeps of a container.
import { open, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { binaryVersion, findBinaries } from '../containerd/binaries.ts'
import { firstText, parsed } from '../../lib/loose-json.ts'
import { wordsOf } from '../handler/discover.ts'
import { environmentOf, flagOf } from './process.ts'
import type { Shim } from './shim.ts'

export interface OciRuntime {
  name: string
  path?: string | undefined
  version?: string | undefined
  /** The binary is a script that stands before the runtime. */
  isScript?: boolean | undefined
  /** What the runtime itself keeps of the sandbox: no other runtime writes it. */
  state?: { file: string; pid: number; created?: string | undefined } | undefined
}

/** What the runtime that serves CRI says of a sandbox, and what its first process is. */
export interface SandboxEvidence {
  runtimeType?: string | undefined
  runtimeOptions?: Record<string, unknown> | undefined
  /** /proc/PID/exe of the sandbox's process. */
  exe?: string | undefined
}

/** Names of shims that are their own runtime, or bring it; what they run is not told by options. */
const ownRuntime = (type: string): boolean => !/^io\.containerd\.(runc\.v\d+|runtime\.v1\.linux|runsc\.v1)$/.test(type)

/** Undefined where the shim is the runtime. `id`: of the sandbox's container. */
export async function ociRuntimeOf(
  evidence: SandboxEvidence,
  shim: Shim | undefined,
  id: string,
): Promise<OciRuntime | undefined> {
  const { runtimeType = '', runtimeOptions: options = {}, exe = '' } = evidence
  if (runtimeType === '' || ownRuntime(runtimeType)) return undefined
  const told = shim?.bundle === undefined ? {} : parsed(await textOf(join(shim.bundle, 'options.json')))
  // a sandbox of gVisor is a process of runsc itself; its shim reads options from a file of its own
  const itself = basename(exe).startsWith('runsc') ? exe : undefined
  // the runc shim calls it binary_name, containerd's configuration BinaryName, shim API v1 runtime
  const named = firstText(itself, told['binary_name'], options['binary_name'], options['BinaryName'], options['runtime'])
  const asked = named ?? (runtimeType === 'io.containerd.runsc.v1' ? 'runsc' : 'runc')
  const path = asked.startsWith('/') ? asked : await onPathOf(shim, asked)
  const root = firstText(
    told['root'],
    options['root'],
    options['Root'],
    options['runtime_root'],
    shim && flagOf(shim.argv, 'runtime-root'),
  )
  const isScript = path !== undefined && (await startsAsScript(path))
  return {
    ...{ name: basename(asked), path, version: path && (await knownVersion(path)) },
    ...(isScript ? { isScript } : {}),
    state: await stateOf(join(root ?? '/run/containerd/runc', shim?.namespace ?? 'k8s.io', id)),
  }
}

/**
 * Of a shim that is the runtime. Undefined where it does not say, and where what runs is not called as a shim: an
 * interpreter would tell its own.
 */
export const shimVersion = async ({ path }: Pick<Shim, 'path'>): Promise<string | undefined> =>
  basename(path).startsWith('containerd-shim') ? (await wordsOf(path))?.version : undefined

const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** cost: two bytes are read, not the binary. */
async function startsAsScript(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (!file) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.toString() === '#!'
  } catch {
    return false
  } finally {
    await file.close()
  }
}

/** Where the shim itself would find it. */
async function onPathOf(shim: Shim | undefined, name: string): Promise<string | undefined> {
  const path = shim && (await environmentOf(shim.pid)).get('PATH')
  return (path === undefined ? await findBinaries([name]) : await findBinaries([name], path.split(':'))).get(name)
}

/** runc writes state.json, crun status; both name the first process. */
async function stateOf(dir: string): Promise<OciRuntime['state']> {
  for (const name of ['state.json', 'status']) {
    const file = join(dir, name)
    const { pid, init_process_pid: initPid, created } = parsed(await textOf(file))
    const found = Number(pid ?? initPid)
    if (found > 0) return { file, pid: found, created: typeof created === 'string' ? created : undefined }
  }
  return undefined
}

const versions = new Map<string, Promise<string | undefined>>()

/** cost: runs the binary, once for each that is put there. */
async function knownVersion(path: string): Promise<string | undefined> {
  const { mtimeMs, size } = await stat(path).catch(() => ({ mtimeMs: 0, size: 0 }))
  if (size === 0) return undefined
  const key = `${path} ${mtimeMs} ${size}`
  let known = versions.get(key)
  if (!known) versions.set(key, (known = binaryVersion(path)))
  return known
}
