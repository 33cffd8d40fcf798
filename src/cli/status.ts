// polypod status
import type { Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { type DataDir, dataDirAt } from '../cluster/data-dir.ts'
import { exitCodes } from '../cluster/problem.ts'
import { type Remains, remainsOf } from '../cluster/remains.ts'
import { readSettings, type Settings } from '../cluster/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { pidLockHolder } from '../lib/pid-lock.ts'
import { instancePaths } from '../node/containerd/instance-paths.ts'
import { adminClient } from './admin-client.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { json, print, table } from './output.ts'

export interface ClusterStatus {
  dataDir: string
  running: boolean
  pid?: number | undefined
  url?: string | undefined
  kubeconfig?: string | undefined
  runtime?: Settings['runtime'] | undefined
  /** Where the runtime of the real node serves CRI: for crictl, ctr and benchmarks. */
  criSocket?: string | undefined
  /** Why the API gives no answer although the process lives. */
  problem?: string | undefined
  /** What an `up` that was killed has left running. */
  remains?: Remains | undefined
  nodes: { name: string; ready: boolean; why: string; runtime: string; handlers: string[]; pods: number }[]
  pods: Record<string, number>
}

export function status(program: Command): void {
  program
    .command('status')
    .description('Tell whether a cluster runs, and how its nodes and Pods are')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText('after', `\nExits with ${exitCodes.notRunning} when no cluster runs.\n\nExample:\n  polypod status -o json`)
    .action(async ({ dataDir, output }: { dataDir?: string; output?: 'json' }) => {
      const found = await statusOf(dataDirAt(dataDir))
      print(output === 'json' ? json(found) : text(found))
      if (!found.running || found.problem !== undefined) process.exitCode = exitCodes.notRunning
    })
}

export async function statusOf(dir: DataDir): Promise<ClusterStatus> {
  const pid = await pidLockHolder(dir.lock)
  const settings = await readSettings(dir)
  const known: ClusterStatus = {
    dataDir: dir.path,
    running: pid !== undefined,
    pid,
    runtime: settings?.runtime,
    nodes: [],
    pods: {},
  }
  if (settings === undefined) return known
  if (pid === undefined) return { ...known, remains: await remainsOf(dir, settings, systemClock) }
  const criSocket = criSocketOf(dir, settings.runtime)
  const live = { ...known, url: `https://127.0.0.1:${settings.port}`, kubeconfig: dir.kubeconfig, criSocket }
  try {
    return { ...live, ...(await seen(dir)) }
  } catch (error) {
    return { ...live, problem: error instanceof Error ? error.message : String(error) }
  }
}

/** Undefined for simulated nodes. */
export function criSocketOf(dir: DataDir, runtime: Settings['runtime']): string | undefined {
  if (runtime.kind === 'simulated') return undefined
  return runtime.kind === 'cri' ? runtime.socket : instancePaths(dir.path).socket
}

async function seen(dir: DataDir): Promise<Pick<ClusterStatus, 'nodes' | 'pods'>> {
  const client = await adminClient(dir)
  try {
    const [nodes, pods] = await Promise.all([client.list(Node), client.list(Pod)])
    const phases = pods.items.map((pod) => pod.status.phase ?? 'Unknown')
    return {
      nodes: nodes.items.map((node) => ({
        ...readiness(node),
        name: node.metadata.name,
        runtime: node.status.nodeInfo.containerRuntimeVersion,
        handlers: (node.status.runtimeHandlers ?? []).map((h) => h.name).filter((name) => name !== ''),
        pods: pods.items.filter((pod) => pod.spec.nodeName === node.metadata.name).length,
      })),
      pods: Object.fromEntries([...new Set(phases)].toSorted().map((p) => [p, phases.filter((q) => q === p).length])),
    }
  } finally {
    await client.close()
  }
}

export function readiness(node: Node): { ready: boolean; why: string } {
  const ready = node.status.conditions?.find((condition) => condition.type === 'Ready')
  return { ready: ready?.status === 'True', why: ready?.status === 'True' ? '' : (ready?.message ?? 'no status yet') }
}

function notRunning({ dataDir, remains }: ClusterStatus): string {
  if (remains === undefined) return `No cluster runs in ${dataDir}. Start one with \`polypod up\`.\n`
  const { criSocket, containerdPid, pods } = remains
  const facts = [
    ...(containerdPid === undefined ? [] : [['Containerd:', `pid ${containerdPid}`]]),
    ['CRI socket:', criSocket],
    ['Pods:', pods === undefined ? 'some, their runtime gives no answer' : String(pods)],
  ]
  return (
    `No cluster runs in ${dataDir}, but one that was killed has left running:\n${lines(facts)}` +
    'Take that over with `polypod up`, or end it with `polypod down`.\n'
  )
}

const lines = (facts: string[][]): string => facts.map(([name = '', value = '']) => `${name.padEnd(12)}${value}\n`).join('')

function text(found: ClusterStatus): string {
  if (!found.running) return notRunning(found)
  const counts = Object.entries(found.pods).map(([phase, count]) => `${count} ${phase}`)
  const wide = lines([
    ['Cluster:', `${found.url} (pid ${found.pid})`],
    ['Data:', found.dataDir],
    ['Kubeconfig:', found.kubeconfig ?? ''],
    ...(found.criSocket === undefined ? [] : [['CRI socket:', found.criSocket]]),
    ...(found.problem === undefined ? [['Pods:', counts.join(', ') || 'none']] : [['Problem:', found.problem]]),
  ])
  if (found.nodes.length === 0) return wide
  const rows = found.nodes.map((node) => [
    node.name,
    node.ready ? 'Ready' : `NotReady: ${node.why}`,
    node.runtime,
    node.handlers.join(','),
    String(node.pods),
  ])
  return `${wide}\n${table(['NODE', 'STATUS', 'RUNTIME', 'HANDLERS', 'PODS'], rows)}`
}
