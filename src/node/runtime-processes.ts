// The runtime's own processes of Pods (shims and what they start for themselves), which lie outside of the Pods' cgroups.
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { groupBy } from '../lib/group-by.ts'

export interface ProcessUsage {
  cpuNanoseconds: number
  memoryWorkingSetBytes: number
}

interface ProcessEntry {
  pid: number
  parent: number
  argv: string[]
  /** User and system time together. */
  ticks: number
}

const nanosecondsPerTick = 1e7

async function processEntry(pid: number): Promise<ProcessEntry> {
  const [argv, stat] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''),
  ])
  // the process name may hold spaces and brackets: fields are counted from behind it, the state is the first
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { pid, parent: Number(fields[1]), argv: argv.split('\0'), ticks: Number(fields[11]) + Number(fields[12]) }
}

/** k8s: containerd's shims of every API version and CRI-O's monitors carry the id they serve, alone or at the end of a path. */
function servedId({ argv }: ProcessEntry, ids: ReadonlyMap<string, string>): string | undefined {
  if (!/^(containerd-shim|conmon)/.test(basename(argv[0] ?? ''))) return undefined
  return argv.map((word) => basename(word)).find((word) => ids.has(word))
}

/**
 * Sums per Pod uid. `podOfId`: sandbox and container ids of Pods. Processes in a Pod's own cgroup are left out, as the cgroup
 * counts them. Memory is the proportional share (Pss): shims share most of their pages.
 */
export async function runtimeProcesses(podOfId: ReadonlyMap<string, string>): Promise<Map<string, ProcessUsage>> {
  const found = new Map<string, ProcessUsage>()
  if (podOfId.size === 0) return found
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number)
  const entries = await Promise.all(pids.map(processEntry))
  const children = groupBy(entries, ({ parent }) => parent)
  const measure = async (entry: ProcessEntry, uid: string): Promise<void> => {
    if (await isInPod(entry.pid, uid)) return
    const sum = found.get(uid) ?? { cpuNanoseconds: 0, memoryWorkingSetBytes: 0 }
    found.set(uid, sum)
    const bytes = await proportionalBytes(entry.pid)
    sum.cpuNanoseconds += entry.ticks * nanosecondsPerTick
    sum.memoryWorkingSetBytes += bytes
    await Promise.all((children.get(entry.pid) ?? []).map((child) => measure(child, uid)))
  }
  const roots = entries.flatMap((entry) => {
    const uid = podOfId.get(servedId(entry, podOfId) ?? '')
    return uid === undefined ? [] : [{ entry, uid }]
  })
  await Promise.all(roots.map(({ entry, uid }) => measure(entry, uid)))
  return found
}

const isInPod = async (pid: number, uid: string): Promise<boolean> => {
  const paths = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  return paths.includes(`pod${uid}`) || paths.includes(`pod${uid.replaceAll('-', '_')}`)
}

async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024
}
