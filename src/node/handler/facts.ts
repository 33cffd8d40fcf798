// What is known of a handler before it is proved: what it is made of, from the runtime's word and from the binaries themselves.
import type { NodeHandlerFeatures } from '../../api/polypod/node-handler.ts'
import { linuxV1, shimBinary, takesRuncOptions } from '../../containerd/shim-binary.ts'
import type { RuntimeHandler, RuntimeStatus } from '../cri/runtime.ts'

/** What whoever set up the runtime knows; the runtime's own word fills the rest. */
export interface KnownHandler {
  name: string
  isDefault: boolean
  /** containerd's name of the shim; `simulated`; empty when nobody knows. */
  runtimeType: string
  /** Path of the shim's binary. */
  shim?: string | undefined
  /** Path of the OCI runtime; absent when the shim is the runtime. */
  runtime?: string | undefined
}

export interface HandlerFacts extends KnownHandler {
  /** `v1`, `v2`; of the task API `v3` since containerd 2.0. Absent: nobody knows. */
  shimApi?: string | undefined
  version?: string | undefined
  features: NodeHandlerFeatures
  /** Binaries without which nothing starts, and what users call them. */
  files: readonly HandlerFile[]
}

export interface HandlerFile {
  /** `crun`, `containerd-shim-runc-v2`. */
  name: string
  path: string
  /** That it is gone says nothing by itself, but asks for a canary. */
  isDevice?: boolean | undefined
}

/** What the OCI runtime's own words are, where it has any. */
export interface RuntimeWords {
  version: string | undefined
  features: NodeHandlerFeatures
}

/** Binaries by name, where they are looked for by name. */
export type Found = ReadonlyMap<string, string>

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

type Offered = Pick<RuntimeStatus, 'handlers' | 'defaultHandler'>

/** Names of binaries that have to be looked for on PATH, as nobody names a path. Pure. */
export function namesToFind({ handlers }: Offered, known: readonly KnownHandler[]): string[] {
  const names = handlers.flatMap((handler) => {
    if (handler.name === '' || known.some(({ name, shim }) => name === handler.name && shim !== undefined)) return []
    return [shimName(handler), runtimeName(handler)].filter((name) => name !== undefined && !name.startsWith('/'))
  })
  return [...new Set(names as string[])]
}

/** The handlers that are offered, sorted as they are, "" left out: it is another name of the default one. Pure. */
export function handlersOf({ handlers, defaultHandler }: Offered, known: readonly KnownHandler[], found: Found): KnownHandler[] {
  return handlers
    .filter(({ name }) => name !== '')
    .map((handler): KnownHandler => {
      const told = known.find(({ name }) => name === handler.name)
      const isDefault = defaultHandler === undefined ? (told?.isDefault ?? false) : handler.name === defaultHandler
      const runtimeType = told?.runtimeType || (handler.runtimeType ?? '')
      // of a runtime of our own we know all there is; a stand-in that it was told of is no runtime
      if (told?.shim !== undefined) return { ...told, isDefault, runtimeType }
      const [shim, runtime] = [shimName(handler), runtimeName(handler)]
      return { name: handler.name, isDefault, runtimeType, shim: pathOf(shim, found), runtime: pathOf(runtime, found) }
    })
}

const pathOf = (name: string | undefined, found: Found): string | undefined =>
  name === undefined || name.startsWith('/') ? name : found.get(name)

const shimName = ({ shimPath, runtimeType = '' }: RuntimeHandler): string | undefined =>
  shimPath || (runtimeType === '' ? undefined : shimBinary(runtimeType))

function runtimeName({ binary, runtimeType = '' }: RuntimeHandler): string | undefined {
  if (binary) return binary
  if (takesRuncOptions(runtimeType) || runtimeType === linuxV1) return 'runc'
  return runtimeType === 'io.containerd.runsc.v1' ? 'runsc' : undefined
}

/** Everything that must be there for `handler`, stand-ins that the runtime was told of included. Pure. */
export function filesOf({ shim, runtime, runtimeType }: KnownHandler, told: RuntimeHandler | undefined): HandlerFile[] {
  const named = (path: string): HandlerFile => ({ name: baseName(path), path })
  const paths = [shim, runtime, told?.shimPath, told?.binary].filter((path) => path?.startsWith('/')) as string[]
  return [...[...new Set(paths)].map(named), ...(needsKvm(runtimeType) ? [kvm] : [])]
}

const kvm: HandlerFile = { name: 'kvm', path: '/dev/kvm', isDevice: true }
const needsKvm = (runtimeType: string): boolean => /\b(kata|firecracker|cloudhypervisor)\b/.test(runtimeType)

/** From the name alone; a running shim tells more. Pure. */
export function shimApiOf(runtimeType: string): string | undefined {
  if (runtimeType === linuxV1) return 'v1'
  return runtimeType.includes('.') || runtimeType.startsWith('/') ? 'v2' : undefined
}

/** What makes a binary tell its version. A shim of Kata answers -v with that of the containerd it is built on. */
export const versionFlag = (path: string): string => (/^containerd-shim(?!-kata)/.test(baseName(path)) ? '-v' : '--version')

/** Whose `features` command we know to be harmless. */
export const saysFeatures = (path: string): boolean => ['runc', 'crun', 'youki', 'runsc'].includes(baseName(path))

interface OciFeatures {
  annotations?: Record<string, string>
  linux?: {
    seccomp?: { enabled?: boolean }
    apparmor?: { enabled?: boolean }
    selinux?: { enabled?: boolean }
    mountExtensions?: { idmap?: { enabled?: boolean } }
  }
}

/** From `<runtime> features`, as the OCI runtime spec has it. Pure. */
export function featuresFrom(text: string): NodeHandlerFeatures {
  const { annotations = {}, linux = {} } = JSON.parse(text) as OciFeatures
  const checkpoint = annotations['org.opencontainers.runc.checkpoint.enabled'] ?? annotations['run.oci.crun.checkpoint.enabled']
  return {
    ...(checkpoint === undefined ? {} : { checkpoint: checkpoint === 'true' }),
    ...some('idmapMounts', linux.mountExtensions?.idmap?.enabled),
    ...some('seccomp', linux.seccomp?.enabled),
    ...some('apparmor', linux.apparmor?.enabled),
    ...some('selinux', linux.selinux?.enabled),
  }
}

const some = (feature: keyof NodeHandlerFeatures, enabled: boolean | undefined): NodeHandlerFeatures =>
  enabled === undefined ? {} : { [feature]: enabled }

/** From the line of `crun --version` that begins with a plus: older ones know no `features`. Undefined: there is no such line. Pure. */
export function featuresFromPluses(text: string): NodeHandlerFeatures | undefined {
  const line = text.split('\n').find((each) => /^\+[A-Z]/.test(each))
  if (line === undefined) return undefined
  const has = (word: string) => line.split(/\s+/).includes(`+${word}`)
  return { checkpoint: has('CRIU'), seccomp: has('SECCOMP'), apparmor: has('APPARMOR'), selinux: has('SELINUX') }
}
