// The shims of one instance, and everything that runs under them.
import { readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { InstancePaths } from './instance-paths.ts'
import { sendSignal } from './instance-process.ts'

const socketFolder = '/run/containerd/s'

interface ProcessEntry {
  pid: number
  parent: number
  argv: string[]
}

async function allProcesses(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const entries = await Promise.all(
    pids.map(async (pid) => {
      const [argv, stat] = await Promise.all([
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''),
      ])
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return { pid, parent, argv: argv.split('\0') }
    }),
  )
  return entries.filter((entry) => entry.parent > 0)
}

const isOurs = ({ argv }: ProcessEntry, socket: string) =>
  basename(argv[0] ?? '').startsWith('containerd-shim') && argv.includes(socket)

/** Pids of the shims that report to this instance. */
export async function shimsOf({ socket }: Pick<InstancePaths, 'socket'>): Promise<number[]> {
  return (await allProcesses()).filter((p) => isOurs(p, socket)).map((p) => p.pid)
}

/** Pids of the shims of a containerd that is away: none while anybody serves at its socket, an absolute path. */
export async function orphanShims(socket: string): Promise<number[]> {
  return ['ECONNREFUSED', 'ENOENT'].includes(await refusalOf(socket)) ? shimsOf({ socket }) : []
}

/** Kills the shims of this instance with all that descends from them; returns how many processes that were. */
export async function killShims(paths: InstancePaths): Promise<number> {
  const processes = await allProcesses()
  const doomed = new Set(processes.filter((p) => isOurs(p, paths.socket)).map((p) => p.pid))
  for (let before = -1; before !== doomed.size; ) {
    before = doomed.size
    for (const { pid, parent } of processes) if (doomed.has(parent)) doomed.add(pid)
  }
  for (const pid of [...doomed].toReversed()) sendSignal(pid, 'SIGKILL')
  return doomed.size
}

/** Socket files of this instance's shims; their folder belongs to every containerd of the machine. */
export async function shimSockets(paths: InstancePaths): Promise<string[]> {
  const files: string[] = []
  for (const plugin of ['io.containerd.runtime.v2.task', 'io.containerd.runtime.v1.linux']) {
    const folder = join(paths.state, plugin, 'k8s.io')
    for (const id of await readdir(folder).catch(() => [])) {
      const address = await readFile(join(folder, id, 'address'), 'utf8').catch(() => '')
      const path = /^unix:\/\/(\/\S+)/.exec(address)?.[1]
      if (path !== undefined) files.push(path)
    }
  }
  return files
}

/**
 * Socket files of shims that are dead, whoever's they were: containerd forgets a bundle, and with it the address, of a shim that was
 * killed. Nobody can ever listen at such a file again, so it is safe to take away; asked twice, since a shim binds before it listens.
 */
export async function deadShimSockets(clock: Clock): Promise<string[]> {
  const files = (await readdir(socketFolder).catch(() => [])).map((name) => join(socketFolder, name))
  const dead = async (candidates: string[]) => {
    const answers = await Promise.all(candidates.map(isDead))
    return candidates.filter((_, i) => answers[i])
  }
  const suspects = await dead(files)
  if (suspects.length === 0) return []
  await clock.sleep(100)
  return dead(suspects)
}

const isDead = async (path: string): Promise<boolean> => (await refusalOf(path)) === 'ECONNREFUSED'

/** Why nobody answers at a socket file; "" when somebody does. */
function refusalOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('')
    })
    socket.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => resolve(code))
  })
}

export const removeFiles = (files: readonly string[]): Promise<unknown> =>
  Promise.all(files.map((file) => rm(file, { force: true })))
