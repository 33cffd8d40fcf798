// Processes of this machine, read off /proc.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

export interface ProcessFacts {
  pid: number
  parent: number
  /** Milliseconds since the epoch, to about 10 ms. */
  startedAtMs: number
  argv: string[]
  /** The executable; absent without the right to see it. */
  exe?: string | undefined
  cwd?: string | undefined
}

// k8s: USER_HZ, what /proc counts in
const ticksPerSecond = 100

/** Undefined when there is no such process. */
export async function processFacts(pid: number, nowMs: number): Promise<ProcessFacts | undefined> {
  try {
    const [stat, argv, uptime] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile('/proc/uptime', 'utf8'),
    ])
    const [exe, cwd] = await Promise.all([link(pid, 'exe'), link(pid, 'cwd')])
    // the process name may hold spaces and brackets: fields are counted from behind it, the state is the first
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const agoMs = (Number(uptime.split(' ')[0]) - Number(fields[19]) / ticksPerSecond) * 1000
    const startedAtMs = Math.round(nowMs - agoMs)
    return { pid, parent: Number(fields[1]), startedAtMs, argv: argv.split('\0').slice(0, -1), exe, cwd }
  } catch {
    return undefined
  }
}

const link = (pid: number, name: string): Promise<string | undefined> =>
  readlink(`/proc/${pid}/${name}`).then(
    (path) => path.replace(/ \(deleted\)$/, ''),
    () => undefined,
  )

/** Empty of a process that is not there. */
export const argvOf = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1)

/** The environment a process was started with; empty without the right to see it. */
export async function environmentOf(pid: number): Promise<Map<string, string>> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return new Map(
    text.split('\0').flatMap((line) => {
      const at = line.indexOf('=')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
}

/** The value behind a flag of Go's kind: `-name value`, `--name value`, `--name=value`. */
export function flagOf(argv: readonly string[], name: string): string | undefined {
  const joined = argv.find((word) => word.startsWith(`--${name}=`) || word.startsWith(`-${name}=`))
  if (joined !== undefined) return joined.slice(joined.indexOf('=') + 1)
  const at = argv.findIndex((word) => word === `-${name}` || word === `--${name}`)
  return at < 0 ? undefined : argv[at + 1]
}

/** The process that listens at a unix socket, looked for among those whose program's name begins with one of `names`. */
export async function listenerOf(socket: string, names: readonly string[]): Promise<number | undefined> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => '')
  const inodes = new Set(
    table
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[7] === socket)
      .map((fields) => `socket:[${fields[6]}]`),
  )
  if (inodes.size === 0) return undefined
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue
    const name = basename((await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).split('\0')[0] ?? '')
    if (names.some((wanted) => name.startsWith(wanted)) && (await holds(Number(entry), inodes))) return Number(entry)
  }
  return undefined
}

async function holds(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => []))
    if (inodes.has((await link(pid, `fd/${descriptor}`)) ?? '')) return true
  return false
}
