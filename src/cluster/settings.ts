// What a cluster was last started with, kept in the data directory: the next `up` without flags does the same again.
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { writeAtomically } from '../lib/atomic-file.ts'
import type { DataDir } from './data-dir.ts'
import { checkKubeletSettings, type KubeletSettings } from './kubelet-settings.ts'
import { Problem } from './problem.ts'

export type RuntimeChoice =
  /** Our own containerd; `handlers` absent: all the machine has. */
  | { kind: 'containerd'; handlers?: readonly string[] | undefined }
  /** An existing runtime at this CRI socket. */
  | { kind: 'cri'; socket: string }
  | { kind: 'simulated'; nodes: number; handlers?: readonly string[] | undefined }

export interface Settings {
  /** 0: none chosen yet. */
  port: number
  /** Of the one real node; simulated ones are node-1, node-2, ... */
  nodeName: string
  runtime: RuntimeChoice
  schedulerProfile: 'default' | 'upstream'
  kubelet?: KubeletSettings | undefined
}

/** What the flags of `up` say; absent: as last time, or the default. */
export interface Wishes {
  port?: number | undefined
  cri?: string | undefined
  simulated?: boolean | undefined
  nodes?: number | undefined
  handlers?: readonly string[] | undefined
  schedulerProfile?: 'default' | 'upstream' | undefined
  /** Each field for itself comes before what was saved. */
  kubelet?: KubeletSettings | undefined
}

export const defaultPort = 6443

/** Undefined when there was no cluster here yet. Throws Problem when the file is not what we wrote. */
export async function readSettings(dir: DataDir): Promise<Settings | undefined> {
  let text: string
  try {
    text = await readFile(dir.settings, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Problem('corrupt', `cannot read ${dir.settings}: ${(error as Error).message}`, error)
  }
  try {
    return checked(JSON.parse(text))
  } catch (error) {
    throw new Problem(
      'corrupt',
      `${dir.settings} is corrupt (${(error as Error).message}): mend it, or delete it to start with default settings`,
      error,
    )
  }
}

function checked(value: unknown): Settings {
  const wrong = (what: string): never => {
    throw new Error(`no valid ${what}`)
  }
  if (typeof value !== 'object' || value === null) return wrong('object')
  const { port, nodeName, runtime, schedulerProfile, kubelet } = value as Partial<Settings>
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) return wrong('port')
  if (typeof nodeName !== 'string' || nodeName === '') return wrong('nodeName')
  if (schedulerProfile !== 'default' && schedulerProfile !== 'upstream') return wrong('schedulerProfile')
  const kind = runtime?.kind
  if (!runtime || (kind !== 'containerd' && kind !== 'cri' && kind !== 'simulated')) return wrong('runtime')
  if (runtime.kind === 'cri' && typeof runtime.socket !== 'string') return wrong('runtime.socket')
  if (runtime.kind === 'simulated' && !(Number.isInteger(runtime.nodes) && runtime.nodes > 0)) return wrong('runtime.nodes')
  return { port, nodeName, runtime, schedulerProfile, ...(kubelet ? { kubelet: checkKubeletSettings(kubelet) } : {}) }
}

export const writeSettings = (dir: DataDir, settings: Settings): Promise<void> =>
  writeAtomically(dir.settings, `${JSON.stringify(settings, null, 2)}\n`, 0o600)

/** Wishes come before what was saved, what was saved before defaults. Throws Problem when wishes and saved settings do not fit. */
export function settingsFor(wishes: Wishes, saved: Settings | undefined): Settings {
  return {
    port: wishes.port ?? saved?.port ?? 0,
    nodeName: saved?.nodeName ?? nodeNameOf(hostname()),
    runtime: runtimeFor(wishes, saved?.runtime),
    schedulerProfile: wishes.schedulerProfile ?? saved?.schedulerProfile ?? 'default',
    ...kubeletFor(wishes.kubelet, saved?.kubelet),
  }
}

function kubeletFor(wished: KubeletSettings | undefined, saved: KubeletSettings | undefined): Pick<Settings, 'kubelet'> {
  if (!wished && !saved) return {}
  try {
    return { kubelet: checkKubeletSettings({ ...saved, ...wished }) }
  } catch (error) {
    throw new Problem('failed', (error as Error).message, error)
  }
}

function runtimeFor({ cri, simulated, nodes, handlers }: Wishes, saved: RuntimeChoice | undefined): RuntimeChoice {
  if (cri !== undefined) return { kind: 'cri', socket: cri.replace(/^unix:\/\//, '') }
  if (simulated || nodes !== undefined) {
    const before = saved?.kind === 'simulated' ? saved : undefined
    return { kind: 'simulated', nodes: nodes ?? before?.nodes ?? 1, handlers: handlers ?? before?.handlers }
  }
  if (saved?.kind === 'cri') return saved
  const choice: RuntimeChoice = saved ?? { kind: 'containerd' }
  return handlers === undefined ? choice : { ...choice, handlers }
}

/** k8s: the kubelet names its node by the host name in lower case. */
const nodeNameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '') || 'node'
