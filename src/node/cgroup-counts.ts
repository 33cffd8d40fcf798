// What the files of all Pods' cgroups on a node say, as the ledger's check compares it.
import type { NodeCgroups } from '../ledger/check.ts'
import type { PodCgroups } from './cgroup-fs.ts'
import { weightOf } from './cgroup-values.ts'

export async function cgroupCounts(node: string, cgroups: PodCgroups): Promise<NodeCgroups> {
  const keys = await cgroups.list()
  const read = await Promise.all(keys.map(async (key) => ({ key, values: await cgroups.read(key) })))
  const pods = read.flatMap(({ key: { uid }, values }) =>
    values ? [{ uid, cpuShares: values.cpuShares, cpuQuota: values.cpuQuota, memoryLimitBytes: values.memoryLimitInBytes }] : [],
  )
  const sameShares = (wanted: number, found: number) =>
    cgroups.version === 'v2' ? weightOf(wanted) === weightOf(found) : wanted === found
  return { node, pods, sameShares }
}
