// hostPath: a file or folder of the machine, after a look at what it is.
import type { Stats } from 'node:fs'
import { chmod, mkdir, open, stat } from 'node:fs/promises'
import type { Volume } from '../../api/core/volume.ts'

type HostPath = NonNullable<Volume['hostPath']>

const expected: Record<string, { is(found: Stats): boolean; name: string }> = {
  Directory: { is: (s) => s.isDirectory(), name: 'a directory' },
  File: { is: (s) => s.isFile(), name: 'a file' },
  Socket: { is: (s) => s.isSocket(), name: 'a socket file' },
  CharDevice: { is: (s) => s.isCharacterDevice(), name: 'a character device' },
  BlockDevice: { is: (s) => s.isBlockDevice(), name: 'a block device' },
}

/** The path, checked and made as its type asks. Throws an Error with upstream's text when it is something else. */
export async function hostPathOf({ path, type = '' }: HostPath): Promise<string> {
  if (path.split('/').includes('..')) throw new Error(`invalid HostPath ${JSON.stringify(path)}: must not contain '..'`)
  if (type === '') return path
  const wanted = expected[type.replace(/OrCreate$/, '')]
  if (!wanted) throw new Error(`${JSON.stringify(type)} is an invalid volume type`)
  const found = await look(path)
  if (!found && type === 'DirectoryOrCreate') await makeFolder(path)
  else if (!found && type === 'FileOrCreate') await makeFile(path)
  else if (!found || !wanted.is(found)) throw new Error(`hostPath type check failed: ${path} is not ${wanted.name}`)
  return path
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
}

/** k8s: only the file; its folder has to be there. */
async function makeFile(path: string): Promise<void> {
  const file = await open(path, 'a', 0o644)
  await file.chmod(0o644)
  await file.close()
}
