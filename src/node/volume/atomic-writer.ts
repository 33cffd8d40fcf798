// Writes a set of files so that readers see all of the old ones or all of the new ones: files lie in a folder of their own,
// `..data` is a symlink to it, and every name is a symlink through `..data`. Changing means swapping one symlink.
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface PayloadFile {
  data: Uint8Array
  /** Permission bits. */
  mode: number
}

/** Relative path, without `..`, to file. */
export type Payload = ReadonlyMap<string, PayloadFile>

const dataLink = '..data'

/**
 * Brings `folder` to hold exactly `payload`; false when it does already. `group` owns all of it and may read it.
 * Safe after a crash at any point: what was left half done is not what ..data names, and is removed by the next change.
 */
export async function writeAtomically(folder: string, payload: Payload, group?: number): Promise<boolean> {
  await mkdir(folder, { recursive: true })
  await own(folder, group)
  const current = await readlink(join(folder, dataLink)).catch(() => undefined)
  const files = new Map([...payload].map(([path, file]) => [path, { ...file, mode: modeFor(file.mode, group) }]))
  const names = new Set([...files.keys()].map((path) => path.split('/')[0] ?? ''))
  const same = current !== undefined && (await holds(join(folder, current), files))
  if (!same) await swap(folder, files, group)
  // also when nothing changed: a crash may have come between the swap and these
  await link(folder, names)
  await sweep(folder, names)
  return !same
}

// k8s: what is shared with fsGroup is readable for the group, whatever its mode says
const modeFor = (mode: number, group: number | undefined): number => (group === undefined ? mode : mode | 0o440)

async function own(path: string, group: number | undefined): Promise<void> {
  if (group === undefined) return
  await chown(path, -1, group)
  if ((await stat(path)).isDirectory()) await chmod(path, ((await stat(path)).mode & 0o7777) | 0o2550)
}

async function holds(folder: string, files: Payload): Promise<boolean> {
  const present = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  if (present.filter((entry) => !entry.isDirectory()).length !== files.size) return false
  for (const [path, file] of files) {
    const data = await readFile(join(folder, path)).catch(() => undefined)
    if (data === undefined || !data.equals(file.data)) return false
    if (((await stat(join(folder, path))).mode & 0o777) !== (file.mode & 0o777)) return false
  }
  return true
}

async function swap(folder: string, files: Payload, group: number | undefined): Promise<void> {
  // not join(): that would take the dots for the parent
  const fresh = await mkdtemp(`${folder}/..v-`)
  await chmod(fresh, 0o755)
  await own(fresh, group)
  for (const [path, { data, mode }] of files) {
    const file = join(fresh, path)
    await makeFolders(fresh, dirname(path), group)
    await writeFile(file, data)
    // the process' umask must not take bits away
    await chmod(file, mode)
    await own(file, group)
  }
  const next = join(folder, '..data_tmp')
  await rm(next, { force: true })
  await symlink(fresh.slice(folder.length + 1), next)
  await rename(next, join(folder, dataLink))
}

async function makeFolders(root: string, relative: string, group: number | undefined): Promise<void> {
  if (relative === '.') return
  await makeFolders(root, dirname(relative), group)
  await mkdir(join(root, relative), { recursive: true, mode: 0o755 })
  await own(join(root, relative), group)
}

async function link(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const wanted = join(dataLink, name)
    if ((await readlink(join(folder, name)).catch(() => undefined)) === wanted) continue
    await rm(join(folder, name), { recursive: true, force: true })
    await symlink(wanted, join(folder, name))
  }
}

/** Removes names and data folders that are no longer wanted. */
async function sweep(folder: string, names: ReadonlySet<string>): Promise<void> {
  const current = await readlink(join(folder, dataLink))
  for (const name of await readdir(folder))
    if (name !== dataLink && name !== current && !names.has(name)) await rm(join(folder, name), { recursive: true, force: true })
}
