// polypod up
import { spawn } from 'node:child_process'
import { mkdir, open, rename, stat } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import pc from 'picocolors'
import { polypodVersion } from '../api/version.ts'
import { type DataDir, dataDirAt } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import type { KubeletSettings } from '../cluster/kubelet-settings.ts'
import type { Wishes } from '../cluster/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { dataDirOption, names, wholeNumber } from './flags.ts'
import { logFile } from './log-file.ts'
import { addKubeletFlags, kubeletWishes } from './kubelet-flags.ts'
import { print } from './output.ts'

interface UpFlags extends Omit<Wishes, 'kubelet'>, KubeletSettings {
  detach?: boolean
  dataDir?: string
}

export function up(program: Command): void {
  const command = program
    .command('up')
    .description('Start a cluster, and run it until it is stopped')
    .option('-d, --detach', 'start it in the background and return when it is ready')
    .addOption(dataDirOption())
    .option(
      '--port <port>',
      'port of the API server on 127.0.0.1; 0 for any free one (default: as last time, else 6443)',
      wholeNumber(0, 65_535),
    )
    .addOption(
      new Option('--cri <socket>', 'use the container runtime that serves CRI at this socket').conflicts([
        'simulated',
        'nodes',
        'handlers',
      ]),
    )
    .option('--simulated', 'simulate containers: no root, no containerd needed')
    .option('--nodes <n>', 'number of simulated nodes', wholeNumber(1, 10_000))
    .option('--handlers <a,b>', 'offer only these RuntimeClass handlers', names)
    .addOption(
      new Option('--scheduler-profile <name>', 'upstream: place Pods without regard to the handlers a node has').choices([
        'default',
        'upstream',
      ]),
    )
  addKubeletFlags(command)
    .addHelpText(
      'after',
      `
Without flags it runs its own containerd with a handler for every container runtime found on the machine (needs root).
A cluster that was there before comes up again as it was. Ctrl-C, SIGTERM or \`polypod down\` stop it and its Pods.

Examples:
  polypod up --detach
  polypod up --simulated --nodes 3 --data-dir /tmp/three --port 0
  polypod up --cri unix:///run/containerd/containerd.sock`,
    )
    .action(async ({ detach, dataDir, ...wishes }: UpFlags) => {
      const dir = dataDirAt(dataDir)
      await mkdir(dir.path, { recursive: true, mode: 0o755 }).catch((error: Error) => {
        throw new Problem('failed', `cannot make the data directory: ${error.message}`)
      })
      if (detach) await startInBackground(dir)
      else await run(dir, { ...wishes, kubelet: kubeletWishes(wishes) })
    })
}

/** What the background process tells the one that started it. */
type Message = { line: string } | { ready: string } | { problem: string; exitCode: number }

async function run(dir: DataDir, wishes: Wishes): Promise<void> {
  // a terminal that went away, or a full disk behind them, is no reason to end a cluster
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const { up: bringUp } = await import('../cluster/up.ts')
  const tell = (message: Message) => {
    if (process.send) process.send(message)
    else if ('line' in message) print(`${message.line}\n`)
    else if ('ready' in message) print(`${pc.bold(message.ready)}\n`)
  }
  const log = await openLog(dir).catch(unwritable)
  const startedAt = systemClock.now()
  tell({ line: `Polypod ${polypodVersion}, data in ${dir.path}` })
  const report = (what: string, detail: string, ms: number) =>
    tell({ line: `  ${pc.green('✔')} ${what}: ${detail} ${pc.dim(`(${ms} ms)`)}` })
  try {
    const stopping = signalled()
    const cluster = await bringUp({ dir, wishes, clock: systemClock, report, log })
    const seconds = ((systemClock.now() - startedAt) / 1000).toFixed(1)
    tell({ ready: `Ready after ${seconds} s at ${cluster.url}   export KUBECONFIG=${dir.kubeconfig}` })
    if (process.connected) process.disconnect()
    const why = await Promise.race([stopping, cluster.failed])
    if (why instanceof Error) {
      await cluster.leave()
      throw new Problem(
        'failed',
        `${why.message} (see ${dir.log}); its containers go on running, \`polypod up\` takes them over`,
        why,
      )
    }
    log(`stopping: ${why}`)
    if (process.stdout.isTTY) print('\nStopping Pods and the cluster\n')
    await cluster.stop()
  } catch (error) {
    const exitCode = error instanceof Problem ? error.exitCode : 1
    if (process.connected) tell({ problem: (error as Error).message, exitCode })
    throw error
  }
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
  })
}

const logLimitBytes = 10 * 1024 * 1024

async function openLog(dir: DataDir) {
  const { default: pino } = await import('pino')
  const size = await stat(dir.log).then(
    (s) => s.size,
    () => 0,
  )
  if (size > logLimitBytes) await rename(dir.log, `${dir.log}.1`)
  // not pino's own destination: on a full disk that one ends the process, or waits for room without end
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, logFile(dir.log))
  return (line: string, cause?: unknown) => (cause === undefined ? logger.info(line) : logger.error({ err: cause }, line))
}

function unwritable(error: unknown): never {
  throw new Problem('failed', `cannot write to the data directory: ${(error as Error).message}`, error)
}

/** Room for new objects: with Node's default of 16 MiB a burst of thousands of Pods spends twice the time collecting garbage. */
const youngRoom = ['--max-semi-space-size=64']

/** Starts the same command without --detach, passes on what it says, and lets go of it when it is ready. */
async function startInBackground(dir: DataDir): Promise<void> {
  const output = await open(dir.log, 'a', 0o600).catch(unwritable)
  const own = process.argv.slice(1).filter((word) => word !== '--detach' && word !== '-d')
  const child = spawn(process.execPath, [...youngRoom, ...process.execArgv, ...own], {
    detached: true,
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
    env: { ...process.env, ...(pc.isColorSupported ? { FORCE_COLOR: '1' } : {}) },
  })
  const ready = new Promise<string>((resolve, reject) => {
    child.on('message', (message: Message) => {
      if ('line' in message) print(`${message.line}\n`)
      else if ('ready' in message) resolve(message.ready)
      else reject(Object.assign(new Problem('failed', message.problem), { exitCode: message.exitCode }))
    })
    child.once('exit', (code, signal) =>
      reject(new Problem('failed', `it ended (${signal ?? code}) before it was ready: see ${dir.log}`)),
    )
    child.once('error', reject)
  })
  try {
    print(`${pc.bold(await ready)}\n`)
  } finally {
    await output.close()
    child.removeAllListeners()
    if (child.connected) child.disconnect()
    child.unref()
  }
}
