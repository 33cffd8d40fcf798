// A whole cluster in this process: store, API server, controllers, scheduler, nodes. `up` gives it a data directory.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultPlugins } from '../admission/default-plugins.ts'
import type { Pod } from '../api/core/pod.ts'
import { NodeHandler, systemNamespace } from '../api/polypod/node-handler.ts'
import type { Client } from '../client/client.ts'
import { type Mirrors, mirrorsOf } from '../client/mirrors.ts'
import { bootstrap } from '../controllers/bootstrap.ts'
import { controllers } from '../controllers/all.ts'
import { runController } from '../controllers/run.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { instanceName } from '../node/containerd/instance-paths.ts'
import { openScope, type Scope } from '../lib/scope.ts'
import { type KubeletMetrics, kubeletMetrics } from '../node/kubelet-metrics.ts'
import { startKubeletServer } from '../node/kubelet-server.ts'
import { type RunningNode, runNode } from '../node/run.ts'
import { statsSummary } from '../node/stats-summary.ts'
import { defaultProfile } from '../placement/default-profile.ts'
import { upstreamProfile } from '../placement/upstream-profile.ts'
import { runScheduler } from '../scheduler/run.ts'
import { startHttpServer } from '../server/http.ts'
import type { Observed } from '../server/observed.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { explainer } from './explainer.ts'
import { observers } from './observers.ts'
import { type Certificates, openCertificates } from './certs.ts'
import { dataDirAt } from './data-dir.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { type NodePlan, openNodes } from './node-plan.ts'

export interface ControlPlaneParts {
  scope: Scope
  store: Store
  certificates: Certificates
  /** 0: any free one. */
  port: number
  schedulerProfile: 'default' | 'upstream'
  clock: Clock
  log: (line: string, cause?: unknown) => void
}

export interface ControlPlane {
  url: string
  port: number
  client(user: string, groups?: readonly string[]): Client
  /** For nodes of this process. */
  kubeletMetrics: KubeletMetrics
  mirrors: Mirrors
  /** Those that run in this process, by name. */
  nodes: Map<string, RunningNode>
}

/** Everything but nodes; API answers once it resolves. Lives and ends with `scope`. */
export async function startControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { scope, clock, certificates, log } = parts
  const api = scope.own(await openApiServer({ store: parts.store, plugins: defaultPlugins, clock }))
  const tls = { ...certificates.server, ca: certificates.ca }
  // nodes of this process share one kubelet server, whatever their own addresses are
  const kubelet = { clientTls: { ...certificates.kubeletClient, ca: certificates.ca }, host: '127.0.0.1' }
  const observed: Observed = {}
  const kubelets = kubeletMetrics()
  const nodes = new Map<string, RunningNode>()
  const profile = parts.schedulerProfile === 'upstream' ? upstreamProfile : defaultProfile
  const explains = explainer({ client: api.client('system:explainer'), clock, profile })
  const serving = { api, tls, port: parts.port, clock, kubelet, explainer: explains, observed, log }
  const http = scope.own(await startHttpServer(serving))
  const manager = api.client('system:kube-controller-manager')
  const mirrors = mirrorsOf({ client: manager, clock, signal: scope.signal, log })
  const { ledger, onMeasured, observe } = observers(observed, kubelets, nodes)
  await bootstrap(manager, { port: http.port, clock })
  const drift = { measure: (pods: readonly Pod[]) => http.podMetrics(pods), onMeasured }
  for (const controller of controllers({ rootCa: certificates.ca, ledger, drift }))
    scope.run(`controller ${controller.name}`, (signal) =>
      runController(controller, { client: manager, clock, mirrors, log }, signal),
    )
  const scheduler = { client: api.client('system:kube-scheduler'), clock, mirrors, profile: parts.schedulerProfile, observe, log }
  scope.run('scheduler', (signal) => runScheduler(scheduler, signal))
  const client: ControlPlane['client'] = (user, groups) => api.client(user, groups)
  return { url: http.url, port: http.port, client, kubeletMetrics: kubelets, mirrors, nodes }
}

export interface NodeParts {
  scope: Scope
  clock: Clock
  certificates: Certificates
  controlPlane: ControlPlane
  /** Each node has a folder of its name below it. */
  nodesDir: string
  /** Tells our Pods from others' on a shared runtime. */
  owner: string
  log: (line: string, cause?: unknown) => void
}

/** Nodes of one process beyond which handlers are labels of their Nodes alone: an object each would be tens of thousands. */
const maxPublishing = 100

/** Resolves when every node has registered and is Ready. One kubelet server, on loopback, answers for all of them. */
export async function startNodes(plans: readonly NodePlan[], parts: NodeParts): Promise<void> {
  const { scope, clock, certificates, controlPlane, log } = parts
  const { nodes } = controlPlane
  const tls = { ...(await certificates.nodeCertificate('kubelet', '127.0.0.1')), ca: certificates.ca }
  const onAny = async <T>(ask: (node: RunningNode) => Promise<T | undefined>) => {
    for (const node of nodes.values()) {
      const found = await ask(node)
      if (found) return found
    }
    return undefined
  }
  const stats = async (name: string | undefined) => {
    const node = name === undefined ? undefined : nodes.get(name)
    return node && name !== undefined ? statsSummary(name, await node.stats()) : undefined
  }
  const mayCall = ({ groups }: { groups: readonly string[] }) => groups.includes('system:masters')
  const server = scope.own(
    await startKubeletServer({
      ...{ tls, stats, mayCall, clock },
      find: (namespace, pod) => onAny((node) => node.find(namespace, pod)),
      trace: (namespace, pod, how) => onAny((node) => node.trace(namespace, pod, how)),
    }),
  )
  const publish = plans.length <= maxPublishing
  // what an earlier start with fewer nodes said is not kept up any more
  if (!publish)
    await controlPlane.client('system:kube-controller-manager').deleteCollection(NodeHandler, { namespace: systemNamespace })
  for (const plan of plans) {
    const options = {
      name: plan.name,
      client: controlPlane.client(`system:node:${plan.name}`, ['system:nodes']),
      clock,
      mirrors: controlPlane.mirrors,
      runtime: controlPlane.kubeletMetrics.timed(plan.runtime, clock),
      metrics: controlPlane.kubeletMetrics,
      dataDir: join(parts.nodesDir, plan.name),
      owner: parts.owner,
      kubeletPort: server.port,
      addresses: [
        { type: 'InternalIP', address: plan.ip },
        { type: 'Hostname', address: plan.name },
      ] as const,
      cgroup: plan.cgroup,
      simulated: plan.simulated,
      ...plan.kubelet,
      handlers: { known: plan.handlers, publish, everyMs: plan.kubelet?.canaryEveryMs },
      log,
    }
    scope.run(`node ${plan.name}`, (signal) => {
      const node = runNode(options, signal)
      nodes.set(plan.name, node)
      return node.ended
    })
  }
  await Promise.all([...nodes.values()].map((node) => node.ready))
}

export interface ClusterOptions {
  /** Default: a store in memory, gone with the cluster. */
  store?: Store | undefined
  clock?: Clock | undefined
  /** Simulated nodes; default 1. */
  nodes?: number | undefined
  /** RuntimeClass handlers they offer; the first is the default one. */
  handlers?: readonly string[] | undefined
  schedulerProfile?: 'default' | 'upstream' | undefined
  /** Default any free one. */
  port?: number | undefined
  /** Default: silent. */
  log?: ((line: string, cause?: unknown) => void) | undefined
}

export interface Cluster extends AsyncDisposable {
  /** An administrator's client, in process. */
  client: Client
  url: string
  /** Path of a kubeconfig; gone with the cluster. */
  kubeconfig: string
  close(): Promise<void>
}

/** A cluster for tests: real API server over HTTPS, simulated nodes, in memory, gone when closed. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { clock = systemClock, log = () => {} } = options
  const scope = openScope((name, error) => log(`${name} failed`, error))
  const dir = dataDirAt(await mkdtemp(join(tmpdir(), 'polypod-')))
  scope.own({ close: () => rm(dir.path, { recursive: true, force: true }) })
  try {
    const schedulerProfile = options.schedulerProfile ?? 'default'
    const certificates = await openCertificates({ dir: dir.pki, clock })
    const store = scope.own(options.store ?? memoryStore())
    const parts = { scope, store, certificates, port: options.port ?? 0, schedulerProfile, clock, log }
    const controlPlane = await startControlPlane(parts)
    await writeKubeconfig(dir.kubeconfig, { url: controlPlane.url, ca: certificates.ca, admin: certificates.admin })
    const runtime = { kind: 'simulated', nodes: options.nodes ?? 1, handlers: options.handlers } as const
    const settings = { port: controlPlane.port, nodeName: 'node-1', runtime, schedulerProfile }
    const { plans } = await openNodes({ dir, settings, clock, scope, log })
    await startNodes(plans, { scope, clock, certificates, controlPlane, nodesDir: dir.nodes, owner: instanceName(dir.path), log })
    const close = () => scope.close()
    const client = controlPlane.client('kubernetes-admin')
    return { client, url: controlPlane.url, kubeconfig: dir.kubeconfig, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await scope.close()
    throw error
  }
}
