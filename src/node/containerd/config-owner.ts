// Which containerd reads a configuration file: the process that runs with it, its binary and version, and where it finds shims.
import { constants } from 'node:fs'
import { access, readdir, readFile, readlink, realpath, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { EffectiveConfig } from '../../containerd/effective-config.ts'
import { type MachineAnswers, machineQuestions } from '../../containerd/machine-questions.ts'
import { parseVersion, type Version } from '../../containerd/version.ts'
import { findBinaries } from './binaries.ts'
import { command } from './command.ts'
import { defaultConfigPath } from './config-files.ts'

export interface ConfigOwner {
  /** Absent when no containerd runs with the file. */
  pid?: number | undefined
  /** Absent when containerd is not installed. */
  binary?: string | undefined
  version?: Version | undefined
  /** In containerd's order: its working directory, PATH, its own folder. */
  shimFolders: string[]
  /** PATH of the process. */
  pathFolders: string[]
}

/** What systemd gives a service. */
const servicePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Never rejects: what cannot be found out is absent. */
export async function configOwner(path: string): Promise<ConfigOwner> {
  const pid = await processReading(path)
  const binary =
    (pid && (await readlink(`/proc/${pid}/exe`).catch(() => ''))) || (await findBinaries(['containerd'])).get('containerd')
  const cwd = (pid && (await readlink(`/proc/${pid}/cwd`).catch(() => ''))) || '/'
  const environment = pid ? await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '') : ''
  const said = environment.split('\0').find((line) => line.startsWith('PATH='))
  const pathFolders = (said?.slice('PATH='.length) ?? servicePath).split(':').filter(Boolean)
  const version = binary ? parseVersion((await command(binary, ['--version'], 10_000)).stdout) : undefined
  const shimFolders = [...new Set([cwd, ...pathFolders, ...(binary ? [dirname(binary)] : [])])]
  return { pid, binary, version, shimFolders, pathFolders }
}

async function processReading(path: string): Promise<number | undefined> {
  const wanted = await realpath(path).catch(() => path)
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (!/(^|\/)containerd$/.test(args[0] ?? '')) continue
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '/')
    const reads = resolve(cwd, configOf(args))
    if ((await realpath(reads).catch(() => reads)) === wanted) return Number(pid)
  }
  return undefined
}

function configOf(args: readonly string[]): string {
  const given = args.findIndex((arg) => /^--?c(onfig)?(=|$)/.test(arg))
  if (given === -1) return defaultConfigPath
  return args[given]?.split('=')[1] ?? args[given + 1] ?? defaultConfigPath
}

/** Asks this machine; `owner` says where binaries are looked for. */
export async function machineAnswers(config: EffectiveConfig, owner: ConfigOwner): Promise<MachineAnswers> {
  const asked = machineQuestions(config)
  const [shims, runtimes, present, broken, cgroup] = await Promise.all([
    findBinaries(asked.shims, owner.shimFolders),
    findBinaries(asked.runtimes, owner.pathFolders),
    Promise.all(asked.paths.map(async (path) => ((await isThere(path)) ? [path] : []))),
    Promise.all(asked.objects.map(async (path) => [path, await whyNoObject(path)] as const)),
    statfs('/sys/fs/cgroup').catch(() => undefined),
  ])
  const cgroup2Magic = 0x63677270
  return {
    shims,
    runtimes,
    present: new Set(present.flat()),
    broken: new Map(broken.flatMap(([path, why]) => (why === undefined ? [] : [[path, why]]))),
    shimFolders: owner.shimFolders,
    cgroupV2: cgroup?.type === cgroup2Magic,
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  )

/** Why a file that is there holds no JSON object; undefined when it does, and when we may not look: containerd may. */
export async function whyNoObject(path: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && !Array.isArray(value) ? undefined : 'it holds no JSON object'
  } catch (error) {
    if (error instanceof SyntaxError) return `not valid JSON: ${error.message.split('\n')[0]}`
    const { code = '' } = error as NodeJS.ErrnoException
    return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code) ? undefined : `it cannot be read (${code})`
  }
}
