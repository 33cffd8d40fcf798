// Removes cgroups that are ours by name, in every hierarchy of cgroup v1, v2 and both together.
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { sendSignal } from './instance-process.ts'

const mount = '/sys/fs/cgroup'

/** `root` is a path from the root of each hierarchy. Processes still in it are killed: they are nobody else's. */
export async function removeCgroups(root: string, clock: Clock, log: (line: string) => void): Promise<void> {
  const hierarchies = ['.', ...(await readdir(mount).catch(() => []))].map((name) => join(mount, name, root))
  for (const folder of hierarchies) await removeCgroup(folder, clock, log)
}

/** One folder of one hierarchy with all below it; a second's patience for processes to end. */
export async function removeCgroup(folder: string, clock: Clock, log: (line: string) => void): Promise<void> {
  for (let tries = 0; tries < 40 && (await removeTree(folder)) > 0; tries++) await clock.sleep(25)
  if ((await removeTree(folder)) > 0) log(`cannot remove cgroup ${folder}`)
}

/** Children first; returns how many could not be removed. */
async function removeTree(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return 0
  let left = 0
  for (const entry of entries) if (entry.isDirectory()) left += await removeTree(join(folder, entry.name))
  for (const pid of (await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n'))
    if (Number(pid) > 1 && Number(pid) !== process.pid) sendSignal(Number(pid), 'SIGKILL')
  return rmdir(folder).then(
    () => left,
    () => left + 1,
  )
}
