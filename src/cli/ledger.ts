// polypod ledger
import { Argument, type Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { ObjectOf } from '../api/kind.ts'
import { PodMetrics } from '../api/metrics/resource-metrics.ts'
import type { DataDir } from '../cluster/data-dir.ts'
import { exitCodes } from '../cluster/problem.ts'
import { accountLines, type AccountLine, accountOf, isCounted, resourceOrder } from '../ledger/account.ts'
import { amounts } from '../ledger/amounts.ts'
import { type Measured, measuredOf } from '../ledger/measured.ts'
import { adminClient } from './admin-client.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { checkText, ledgerCheck } from './ledger-check.ts'
import { json, print, table } from './output.ts'
import { runningDir } from './running-dir.ts'

const views = ['node', 'namespace', 'pod'] as const
type View = (typeof views)[number]

/** Quantities in canonical spelling, by resource. */
export interface LedgerRow {
  kind: View
  namespace?: string | undefined
  name: string
  /** RuntimeClass; of a Pod only. */
  runtimeClass?: string | undefined
  /** How many are counted; those that are over are not. */
  pods: number
  requests: Record<string, AccountLine>
  limits: Record<string, AccountLine>
  /** What is used now, where it can be measured: `sandbox` is what the overhead is there for. */
  measured?: Measured | undefined
  /** Of a node only. */
  allocatable?: Record<string, string> | undefined
}

const examples = `
Examples:
  polypod ledger
  polypod ledger pod -n default
  polypod ledger namespace -o json
  polypod ledger --check`

export function ledger(program: Command): void {
  program
    .command('ledger')
    .description(
      'Show what Pods cost: containers + overhead = total, per node, namespace or Pod, beside what containers + sandboxes use',
    )
    .addArgument(new Argument('[view]', 'sum up per').choices(views).default('node'))
    .option(
      '--check',
      'instead, compare what scheduler, kubelets, quotas, cgroup files and API count; exits with 1 when they disagree',
    )
    .option('-n, --namespace <namespace>', 'only Pods of this namespace')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .action(async (view: View, { namespace, ...flags }: Flags) => {
      const dir = await runningDir(flags.dataDir)
      if (flags.check) return printCheck(dir, flags.output)
      const rows = await ledgerRows(dir, view, namespace)
      print(flags.output === 'json' ? json(rows) : ledgerText(view, rows))
    })
}

interface Flags {
  check?: boolean
  namespace?: string
  dataDir?: string
  output?: 'json'
}

async function printCheck(dir: DataDir, output: 'json' | undefined): Promise<void> {
  const result = await ledgerCheck(dir)
  print(output === 'json' ? json(result) : checkText(result))
  if (result.disagreements.length > 0) process.exitCode = exitCodes.failed
}

async function ledgerRows(dir: DataDir, view: View, namespace: string | undefined): Promise<LedgerRow[]> {
  const client = await adminClient(dir)
  try {
    const [pods, nodes, metrics] = await Promise.all([
      client.list(Pod, { namespace }),
      client.list(Node),
      // what cannot be measured now must not hide what is declared
      client.list(PodMetrics, { namespace }).catch(() => ({ items: [] })),
    ])
    return rowsOf(view, { pods: pods.items, nodes: nodes.items, metrics: metrics.items })
  } finally {
    await client.close()
  }
}

export interface Listed {
  pods: readonly Pod[]
  nodes: readonly Node[]
  metrics: readonly ObjectOf<typeof PodMetrics>[]
}

/** A Pod that has no node yet is counted in its namespace, and by itself. */
export function rowsOf(view: View, { pods, nodes, metrics }: Listed): LedgerRow[] {
  const byPod = new Map(metrics.map((one) => [keyOf(one), one]))
  const totals = (of: readonly Pod[]) => ({
    ...totalsOf(of),
    measured: measuredOf(of.flatMap((pod) => byPod.get(keyOf(pod)) ?? [])),
  })
  if (view === 'pod')
    return pods.filter(isCounted).map((pod) => ({
      ...{ kind: view, namespace: pod.metadata.namespace, name: pod.metadata.name },
      ...{ runtimeClass: pod.spec.runtimeClassName, ...totals([pod]) },
    }))
  if (view === 'namespace') {
    const names = [...new Set(pods.map(({ metadata }) => metadata.namespace ?? ''))].toSorted()
    return names.map((name) => ({ kind: view, name, ...totals(pods.filter((pod) => pod.metadata.namespace === name)) }))
  }
  return nodes.map((node) => {
    const here = pods.filter((pod) => pod.spec.nodeName === node.metadata.name)
    return { kind: view, name: node.metadata.name, ...totals(here), allocatable: { ...node.status.allocatable } }
  })
}

const keyOf = ({ metadata }: Pick<Pod, 'metadata'>): string => `${metadata.namespace}/${metadata.name}`

function totalsOf(of: readonly Pod[]): Pick<LedgerRow, 'pods' | 'requests' | 'limits'> {
  const { pods, requests, limits } = accountOf(of)
  return { pods, requests: accountLines(requests), limits: accountLines(limits) }
}

export function ledgerText(view: View, rows: readonly LedgerRow[]): string {
  const own: Record<View, string[]> = {
    node: ['NODE', 'PODS'],
    namespace: ['NAMESPACE', 'PODS'],
    pod: ['NAMESPACE', 'POD', 'CLASS'],
  }
  const head = [...own[view], 'RESOURCE', 'REQUESTS', ...(view === 'node' ? ['OF ALLOCATABLE'] : []), 'LIMITS', 'MEASURED']
  const cells = rows.flatMap((row) => {
    const names = resourceOrder([...new Set([...Object.keys(row.requests), ...Object.keys(row.limits)])])
    return (names.length === 0 ? ['-'] : names).map((name, line) => [
      ...ownCells(row).map((cell) => (line === 0 ? cell : '')),
      ...[name, sumText(row.requests[name])],
      ...(view === 'node' ? [shareText(name, row)] : []),
      sumText(row.limits[name]),
      measuredText(name, row),
    ])
  })
  return table(head, cells)
}

const ownCells = (row: LedgerRow): string[] =>
  row.kind === 'pod' ? [row.namespace ?? '', row.name, row.runtimeClass ?? '-'] : [row.name, String(row.pods)]

const sumText = (line: AccountLine | undefined): string =>
  line === undefined ? '-' : `${line.containers} + ${line.overhead} = ${line.total}`

/** Containers + sandbox, as the sums beside it are containers + overhead. */
const measuredText = (name: string, { measured }: LedgerRow): string => {
  const [containers, sandbox] = [measured?.containers[name], measured?.sandbox[name]]
  return containers === undefined ? '-' : `${containers} + ${sandbox ?? '0'}`
}

/** k8s: percentages are cut to whole ones, as kubectl describe does. */
function shareText(name: string, { requests, allocatable = {} }: LedgerRow): string {
  const total = amounts({ [name]: requests[name]?.total ?? '0' }).get(name) ?? 0n
  const most = amounts({ [name]: allocatable[name] ?? '0' }).get(name) ?? 0n
  return most === 0n ? '-' : `${(total * 100n) / most}%`
}
