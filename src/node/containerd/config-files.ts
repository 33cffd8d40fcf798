// Reads containerd's configuration of a machine: the file, what it imports, and which containerd it is for.
import { constants } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { type ConfigFile, ConfigSyntaxError, parseConfigFile, type Place, textsAt } from '../../containerd/config-tree.ts'
import { effectiveConfig, type EffectiveConfig, runtimeTable } from '../../containerd/effective-config.ts'
import { globPieces } from '../../containerd/annotation-glob.ts'
import type { Version } from '../../containerd/version.ts'

export const defaultConfigPath = '/etc/containerd/config.toml'

/** A configuration that cannot be read, in one line for a user. */
export class ConfigFileError extends Error {
  override name = 'ConfigFileError'
}

/** Rejects with ConfigFileError, also for imports, with which containerd would not start. */
export async function readConfigFiles(path: string): Promise<ConfigFile[]> {
  const files: ConfigFile[] = []
  const pending: { path: string; from?: string }[] = [{ path }]
  for (let next = pending.shift(); next; next = pending.shift()) {
    const { path: at, from } = next
    if (files.some((file) => file.path === at)) continue
    const file = await readOne(at, from)
    files.push(file)
    pending.push(...(await importsOf(file)).map((imported) => ({ path: imported, from: at })))
  }
  return files
}

async function readOne(path: string, from: string | undefined): Promise<ConfigFile> {
  const named = from === undefined ? '' : ` (imported by ${from}: containerd does not start without it)`
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigFileError(`${path}: ${whyUnreadable(error)}${named}`, { cause: error })
  })
  try {
    return parseConfigFile(path, text)
  } catch (error) {
    throw error instanceof ConfigSyntaxError ? new ConfigFileError(error.message, { cause: error }) : error
  }
}

function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES') return 'permission denied (try as root)'
  return code === 'EISDIR' ? 'a directory, not a file' : message
}

/** Relative to the file; a glob that finds nothing is no error. */
async function importsOf({ path, root }: ConfigFile): Promise<string[]> {
  const found = textsAt(root, 'imports').map(async (pattern) => {
    const full = normalize(isAbsolute(pattern) ? pattern : join(dirname(path), pattern))
    return full.includes('*') ? globbed(full) : [full]
  })
  return (await Promise.all(found)).flat()
}

/** Sorted, as Go's filepath.Glob gives them. */
async function globbed(pattern: string): Promise<string[]> {
  let found = ['/']
  for (const part of pattern.split('/').filter(Boolean)) {
    const matches = matcher(part)
    const next = found.map(async (folder) => {
      if (!matches) return (await exists(join(folder, part))) ? [join(folder, part)] : []
      const names = await readdir(folder).catch(() => [])
      return names
        .filter(matches)
        .toSorted()
        .map((name) => join(folder, name))
    })
    found = (await Promise.all(next)).flat()
  }
  return found
}

function matcher(part: string): ((name: string) => boolean) | undefined {
  const pieces = globPieces(part)
  if (!pieces || !/[*?[]/.test(part)) return undefined
  return (name) => {
    const chars = Array.from(name)
    // which pieces may come next, after each character
    let at = new Set(closure([0], pieces))
    for (const char of chars) {
      const next = [...at].flatMap((i) => (pieces[i]?.fits(char) ? [pieces[i].star ? i : i + 1] : []))
      at = new Set(closure(next, pieces))
    }
    return at.has(pieces.length)
  }
}

/** A star may be left out. */
function closure(from: number[], pieces: { star: boolean }[]): number[] {
  const all = new Set<number>()
  for (let i of from) {
    all.add(i)
    while (pieces[i]?.star) all.add((i += 1))
  }
  return [...all]
}

const exists = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  )

/** Rejects with ConfigFileError. */
export async function readContainerdConfig(path: string, containerd?: Version): Promise<EffectiveConfig> {
  return effectiveConfig(await readConfigFiles(path), containerd)
}

/** Where the table of a handler ("" is the default) stands; undefined when it is built in, missing, or the file unreadable. */
export async function handlerPlace(path: string, handler: string, containerd?: Version): Promise<Place | undefined> {
  const config = await readContainerdConfig(path, containerd).catch(() => undefined)
  return config && runtimeTable(config, handler)?.place
}
