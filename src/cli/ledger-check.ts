// polypod ledger --check: gathers what everybody counts, and says what does not add up.
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { unlessNotFound } from '../api/status.ts'
import type { HttpClient } from '../client/http.ts'
import type { DataDir } from '../cluster/data-dir.ts'
import { readSettings } from '../cluster/settings.ts'
import {
  checkLedger,
  type Disagreement,
  disagreementText,
  lasting,
  type LedgerFacts,
  type NodeCgroups,
  type NodeCounts,
} from '../ledger/check.ts'
import { quotaCounts, quotaObjects } from '../ledger/quota-counts.ts'
import { systemClock } from '../lib/clock.ts'
import { adminClient } from './admin-client.ts'

export interface CheckResult {
  /** Who was heard. Cgroup files are those of this machine, and need root. */
  compared: ('api' | 'quota' | 'scheduler' | 'kubelet' | 'cgroup')[]
  pods: number
  nodes: number
  disagreements: Disagreement[]
}

/** In a cluster at work two answers are never of the same moment: only what is seen in every look counts. */
const looks = 3
const betweenMs = 700
/** A quota is counted again a while after a Pod has gone, the longer the more there is to count; nor are others quicker than they can be. */
const patienceMs = 10_000
/** What the API shows by itself is behind nobody. */
const isBehindNobody = ({ kind }: Disagreement): boolean => kind === 'StaleOverhead' || kind === 'AllocatableExceeded'

export async function ledgerCheck(dir: DataDir): Promise<CheckResult> {
  const client = await adminClient(dir)
  try {
    let result = await look(client, dir)
    const until = systemClock.now() + patienceMs
    const isOpen = (found: readonly Disagreement[]) => systemClock.now() < until && !found.every(isBehindNobody)
    for (let nth = 1; result.disagreements.length > 0 && (nth < looks || isOpen(result.disagreements)); nth += 1) {
      await systemClock.sleep(betweenMs)
      const next = await look(client, dir)
      result = { ...next, disagreements: lasting(result.disagreements, next.disagreements) }
    }
    return result
  } finally {
    await client.close()
  }
}

async function look(client: HttpClient, dir: DataDir): Promise<CheckResult> {
  const [pods, nodes, classes, quotas, scheduler, kubelets] = await Promise.all([
    client.list(Pod),
    client.list(Node),
    client.list(RuntimeClass),
    client.list(ResourceQuota),
    countsAt(client, '/debug/scheduler'),
    countsAt(client, '/debug/kubelets'),
  ])
  const here = nodes.items.map((node) => node.metadata.name)
  const cgroups = await localCgroups(dir, here)
  // Pods as they were listed above: one moment is better than two
  const limited = await quotaObjects(quotas.items, async (kind) => (kind === Pod ? pods : await client.list(kind)).items)
  const counted = quotaCounts(quotas.items, limited, systemClock.now())
  const listed = { pods: pods.items, nodes: nodes.items, classes: classes.items, quotas: counted }
  const facts: LedgerFacts = { ...listed, scheduler, kubelets, cgroups }
  const compared: CheckResult['compared'] = ['api', 'quota']
  if (scheduler) compared.push('scheduler')
  if (kubelets) compared.push('kubelet')
  if (cgroups) compared.push('cgroup')
  return { compared, pods: pods.items.length, nodes: nodes.items.length, disagreements: checkLedger(facts) }
}

/** Undefined where what counts them is not part of the API server's process. */
async function countsAt(client: HttpClient, path: string): Promise<NodeCounts[] | undefined> {
  return (await client.getPath(path).catch(unlessNotFound)) as NodeCounts[] | undefined
}

/** The cgroups of the node on this machine; undefined without root, without real containers, or where the runtime makes them. */
async function localCgroups(dir: DataDir, nodes: readonly string[]): Promise<NodeCgroups[] | undefined> {
  const settings = await readSettings(dir)
  if (!settings || settings.runtime.kind === 'simulated' || process.getuid?.() !== 0) return undefined
  if (!nodes.includes(settings.nodeName)) return undefined
  const [{ podCgroups }, { cgroupCounts }, { instanceName }] = await Promise.all([
    import('../node/cgroup-fs.ts'),
    import('../node/cgroup-counts.ts'),
    import('../node/containerd/instance-paths.ts'),
  ])
  for (const driver of ['cgroupfs', 'systemd'] as const) {
    const cgroups = await podCgroups({ root: instanceName(dir.path), driver, log: () => {} })
    const found = await cgroupCounts(settings.nodeName, cgroups)
    if (found.pods.length > 0) return [found]
  }
  return undefined
}

const names = { api: 'API', scheduler: 'scheduler', kubelet: 'kubelets', quota: 'quotas', cgroup: 'cgroup files' }

export function checkText({ compared, pods, nodes, disagreements }: CheckResult): string {
  const heard = compared.map((one) => names[one]).join(', ')
  const count = disagreements.length
  const head =
    count === 0
      ? `The ledger agrees everywhere: ${pods} Pods, ${nodes} nodes; compared: ${heard}.`
      : `${count} ${count === 1 ? 'disagreement' : 'disagreements'}; compared: ${heard}.`
  return `${[head, ...disagreements.map(disagreementText)].join('\n')}\n`
}
