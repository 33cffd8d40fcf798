// Writes configuration files so that nobody ever reads half of one, and so that they can be put back.
import { chmod, chown, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { writeAtomically } from '../../lib/atomic-file.ts'
import type { Clock } from '../../lib/clock.ts'

export interface FileChange {
  path: string
  before: string
  after: string
}

/** Paths of the backups, which lie beside the files: `config.toml.20260102T030405678.bak`. */
export async function writeChanges(changes: readonly FileChange[], clock: Clock): Promise<string[]> {
  const stamp = new Date(clock.now()).toISOString().replace(/[-:.Z]/g, '')
  const backups: string[] = []
  for (const { path, before } of changes) {
    const real = await realpath(path)
    const { mode, uid, gid } = await stat(real)
    if ((await readFile(real, 'utf8')) !== before) throw new Error('somebody else has changed it meanwhile; nothing was written')
    const backup = `${real}.${stamp}.bak`
    // an earlier backup is never written over
    await writeFile(backup, before, { mode: mode & 0o777, flag: 'wx' })
    await asBefore(backup, { mode, uid, gid })
    backups.push(backup)
  }
  for (const { path, after } of changes) await replaceText(path, after)
  return backups
}

/** The backups go, too. */
export async function putBack(changes: readonly FileChange[], backups: readonly string[]): Promise<void> {
  for (const { path, before } of changes) await replaceText(path, before)
  for (const backup of backups) await rm(backup, { force: true })
}

/** Through a symbolic link: the link stays one. */
async function replaceText(path: string, text: string): Promise<void> {
  const real = await realpath(path)
  const before = await stat(real)
  await writeAtomically(real, text, before.mode & 0o777)
  await asBefore(real, before)
}

async function asBefore(path: string, { mode, uid, gid }: { mode: number; uid: number; gid: number }): Promise<void> {
  await chmod(path, mode & 0o777)
  // only root can, and only root has to
  await chown(path, uid, gid).catch(() => {})
}
