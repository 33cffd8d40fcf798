// Cgroup values as files: one list for v1, one for v2, written and read back.
import type { LinuxResources } from './cri/runtime.ts'

export interface CgroupFile {
  controller: 'cpu' | 'memory' | 'hugetlb'
  file: string
  text: string
}

type HugepageLimits = NonNullable<LinuxResources['hugepageLimits']>

/** Files in the order they can be written. What `values` leaves out is unlimited. */
export function filesV1(values: LinuxResources): CgroupFile[] {
  const { cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes, hugepageLimits = [] } = values
  return [
    ...(cpuShares ? [{ controller: 'cpu', file: 'cpu.shares', text: String(cpuShares) } as const] : []),
    ...(cpuPeriod ? [{ controller: 'cpu', file: 'cpu.cfs_period_us', text: String(cpuPeriod) } as const] : []),
    { controller: 'cpu', file: 'cpu.cfs_quota_us', text: String(cpuQuota || -1) },
    { controller: 'memory', file: 'memory.limit_in_bytes', text: String(memoryLimitInBytes || -1) },
    ...hugepages(hugepageLimits, 'limit_in_bytes'),
  ]
}

export function filesV2(values: LinuxResources): CgroupFile[] {
  const { cpuShares, cpuPeriod, cpuQuota = 0, memoryLimitInBytes, hugepageLimits = [], unified = {} } = values
  const max = `${cpuQuota > 0 ? cpuQuota : 'max'} ${cpuPeriod || 100_000}`
  return [
    ...(cpuShares ? [{ controller: 'cpu', file: 'cpu.weight', text: String(weightOf(cpuShares)) } as const] : []),
    { controller: 'cpu', file: 'cpu.max', text: max },
    { controller: 'memory', file: 'memory.max', text: String(memoryLimitInBytes || 'max') },
    ...Object.entries(unified).map(([file, text]) => ({ controller: 'memory', file, text }) as const),
    ...hugepages(hugepageLimits, 'max'),
  ]
}

const hugepages = (limits: HugepageLimits, ending: string): CgroupFile[] =>
  limits.map(({ pageSize, limit }) => ({ controller: 'hugetlb', file: `hugetlb.${pageSize}.${ending}`, text: String(limit) }))

/** k8s: 2..262144 shares to 1..10000 of weight, in a straight line. */
export const weightOf = (shares: number): number => 1 + Math.floor(((Math.max(2, shares) - 2) * 9999) / 262_142)
const sharesOfWeight = (weight: number): number => 2 + Math.ceil(((weight - 1) * 262_142) / 9999)

// what an unlimited v1 memory cgroup says: the largest 64-bit number, down to a whole page
const unlimitedBytes = 2 ** 62

type Read = (controller: CgroupFile['controller'], file: string) => Promise<string | undefined>

/** What `read` finds of `values`' kinds: unlimited ones are left out, but for a quota, which is -1. */
export async function readV1(read: Read): Promise<LinuxResources> {
  const number = async (controller: CgroupFile['controller'], file: string) => {
    const text = await read(controller, file)
    return text === undefined ? undefined : Number(text)
  }
  return present({
    cpuShares: await number('cpu', 'cpu.shares'),
    cpuPeriod: await number('cpu', 'cpu.cfs_period_us'),
    cpuQuota: await number('cpu', 'cpu.cfs_quota_us'),
    memoryLimitInBytes: limited(await number('memory', 'memory.limit_in_bytes')),
  })
}

/** cpu.weight is coarser than shares: they come back as the fewest that give that weight. */
export async function readV2(read: Read): Promise<LinuxResources> {
  const weight = await read('cpu', 'cpu.weight')
  const [quota, period] = (await read('cpu', 'cpu.max'))?.split(' ') ?? []
  const memory = await read('memory', 'memory.max')
  return present({
    cpuShares: weight === undefined ? undefined : sharesOfWeight(Number(weight)),
    cpuPeriod: period === undefined ? undefined : Number(period),
    cpuQuota: quota === undefined ? undefined : quota === 'max' ? -1 : Number(quota),
    memoryLimitInBytes: memory === undefined || memory === 'max' ? undefined : Number(memory),
  })
}

const limited = (bytes: number | undefined): number | undefined =>
  bytes === undefined || bytes >= unlimitedBytes ? undefined : bytes

const present = (values: Record<string, number | undefined>): LinuxResources =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as LinuxResources
