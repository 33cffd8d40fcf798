// Processes that serve a sandbox and are none of its containers': shims, pause, gVisor's sentry and gofers, virtual machine monitors.
import { readdir, readFile } from 'node:fs/promises'
import { groupBy } from '../../lib/group-by.ts'

export interface SandboxIds {
  /** Of the Pod: part of its cgroup's name. */
  uid: string
  sandboxId: string
  containerIds: readonly string[]
}

export interface ServingProcess {
  pid: number
  argv: readonly string[]
  /** Whether the Pod's cgroup counts it. */
  inPodCgroup: boolean
  /** Proportional share (Pss): most pages of shims are shared. */
  memoryBytes: number
  cpuNanoseconds: number
}

/** What one process tells of itself. */
export interface ProcessText {
  pid: number
  parent: number
  argv: readonly string[]
  /** All lines of /proc/<pid>/cgroup. */
  cgroup: string
}

/** By Pod uid. Root alone sees all of it; processes that end meanwhile are left out. */
export async function servingProcesses(pods: readonly SandboxIds[]): Promise<Map<string, ServingProcess[]>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(processText))
  const found = new Map<string, ServingProcess[]>()
  for (const pod of pods)
    found.set(pod.uid, await Promise.all(serving(pod, all).map(async (one) => ({ ...one, ...(await usageOf(one.pid)) }))))
  return found
}

/** Pure. A process serves the sandbox when its command names it, its cgroup is the sandbox's, or its parent serves it. */
export function serving(
  { uid, sandboxId, containerIds }: SandboxIds,
  all: readonly ProcessText[],
): Pick<ServingProcess, 'pid' | 'argv' | 'inPodCgroup'>[] {
  const ids = [sandboxId, ...containerIds]
  const podNames = [`pod${uid}`, `pod${uid.replaceAll('-', '_')}`]
  const inPod = ({ cgroup }: ProcessText) => podNames.some((name) => cgroup.includes(name))
  const named = ({ argv }: ProcessText) => argv.some((word) => ids.some((id) => word.includes(id)))
  // gVisor's gofer of a container lies in the container's cgroup, and says whose it is; the container's own processes do not
  const ofContainer = (one: ProcessText) => !named(one) && containerIds.some((id) => one.cgroup.includes(id))
  const children = groupBy(all, ({ parent }) => parent)
  const chosen = new Map<number, ProcessText>()
  const choose = (one: ProcessText) => {
    if (chosen.has(one.pid) || ofContainer(one)) return
    chosen.set(one.pid, one)
    for (const child of children.get(one.pid) ?? []) choose(child)
  }
  for (const one of all) if (named(one) || inPod(one) || one.cgroup.includes(sandboxId)) choose(one)
  return [...chosen.values()].map((one) => ({ pid: one.pid, argv: one.argv, inPodCgroup: inPod(one) }))
}

const read = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '')

async function processText(pid: number): Promise<ProcessText> {
  const [cmdline, stat, cgroup] = await Promise.all(['cmdline', 'stat', 'cgroup'].map((file) => read(`/proc/${pid}/${file}`)))
  // the process name may hold spaces and brackets: the parent is the second field behind it
  const parent = Number((stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ')[1])
  return { pid, parent, argv: (cmdline ?? '').split('\0'), cgroup: cgroup ?? '' }
}

async function usageOf(pid: number): Promise<Pick<ServingProcess, 'memoryBytes' | 'cpuNanoseconds'>> {
  const [rollup, tasks] = await Promise.all([
    read(`/proc/${pid}/smaps_rollup`),
    readdir(`/proc/${pid}/task`).catch((): string[] => []),
  ])
  // nanoseconds, where stat counts in hundredths of a second
  const times = await Promise.all(tasks.map((task) => read(`/proc/${pid}/task/${task}/schedstat`)))
  return {
    memoryBytes: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024,
    cpuNanoseconds: times.reduce((total, text) => total + Number(text.split(' ')[0] || 0), 0),
  }
}
