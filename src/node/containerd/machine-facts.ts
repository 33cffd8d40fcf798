// What a machine allows: found out each time, never assumed.
import { readFile, statfs } from 'node:fs/promises'

const cgroup2Magic = 0x63677270
const tmpfsMagic = 0x01021994
const overlayMagic = 0x794c7630

const magicOf = (path: string): Promise<number | undefined> =>
  statfs(path).then(
    ({ type }) => type,
    () => undefined,
  )

/** v1 controllers with a v2 mount beside them: crun refuses that. */
export async function hybridCgroups(root = '/sys/fs/cgroup'): Promise<boolean> {
  return (await magicOf(root)) === tmpfsMagic && (await magicOf(`${root}/unified`)) === cgroup2Magic
}

/** Even root may lack it; then nobody can lower an oom_score_adj. */
export async function hasSysResource(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8')
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  return ((bits >> 24n) & 1n) === 1n
}

export async function systemdIsInit(): Promise<boolean> {
  return (await readFile('/proc/1/comm', 'utf8').catch(() => '')).trim() === 'systemd'
}

/** overlayfs cannot lie on overlayfs, as in a container. */
export async function snapshotterFor(dir: string): Promise<'overlayfs' | 'native'> {
  return (await magicOf(dir)) === overlayMagic ? 'native' : 'overlayfs'
}
