// subPath: one path below a volume, given to a container without letting a symlink in the volume lead out of it.
import { constants } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { bindMount, mayMount, mountsUnder, unmount } from './mount-table.ts'

// not among Node's constants: open only to name the thing
const O_PATH = 0o10000000

export interface SubPath {
  /** The volume on the host. */
  volume: string
  subPath: string
  /** Where a bind mount of it may lie. */
  target: string
  /** Nobody will look: only the path itself is judged. */
  simulated?: boolean | undefined
}

/**
 * What to give the container: a bind mount at `target` of exactly what was looked at, so that a symlink swapped in later changes
 * nothing; without the right to mount, the checked path itself. A path that is missing is made as a folder. Throws an Error.
 */
export async function prepareSubPath({ volume, subPath, target, simulated }: SubPath): Promise<string> {
  if (subPath.startsWith('/')) throw new Error(`error SubPath ${JSON.stringify(subPath)} must not be an absolute path`)
  if (subPath.split('/').includes('..'))
    throw new Error(`unable to provision SubPath ${JSON.stringify(subPath)}: must not contain '..'`)
  if (simulated) return join(volume, subPath)
  const root = await realpath(volume)
  await makeMissing(root, subPath)
  const path = await realpath(join(root, subPath))
  if (!isWithin(path, root)) throw new Error(`subpath ${JSON.stringify(path)} not within volume path ${JSON.stringify(root)}`)
  if (!(await mayMount())) return path
  const opened = await openWithin(root, relative(root, path))
  try {
    await prepareTarget(target, (await opened.stat()).isDirectory())
    await bindMount(`/proc/${process.pid}/fd/${opened.fd}`, target)
  } finally {
    await opened.close()
  }
  return target
}

const isWithin = (path: string, root: string): boolean => path === root || path.startsWith(root === '/' ? '/' : `${root}/`)

/** Makes folders for what is missing; whatever exists must lie within `root` after its symlinks are followed. */
async function makeMissing(root: string, subPath: string): Promise<void> {
  let at = root
  for (const part of subPath.split('/').filter((p) => p !== '' && p !== '.')) {
    const next = join(at, part)
    const found = await lstat(next).catch(() => undefined)
    if (!found) await makeLike(root, next)
    at = await realpath(next)
    if (!isWithin(at, root)) throw new Error(`subpath ${JSON.stringify(at)} not within volume path ${JSON.stringify(root)}`)
  }
}

/** A folder with the volume's permissions, whatever the umask; the group comes with the set-group-id bit above it. */
async function makeLike(root: string, folder: string): Promise<void> {
  await mkdir(folder)
  const { mode } = await stat(folder)
  await chmod(folder, (mode & 0o7000) | ((await stat(root)).mode & 0o777))
}

/** Opens folder by folder, refusing symlinks: openat(2) by way of /proc/self/fd. */
async function openWithin(root: string, path: string): Promise<FileHandle> {
  let handle = await open(root, O_PATH | constants.O_DIRECTORY)
  for (const part of path.split('/').filter((p) => p !== '')) {
    const folder = handle
    try {
      handle = await open(`/proc/self/fd/${folder.fd}/${part}`, O_PATH | constants.O_NOFOLLOW)
    } finally {
      await folder.close()
    }
    if ((await handle.stat()).isSymbolicLink()) {
      await handle.close()
      throw new Error(`unexpected symlink found ${JSON.stringify(part)}`)
    }
  }
  return handle
}

/** An empty folder or file to mount on; what an earlier run of the container left there goes. */
async function prepareTarget(target: string, isFolder: boolean): Promise<void> {
  for (const { path } of (await mountsUnder(target)).reverse()) await unmount(path)
  await rm(target, { recursive: true, force: true })
  await mkdir(isFolder ? target : dirname(target), { recursive: true, mode: 0o750 })
  if (!isFolder) await writeFile(target, '', { mode: 0o640 })
}
