// Where cgroups of Pods lie: the hierarchies of this machine, and the names the two drivers give.
import { access, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { QosClass } from '../api/core/qos.ts'

export type CgroupDriver = 'cgroupfs' | 'systemd'

export interface PodKey {
  uid: string
  qos: QosClass
}

export interface Hierarchies {
  version: 'v1' | 'v2' | 'hybrid'
  /** v1: controller to the root of its hierarchy. v2: empty. */
  byController: ReadonlyMap<string, string>
  /** Root of the v2 hierarchy when it carries the controllers. */
  unified: string | undefined
  /** The root of every hierarchy, for looking around and for clearing away. */
  roots: readonly string[]
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

export async function findHierarchies(mount: string): Promise<Hierarchies> {
  if (await exists(join(mount, 'cgroup.controllers')))
    return { version: 'v2', byController: new Map(), unified: mount, roots: [mount] }
  const byController = new Map<string, string>()
  const roots = new Set<string>()
  let hybrid = false
  for (const name of await readdir(mount).catch(() => [])) {
    // `cpu` and `cpuacct` are often names of one hierarchy, `cpu,cpuacct`
    const root = await realpath(join(mount, name))
    if (!(await exists(join(root, 'cgroup.procs')))) continue
    roots.add(root)
    if (await exists(join(root, 'cgroup.controllers'))) hybrid = true
    else for (const controller of name.split(',')) byController.set(controller, root)
  }
  return { version: hybrid ? 'hybrid' : 'v1', byController, unified: undefined, roots: [...roots] }
}

const levels: Record<QosClass, readonly string[]> = { Guaranteed: [], Burstable: ['burstable'], BestEffort: ['besteffort'] }
const qosClasses = Object.keys(levels) as QosClass[]

export interface CgroupNames {
  /** The folders from the root of a hierarchy to kubepods, to a QoS level below it, and to a Pod. */
  kubepods: readonly string[]
  level(qos: QosClass): readonly string[]
  pod(pod: PodKey): readonly string[]
  /** CRI cgroup_parent of a Pod. */
  parentFor(pod: PodKey): string
  /** The Pod a folder below the level of `qos` belongs to; undefined when it is none. */
  podOf(folder: string, qos: QosClass): PodKey | undefined
  qosClasses: readonly QosClass[]
}

/** `root` is the node's own path, such as `polypod-1a2b`; empty: kubepods lies at the root. */
export function cgroupNames(root: string, driver: CgroupDriver): CgroupNames {
  const top = [...root.split('/').filter((part) => part !== ''), 'kubepods']
  const named = (parts: readonly string[]) => (driver === 'systemd' ? slices(parts) : [...parts])
  const level = (qos: QosClass) => [...top, ...levels[qos]]
  const pod = ({ uid, qos }: PodKey) => named([...level(qos), `pod${uid}`])
  return {
    kubepods: named(top),
    level: (qos) => named(level(qos)),
    pod,
    // k8s: systemd finds the way by the name of the slice alone
    parentFor: (key) => (driver === 'systemd' ? (pod(key).at(-1) ?? '') : `/${pod(key).join('/')}`),
    podOf(folder, qos) {
      const prefix = driver === 'systemd' ? `${(named(level(qos)).at(-1) ?? '').replace(/\.slice$/, '')}-pod` : 'pod'
      if (!folder.startsWith(prefix)) return undefined
      const uid = folder.slice(prefix.length)
      // k8s: uids are hexadecimal and dashes, so that the underscores can be turned back
      return { qos, uid: driver === 'systemd' ? uid.replace(/\.slice$/, '').replaceAll('_', '-') : uid }
    },
    qosClasses,
  }
}

/** Where Pods that are measured lie: apart from those of the node, which clears away what it does not know. */
export const measureRootOf = (root: string): string => `${root}-measure`

/** The node's own paths from the root of a hierarchy in either spelling, for clearing away whatever the driver was. */
export const cgroupRootsOf = (root: string): string[] =>
  [root, measureRootOf(root)].flatMap((one) => [`/${one}`, `/${slices([one])[0]}`])

/** systemd's way: `a`, `b-c` are a.slice/a-b_c.slice, as a dash there means one level down. */
function slices(parts: readonly string[]): string[] {
  const escaped = parts.map((part) => part.replaceAll('-', '_'))
  return escaped.map((_, i) => `${escaped.slice(0, i + 1).join('-')}.slice`)
}

/** The text of /proc/PID/cgroup: controller to path; "" is the v2 hierarchy. */
export function processPaths(text: string): Map<string, string> {
  const paths = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers !== undefined && path !== undefined) for (const one of controllers.split(',')) paths.set(one, path)
  }
  return paths
}
