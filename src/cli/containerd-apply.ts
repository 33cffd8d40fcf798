// Applies a change of configuration (loaded when it is needed: it speaks gRPC): written with a backup, containerd restarted, the handler proved; all put back when that fails.
import { dirname } from 'node:path'
import { dataDirAt } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { criSocket } from '../containerd/cri-socket.ts'
import type { TextEdit } from '../containerd/edit-add.ts'
import { cgroupDrivers } from '../containerd/machine-questions.ts'
import { systemClock } from '../lib/clock.ts'
import { pidLockHolder } from '../lib/pid-lock.ts'
import { cgroupNames } from '../node/cgroup-tree.ts'
import { restartBy, restartOwn, statusAt } from '../node/containerd/config-restart.ts'
import { type FileChange, putBack, writeChanges } from '../node/containerd/config-write.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import { runningInstance } from '../node/containerd/instance-process.ts'
import { runCanary } from '../node/handler/canary.ts'
import { criRuntime } from '../node/cri/grpc.ts'
import { type OpenConfig, ownPaths } from './containerd-config.ts'

export interface ChangeWishes {
  /** A shell command, or true: systemctl. */
  restart?: string | true
}

export interface Change extends ChangeWishes {
  /** The handler that must run a sandbox afterwards; "": the default. */
  prove: string
  handler: string
  verb: 'added' | 'removed'
}

/** Resolves to what was done, for people. Rejects with Problem after everything is as it was. */
export async function applyChange(open: OpenConfig, edits: readonly TextEdit[], change: Change): Promise<string> {
  const changes = edits.flatMap(({ file, text }): FileChange[] => {
    const before = open.config.files.find(({ path }) => path === file)?.text
    return before === undefined || before === text ? [] : [{ path: file, before, after: text }]
  })
  const restart = await restarter(open, change)
  const backups = await writeChanges(changes, systemClock).catch((error: Error) => {
    throw new Problem('failed', `cannot write ${changes[0]?.path}: ${error.message}`, error)
  })
  const what = `handler "${change.handler}"`
  const done = `${change.verb} ${what} in ${changes.map(({ path }) => path).join(', ')} (before: ${backups.join(', ')})\n`
  if (restart === undefined) return `${done}${advice(open, change)}`
  const failure = (await restart()) ?? (await proof(open, change))
  if (typeof failure === 'number') return `${done}containerd restarted; ${sandboxOf(change)} started in ${failure} ms\n`
  await putBack(changes, backups)
  const again = await restart()
  const state = again === undefined ? 'everything is as it was' : `the file is as it was, but containerd does not start: ${again}`
  throw new Problem('failed', `${what} was not ${change.verb}: ${failure}; ${state}`)
}

const sandboxOf = ({ prove }: Change): string => (prove === '' ? 'a sandbox of the default handler' : `a sandbox of "${prove}"`)

type Restart = () => Promise<string | undefined>

/** Undefined when nobody asked for it, or nothing runs that could be restarted. */
async function restarter(open: OpenConfig, change: Change): Promise<Restart | undefined> {
  const { path, config, owner } = open
  const paths = ownPaths(open)
  if (paths === undefined) {
    if (change.restart === undefined) return undefined
    const shell = change.restart === true ? 'systemctl restart containerd' : change.restart
    return () => restartBy(shell, criSocket(config), systemClock)
  }
  if (!(await runningInstance(paths, systemClock)) || owner.binary === undefined) return undefined
  const dir = dataDirAt(dirname(dirname(path)))
  const isSupervised = (await pidLockHolder(dir.lock)) !== undefined
  const instance = { paths, containerd: owner.binary, isSupervised }
  return () => restartOwn(instance, systemClock)
}

function advice(open: OpenConfig, { prove }: Change): string {
  if (ownPaths(open)) return 'That containerd does not run now; `polypod up` starts it with the change.\n'
  const socket = criSocket(open.config)
  const test = prove === '' ? '' : `\nThen a Pod whose RuntimeClass has handler: ${prove} shows whether it works.`
  return `containerd (${socket}) still runs with the old configuration. Restart it, containers go on: systemctl restart containerd${test}
With --restart this command does that, proves the handler with a sandbox, and puts the file back when it fails.\n`
}

/** How long the sandbox took, in milliseconds; else why there was none. */
async function proof(open: OpenConfig, { prove }: Change): Promise<number | string> {
  const socket = criSocket(open.config)
  const until = systemClock.now() + 10_000
  while (!(await statusAt(socket))?.networkReady && systemClock.now() < until) await systemClock.sleep(100)
  const runtime = criRuntime(socket)
  try {
    const world = { runtime, clock: systemClock, simulated: false, log: () => {} }
    const place = { owner: 'polypod-containerd-edit', cgroupParent: cgroupParent(open) }
    const result = await runCanary({ ...world, ...place }, prove, { timeoutMs: 60_000 })
    if (result === 'away') return 'containerd went away'
    return result.ok ? result.durationMs : `no sandbox: ${result.message}`
  } finally {
    await runtime.close()
  }
}

/** With ours, within the cgroup of its Pods: nothing is left beside it. */
function cgroupParent({ path, config }: OpenConfig): string {
  if (!ownPaths({ path, config })) return ''
  const driver = cgroupDrivers(config)[0]?.driver ?? 'cgroupfs'
  const { kubepods } = cgroupNames(instanceName(dirname(dirname(path))), driver)
  return driver === 'systemd' ? (kubepods.at(-1) ?? '') : `/${kubepods.join('/')}`
}
