// Which container runtimes are on this machine.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { handlerBinaries } from '../../containerd/handler-table.ts'
import { parseVersion, type Version } from '../../containerd/version.ts'
import { command, toolEnvironment } from './command.ts'

/** Name to path of those of `names` that can be executed; earlier folders win, as in a shell. */
export async function findBinaries(names: readonly string[], folders = pathFolders()): Promise<Map<string, string>> {
  const found = await Promise.all(names.map(async (name) => [name, await firstIn(folders, name)] as const))
  return new Map(found.flatMap(([name, path]) => (path === undefined ? [] : [[name, path] as const])))
}

/** Where `npm run gvisor` puts what it builds: a cache of the user who runs us. */
export const builtFolder = (environment = process.env): string =>
  join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'polypod', 'bin')

const pathFolders = () => (toolEnvironment()['PATH'] ?? '').split(':')

async function firstIn(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return path
  }
  return undefined
}

export interface Machine {
  containerd: { path: string; version: Version; text: string }
  /** Shims and OCI runtimes of the handler table. */
  runtimes: Map<string, string>
  tools: Map<string, string>
}

/** Rejects, in one line fit for a user, when containerd is missing or too old. */
export async function findMachine(): Promise<Machine> {
  const tools = await findBinaries(['containerd', 'ctr', 'busybox', 'iptables', 'ip', 'umount', 'unshare'])
  const path = tools.get('containerd')
  if (path === undefined)
    throw new Error('containerd is not installed (no `containerd` on PATH): install it, on Debian with `apt install containerd`')
  // containerd looks for shims beside itself too; what the user installed comes before what we built
  const folders = [...pathFolders(), dirname(path), builtFolder()]
  const [runtimes, { stdout, stderr, code }] = await Promise.all([
    findBinaries(handlerBinaries(), folders),
    command(path, ['--version'], 10_000),
  ])
  const version = parseVersion(stdout)
  if (code !== 0 || !version)
    throw new Error(`${path} --version failed: ${firstLine(stderr) || firstLine(stdout) || `exit code ${code}`}`)
  const text = /(\d+\.\d+\S*)/.exec(stdout.replace(/^\S+ \S+ /, ''))?.[1] ?? `${version.major}.${version.minor}`
  if (version.major < 1 || (version.major === 1 && version.minor < 6))
    throw new Error(`containerd ${text} (${path}) is too old: install 1.6 or later`)
  return { containerd: { path, version, text }, runtimes, tools }
}

const firstLine = (text: string) => text.trim().split('\n', 1)[0]

/** The version an OCI runtime says of itself; undefined where it says none. */
export async function binaryVersion(path: string): Promise<string | undefined> {
  const { stdout, code } = await command(path, ['--version'], 5000)
  const text = /\d+\.\d+[^\s,]*/.exec(stdout)?.[0]
  return code === 0 ? text : undefined
}
