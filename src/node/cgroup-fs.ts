// Cgroups of Pods: kubepods, its QoS levels, and one per Pod that carries the Pod's limits, overhead included.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import { sharesOf } from '../ledger/cgroup.ts'
import {
  type CgroupDriver,
  type CgroupNames,
  cgroupNames,
  findHierarchies,
  type Hierarchies,
  type PodKey,
  processPaths,
} from './cgroup-tree.ts'
import { type CgroupUsage, usageV1, usageV2 } from './cgroup-usage.ts'
import { type CgroupFile, filesV1, filesV2, readV1, readV2 } from './cgroup-values.ts'
import { dropSlice, setSlice, sliceProperties } from './cgroup-systemd.ts'
import { removeCgroup } from './containerd/cgroup-remains.ts'
import type { LinuxResources } from './cri/runtime.ts'
import type { ProcessCgroup } from './limit-check.ts'

export type { CgroupDriver, PodKey } from './cgroup-tree.ts'

export interface PodCgroupsOptions {
  /** Default /sys/fs/cgroup. */
  mount?: string | undefined
  /** Path of the node's own cgroup within each hierarchy, such as `polypod-1a2b`; empty: kubepods lies at the root. */
  root: string
  driver: CgroupDriver
  /** What could not be done and why, each thing once. */
  log: (line: string) => void
}

export interface PodCgroups {
  readonly version: 'v1' | 'v2' | 'hybrid'
  /** CRI LinuxPodSandboxConfig.cgroup_parent. */
  parentFor(pod: PodKey): string
  /** Makes the Pod's cgroup (and those above it) and writes its values; again with other values resizes it. */
  ensure(pod: PodKey, values: LinuxResources): Promise<void>
  /** Of kubepods, which holds all Pods. */
  limitAll(values: LinuxResources): Promise<void>
  /** Of kubepods; undefined when it has no limit, or nobody counts. */
  memoryOfAll(): Promise<{ limitBytes: number; workingSetBytes: number } | undefined>
  /** Shares of the burstable level, in milli-CPUs requested by all its Pods. */
  setBurstable(requestedMilliCpu: number): Promise<void>
  /** What the files say; undefined when there is no such cgroup. */
  read(pod: PodKey): Promise<LinuxResources | undefined>
  /** From the root of each hierarchy: `/polypod-1a2b/kubepods/podUID`. */
  pathOf(pod: PodKey): string
  /** Where a process of the Pod is, and what the cgroup next below the Pod's says; undefined when there is no such process. */
  ofProcess(pid: number, pod: PodKey): Promise<ProcessCgroup | undefined>
  /** What the Pod uses, containers and all; undefined when nobody counts it. */
  usage(pod: PodKey): Promise<CgroupUsage | undefined>
  /** Removes the Pod's cgroup with all below it; processes still in it are killed. */
  remove(pod: PodKey): Promise<void>
  /** Pods with a cgroup under kubepods, in whichever hierarchy. */
  list(): Promise<PodKey[]>
  /** Removes kubepods with all below it, and the node's own cgroup above it. */
  removeAll(): Promise<void>
}

interface World {
  tree: Hierarchies
  names: CgroupNames
  driver: CgroupDriver
  log: (line: string) => void
  /** Controllers that were complained about. */
  told: Set<string>
}

/** A controller that is missing or may not be written is told of once and then left alone: Pods run, unlimited by it. */
export async function podCgroups({ mount = '/sys/fs/cgroup', root, driver, log }: PodCgroupsOptions): Promise<PodCgroups> {
  const tree = await findHierarchies(mount)
  const names = cgroupNames(root, driver)
  const world: World = { tree, names, driver, log, told: new Set() }
  return {
    version: tree.version,
    parentFor: (pod) => names.parentFor(pod),
    ensure: (pod, values) => ensure(world, names.pod(pod), values),
    limitAll: (values) => ensure(world, names.kubepods, values),
    memoryOfAll: () => memoryOfAll(world),
    async setBurstable(requestedMilliCpu) {
      await ensureShares(world, names.level('Burstable'), sharesOf(requestedMilliCpu))
      // k8s: who asks for nothing gets the least there is
      await ensureShares(world, names.level('BestEffort'), sharesOf(0))
    },
    read: (pod) => readBack(world, names.pod(pod)),
    pathOf: (pod) => `/${names.pod(pod).join('/')}`,
    ofProcess: (pid, pod) => ofProcess(world, pid, names.pod(pod).length + 1),
    usage: (pod) => usageAt(world, names.pod(pod)),
    remove: (pod) => removeEverywhere(world, names.pod(pod)),
    list: () => listPods(world),
    async removeAll() {
      await removeEverywhere(world, names.kubepods)
      const own = names.kubepods.slice(0, -1)
      if (own.length > 0) await removeEverywhere(world, own)
    },
  }
}

const usageAt = (world: World, path: readonly string[]): Promise<CgroupUsage | undefined> =>
  (world.tree.unified === undefined ? usageV1 : usageV2)(readerAt(world, path))

async function memoryOfAll(world: World): Promise<{ limitBytes: number; workingSetBytes: number } | undefined> {
  const [values, usage] = await Promise.all([readBack(world, world.names.kubepods), usageAt(world, world.names.kubepods)])
  const limitBytes = values?.memoryLimitInBytes
  return limitBytes === undefined || !usage ? undefined : { limitBytes, workingSetBytes: usage.memoryWorkingSetBytes }
}

async function ensure(world: World, path: readonly string[], values: LinuxResources): Promise<void> {
  await tellSystemd(world, path, sliceProperties(values, world.tree.version))
  const files = world.tree.unified === undefined ? filesV1(values) : filesV2(values)
  for (const controller of new Set(files.map((f) => f.controller)))
    if (await attempt(world, controller, () => make(world, controller, path)))
      for (const file of files)
        if (file.controller === controller) await attempt(world, controller, () => write(world, path, file))
}

async function ensureShares(world: World, path: readonly string[], cpuShares: number): Promise<void> {
  const files = world.tree.unified === undefined ? filesV1({ cpuShares }) : filesV2({ cpuShares })
  const [shares] = files
  await tellSystemd(world, path, sliceProperties({ cpuShares }, world.tree.version).slice(0, 1))
  if (shares && (await attempt(world, 'cpu', () => make(world, 'cpu', path))))
    await attempt(world, 'cpu', () => write(world, path, shares))
}

/** Before the files: systemd writes what it knows when it starts the slice for the first container. */
async function tellSystemd({ driver, told, log }: World, path: readonly string[], properties: readonly string[]): Promise<void> {
  if (driver !== 'systemd') return
  const why = await setSlice(path.at(-1) ?? '', properties)
  if (why !== undefined && !told.has('systemd')) log(`systemd does not take the values of Pod cgroups: ${why}`)
  if (why !== undefined) told.add('systemd')
}

const missing = new Set(['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOTSUP'])

/** False when the machine does not let us; that is told once. Other failures throw: the value itself was wrong. */
async function attempt({ told, log }: World, controller: string, act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (!missing.has(code)) throw error
    if (!told.has(controller)) log(`cgroup controller ${controller} cannot be used, Pods run without its limits: ${message}`)
    told.add(controller)
    return false
  }
}

const rootFor = ({ tree }: World, controller: string): string | undefined => tree.unified ?? tree.byController.get(controller)

function noController(controller: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no hierarchy of controller ${controller}`), { code: 'ENOENT' })
}

async function make(world: World, controller: string, path: readonly string[]): Promise<void> {
  const root = rootFor(world, controller)
  if (root === undefined) throw noController(controller)
  if (world.tree.unified === undefined) await mkdir(join(root, ...path), { recursive: true })
  else await makeUnified(root, path)
}

/** Each folder hands its controllers down to the next; the last one keeps them, its containers' runtime hands them on. */
async function makeUnified(root: string, path: readonly string[]): Promise<void> {
  let folder = root
  for (const name of path) {
    const available = (await readFile(join(folder, 'cgroup.controllers'), 'utf8')).trim().split(/\s+/)
    const handed = new Set((await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).trim().split(/\s+/))
    // one at a time: one that cannot be handed down must not keep the others
    for (const controller of available)
      if (controller !== '' && !handed.has(controller))
        await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined)
    folder = join(folder, name)
    await mkdir(folder, { recursive: true })
  }
}

async function write(world: World, path: readonly string[], { controller, file, text }: CgroupFile): Promise<void> {
  const root = rootFor(world, controller)
  if (root === undefined) throw noController(controller)
  // not with O_CREAT: these files exist or do not
  await writeFile(join(root, ...path, file), text, { flag: 'r+' })
}

async function readBack(world: World, path: readonly string[]): Promise<LinuxResources | undefined> {
  const found = await Promise.all(world.tree.roots.map((root) => isFolder(join(root, ...path))))
  if (!found.includes(true)) return undefined
  const read = readerAt(world, path)
  return world.tree.unified === undefined ? readV1(read) : readV2(read)
}

/** k8s: what a container makes of cgroups below its own is its business, so that no more than `depth` folders are looked at. */
async function ofProcess(world: World, pid: number, depth: number): Promise<ProcessCgroup | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const paths = processPaths(text)
  const at = (controller: string) => (world.tree.unified === undefined ? paths.get(controller) : paths.get(''))
  const read = (controller: CgroupFile['controller'], file: string) => {
    const path = at(controller)
    return path === undefined
      ? Promise.resolve(undefined)
      : readerAt(world, path.split('/').slice(1, depth + 1))(controller, file)
  }
  const values = await (world.tree.unified === undefined ? readV1 : readV2)(read)
  return { paths: { cpu: at('cpu'), memory: at('memory') }, values }
}

const readerAt =
  (world: World, path: readonly string[]) =>
  async (controller: string, file: string): Promise<string | undefined> => {
    const root = rootFor(world, controller)
    if (root === undefined) return undefined
    return readFile(join(root, ...path, file), 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    )
  }

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

async function removeEverywhere({ tree, driver, log }: World, path: readonly string[]): Promise<void> {
  if (driver === 'systemd') await dropSlice(path.at(-1) ?? '')
  for (const root of tree.roots) await removeCgroup(join(root, ...path), systemClock, log)
}

async function listPods({ tree, names }: World): Promise<PodKey[]> {
  const found = new Map<string, PodKey>()
  for (const root of tree.roots)
    for (const qos of names.qosClasses)
      for (const folder of await readdir(join(root, ...names.level(qos))).catch(() => [])) {
        const pod = names.podOf(folder, qos)
        if (pod) found.set(pod.uid, pod)
      }
  return [...found.values()]
}
