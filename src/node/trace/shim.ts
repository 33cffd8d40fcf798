// The containerd shim behind a process: found by the process's parent, read off its own working directory, and asked.
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { askShim, type ShimAnswer } from '../containerd/shim-api.ts'
import { parsed } from '../../lib/loose-json.ts'
import { argvOf, flagOf, type ProcessFacts, processFacts } from './process.ts'

/** v1: `containerd.runtime.linux.shim.v1`, gone since containerd 2.0. v2: the runtime v2 shim API. */
export type ShimApi = 'v1' | 'v2'

export interface Shim {
  pid: number
  parent: number
  /** The executable; its name alone when it may not be seen. */
  path: string
  argv: string[]
  startedAtMs: number
  /** containerd's folder of the sandbox's task: the shim's working directory. */
  bundle?: string | undefined
  api?: ShimApi | undefined
  /** Of the task service within shim API v2: 2, or 3 since containerd 2.0. */
  taskVersion?: 2 | 3 | undefined
  protocol?: 'ttrpc' | 'grpc' | undefined
  /** Path of the socket containerd speaks to it on. */
  socket?: string | undefined
  /** containerd's own socket, which the shim was told of. */
  containerdSocket?: string | undefined
  namespace?: string | undefined
}

/** What tells a shim's API without asking it: containerd keeps the folders of the two apart. */
export function apiOfBundle(bundle: string | undefined): ShimApi | undefined {
  if (bundle?.includes('/io.containerd.runtime.v1.linux/')) return 'v1'
  if (bundle?.includes('/io.containerd.runtime.v2.task/')) return 'v2'
  return undefined
}

const isShim = ({ argv, exe }: ProcessFacts): boolean =>
  [exe, argv[0]].some((path) => basename(path ?? '').startsWith('containerd-shim'))

/**
 * The shim of a task whose first process is `pid`: that process's nearest ancestor that is one, or the process itself
 * (shims of VM runtimes name themselves). Undefined when there is none, or it may not be seen.
 */
async function shimProcess(pid: number, nowMs: number): Promise<ProcessFacts | undefined> {
  let at = pid
  for (let steps = 0; steps < 4 && at > 1; steps += 1) {
    const found = await processFacts(at, nowMs)
    if (!found) return undefined
    if (isShim(found)) return found
    at = found.parent
  }
  return undefined
}

/** By its arguments: a VM monitor may run apart from the shim that started it. cost: looks at every process. */
export async function shimServing(sandboxId: string, nowMs: number): Promise<ProcessFacts | undefined> {
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue
    const argv = await argvOf(Number(entry))
    if (basename(argv[0] ?? '').startsWith('containerd-shim') && flagOf(argv, 'id') === sandboxId)
      return processFacts(Number(entry), nowMs)
  }
  return undefined
}

/** Everything that can be read of the shim without asking it; with `sandboxId` one that is no ancestor is found, too. */
export async function shimOf(pid: number, nowMs: number, sandboxId?: string): Promise<Shim | undefined> {
  const found = (await shimProcess(pid, nowMs)) ?? (sandboxId === undefined ? undefined : await shimServing(sandboxId, nowMs))
  if (!found) return undefined
  const { argv, cwd, parent, startedAtMs } = found
  const api = apiOfBundle(cwd)
  const start = cwd === undefined ? {} : await startAnswer(cwd)
  return {
    ...{ pid: found.pid, parent, path: found.exe ?? argv[0] ?? '', argv, startedAtMs },
    bundle: api && cwd,
    api,
    ...(api === 'v2' ? { taskVersion: start.version ?? 2 } : {}),
    protocol: api && (start.protocol ?? 'ttrpc'),
    socket: start.address?.replace(/^unix:\/\//, ''),
    containerdSocket: flagOf(argv, 'address'),
    namespace: flagOf(argv, 'namespace'),
  }
}

interface StartAnswer {
  address?: string | undefined
  version?: 2 | 3 | undefined
  protocol?: 'ttrpc' | 'grpc' | undefined
}

/** What the shim answered containerd when it was started: bootstrap.json where containerd keeps one, else an address. */
async function startAnswer(bundle: string): Promise<StartAnswer> {
  const bootstrap = await readFile(`${bundle}/bootstrap.json`, 'utf8').catch(() => undefined)
  if (bootstrap === undefined)
    return { address: (await readFile(`${bundle}/address`, 'utf8').catch(() => '')).trim() || undefined }
  const { address, version, protocol } = parsed(bootstrap)
  return {
    address: typeof address === 'string' ? address : undefined,
    version: version === 3 ? 3 : 2,
    protocol: protocol === 'grpc' ? 'grpc' : 'ttrpc',
  }
}

/** What the shim itself says; empty when it speaks gRPC or its socket is not known. Never rejects. */
export async function shimAnswers({ socket, protocol }: Shim, id: string, clock: Clock): Promise<ShimAnswer[]> {
  return socket === undefined || protocol !== 'ttrpc' ? [] : askShim(socket, id, clock)
}
