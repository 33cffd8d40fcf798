// emptyDir: a folder, or memory, that lives as long as its Pod.
import { chmod, chown, mkdir, stat } from 'node:fs/promises'
import { valueOf } from '../../api/quantity.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Volume } from '../../api/core/volume.ts'
import { podCgroup } from '../../ledger/cgroup.ts'
import { mayMount, mountsUnder, mountTmpfs } from './mount-table.ts'

export interface EmptyDirOptions {
  path: string
  /** fsGroup, when it can be given. */
  group: number | undefined
  nodeMemory: string | undefined
  log: (line: string) => void
  simulated: boolean | undefined
}

type EmptyDir = NonNullable<Volume['emptyDir']>

/** Throws an Error for a medium that cannot be had. */
export async function makeEmptyDir(pod: Pod, source: EmptyDir, options: EmptyDirOptions): Promise<void> {
  const { path, group } = options
  const { medium = '' } = source
  if (medium !== '' && medium !== 'Memory')
    throw new Error(`emptyDir medium ${JSON.stringify(medium)} is not supported by this node`)
  const fresh = (await mkdir(path, { recursive: true })) !== undefined
  const mounted = medium === 'Memory' && !options.simulated && (await mountMemory(pod, source, options))
  // a second look must not undo what the Pod itself has changed
  if (!fresh && !mounted) return
  await chmod(path, 0o777)
  if (group === undefined) return
  await chown(path, -1, group)
  await chmod(path, ((await stat(path)).mode & 0o777) | 0o2770)
}

/** Whether it was mounted just now. Without the right to mount a folder must do, and the log says so. */
async function mountMemory(pod: Pod, source: EmptyDir, { path, nodeMemory, log }: EmptyDirOptions): Promise<boolean> {
  if ((await mountsUnder(path)).some((mount) => mount.path === path)) return false
  if (!(await mayMount())) {
    log(`${path}: not root, so this emptyDir of medium Memory is a plain folder without a size limit`)
    return false
  }
  await mountTmpfs(path, memorySize(pod, source.sizeLimit, nodeMemory))
  return true
}

/** k8s: the least of what the node can give, the Pod's own memory limit, and sizeLimit; zeros do not count. Bytes. */
function memorySize(pod: Pod, sizeLimit: string | undefined, nodeMemory: string | undefined): number | undefined {
  const amounts = [nodeMemory, sizeLimit].map((text) => (text === undefined ? 0 : Number(valueOf(text))))
  const known = [...amounts, podCgroup(pod).memoryLimitBytes ?? 0].filter((bytes) => bytes > 0)
  return known.length === 0 ? undefined : Math.min(...known)
}
