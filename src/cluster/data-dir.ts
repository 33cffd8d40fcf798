// The data directory: where each thing lies in it, and who holds it.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { LockedError, type PidLock, takePidLock } from '../lib/pid-lock.ts'
import { Problem } from './problem.ts'

export interface DataDir {
  path: string
  settings: string
  lock: string
  log: string
  kubeconfig: string
  pki: string
  store: string
  nodes: string
}

/** `/var/lib/polypod` for root, else under the user's XDG data directory; POLYPOD_DATA_DIR and --data-dir come first. */
export function dataDirAt(given?: string): DataDir {
  const path = resolve(given ?? process.env.POLYPOD_DATA_DIR ?? defaultPath())
  return {
    path,
    settings: join(path, 'cluster.json'),
    lock: join(path, 'polypod.lock'),
    log: join(path, 'polypod.log'),
    kubeconfig: join(path, 'kubeconfig'),
    pki: join(path, 'pki'),
    store: join(path, 'store'),
    nodes: join(path, 'nodes'),
  }
}

const defaultPath = () =>
  process.getuid?.() === 0 ? '/var/lib/polypod' : join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'polypod')

/** Throws Problem when a live process holds the directory, or when it cannot be written. */
export async function holdDataDir(dir: DataDir): Promise<PidLock> {
  try {
    return await takePidLock(dir.lock)
  } catch (error) {
    if (error instanceof LockedError)
      throw new Problem(
        'dataDirInUse',
        `${dir.path} is in use by a live cluster (pid ${error.pid}): stop it with \`polypod down --data-dir ${dir.path}\`, or give another --data-dir`,
      )
    throw new Problem('failed', `cannot write to the data directory: ${(error as Error).message}`, error)
  }
}

/** Whether it failed because there is no room on the disk. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && error.code === 'ENOSPC') || isDiskFull(error.cause))
