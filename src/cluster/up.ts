// `polypod up`: a cluster that lives in a data directory, on real containers unless it is told otherwise.
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import { openScope, type Scope } from '../lib/scope.ts'
import { openLmdbStore } from '../store/lmdb.ts'
import { openCertificates } from './certs.ts'
import { type DataDir, holdDataDir, isDiskFull } from './data-dir.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { type OpenNodes, openNodes } from './node-plan.ts'
import { Problem } from './problem.ts'
import { defaultPort, readSettings, type Settings, settingsFor, type Wishes, writeSettings } from './settings.ts'
import { startControlPlane, startNodes } from './start-cluster.ts'

export interface UpOptions {
  dir: DataDir
  wishes: Wishes
  clock: Clock
  /** Hears what has started, one line each, with how long it took. */
  report: (what: string, detail: string, ms: number) => void
  log: (line: string, cause?: unknown) => void
}

export interface UpCluster {
  url: string
  settings: Settings
  /** Resolves when a part of it failed that nothing can go on without. */
  failed: Promise<Error>
  /** Ends Pods, containerd and control plane; objects stay. */
  stop(): Promise<void>
  /** Ends the control plane alone; containers go on, and the next `up` takes them over. */
  leave(): Promise<void>
}

/** Resolves when the API answers and every node is Ready. Rejects with Problem where the user can mend it. */
export async function up(options: UpOptions): Promise<UpCluster> {
  const { dir, log } = options
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => (fail = resolve))
  const scope = openScope((name, error) => {
    log(`${name} failed`, error)
    fail(new Error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error }))
  })
  const ending: Ending = {}
  try {
    scope.own(await holdDataDir(dir))
    const settings = settingsFor(options.wishes, await readSettings(dir))
    await mkdir(dir.nodes, { recursive: true, mode: 0o755 })
    const url = await start(options, settings, { scope, ending })
    return {
      url,
      settings,
      failed,
      leave: () => scope.close(),
      async stop() {
        const nodes = await ending.nodes
        if (nodes) scope.own({ close: nodes.stop })
        await scope.close()
      },
    }
  } catch (error) {
    // what this start has begun ends with it; containers of an earlier one go on
    const nodes = await ending.nodes?.catch(() => undefined)
    if (nodes && !nodes.foundContainers) scope.own({ close: nodes.stop })
    await scope.close()
    throw error
  }
}

/** Pods end only when that is asked for: a failure of ours must not take them along. */
interface Ending {
  nodes?: Promise<OpenNodes> | undefined
}

interface Life {
  scope: Scope
  ending: Ending
}

async function start(options: UpOptions, settings: Settings, { scope, ending }: Life): Promise<string> {
  const { dir, clock, log } = options
  const port = await portFor(settings, options.wishes)
  const timed = async <T>(what: string, work: Promise<T>, detail: (done: T) => string): Promise<T> => {
    const startedAt = clock.now()
    const done = await work
    options.report(what, detail(done), clock.now() - startedAt)
    return done
  }
  // the slowest first: containerd and the control plane start side by side
  ending.nodes = timed('runtime', openNodes({ dir, settings, clock, scope, log }), (n) => n.description)
  // heard below, unless the control plane fails first
  ending.nodes.catch(() => {})
  const certificates = await openCertificates({ dir: dir.pki, clock }).catch(corrupt)
  const store = scope.own(await openLmdbStore({ path: dir.store }).catch((error: Error) => corrupt(storeError(dir, error))))
  const parts = { scope, store, certificates, port, schedulerProfile: settings.schedulerProfile, clock, log }
  const controlPlane = await timed('API server', startControlPlane(parts), (c) => c.url)
  await writeKubeconfig(dir.kubeconfig, { url: controlPlane.url, ca: certificates.ca, admin: certificates.admin })
  // a port found free once is kept, so that kubeconfigs copied elsewhere stay right
  await writeSettings(dir, { ...settings, port: controlPlane.port })
  const { plans } = await ending.nodes
  const nodeParts = { scope, clock, certificates, controlPlane, nodesDir: dir.nodes, owner: instanceName(dir.path), log }
  const word = plans.length === 1 ? `node ${plans[0]?.name}` : `${plans.length} nodes`
  await timed(word, startNodes(plans, nodeParts), () => 'Ready')
  return controlPlane.url
}

/** The port that was asked for or had before; without either 6443, or when that is taken any free one. */
async function portFor(settings: Settings, wishes: Wishes): Promise<number> {
  if (settings.port === 0) return wishes.port === undefined && (await isFree(defaultPort)) ? defaultPort : 0
  if (await isFree(settings.port)) return settings.port
  const whose = wishes.port === undefined ? ' (the one this cluster had before)' : ''
  throw new Problem('portTaken', `port ${settings.port}${whose} is taken: give another with --port, or --port 0 for any free one`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

const storeError = (dir: DataDir, error: Error): Error =>
  isDiskFull(error)
    ? error
    : new Error(
        `the store cannot be opened: ${error.message}; put a copy of ${dir.store} in its place, or remove it to begin anew`,
        {
          cause: error,
        },
      )

const corrupt = (error: Error): never => {
  throw new Problem(isDiskFull(error) ? 'failed' : 'corrupt', error.message, error)
}
