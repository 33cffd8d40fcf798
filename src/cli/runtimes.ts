// polypod runtimes
import { basename } from 'node:path'
import type { Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { DataDir } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { readSettings } from '../cluster/settings.ts'
import { handlerTable } from '../containerd/handler-table.ts'
import type { PodEvidence } from '../node/evidence.ts'
import { handlerFactsOf } from '../node/handler-facts.ts'
import { adminClient } from './admin-client.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { json, print, table } from './output.ts'
import { runningDir } from './running-dir.ts'
import { runtimesDiff } from './runtimes-diff.ts'
import { criSocketOf, readiness } from './status.ts'

interface HandlerRow {
  node: string
  handler: string
  isDefault: boolean
  runtimeType?: string | undefined
  shim?: string | undefined
  runtime?: string | undefined
  version?: string | undefined
  /** RuntimeClasses whose handler this is. */
  classes: string[]
  ready: boolean
  why: string
}

export function runtimes(program: Command): void {
  const command = program.command('runtimes')
  runtimesDiff(command)
  command
    .description('List the handlers of each node, what runs behind them, and the RuntimeClasses that name them')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .option('--pods', 'list what really runs each Pod of this machine instead (needs root)')
    .addHelpText('after', '\nExamples:\n  polypod runtimes\n  polypod runtimes --pods -o json')
    .action(async ({ dataDir, output, pods }: { dataDir?: string; output?: 'json'; pods?: boolean }) => {
      const dir = await runningDir(dataDir)
      if (pods) {
        const found = await evidence(dir)
        print(output === 'json' ? json(found) : podTable(found))
      } else {
        const found = await handlerRows(dir)
        print(output === 'json' ? json(found) : handlerText(found))
      }
    })
}

async function handlerRows(dir: DataDir): Promise<HandlerRow[]> {
  const client = await adminClient(dir)
  try {
    const [nodes, classes] = await Promise.all([client.list(Node), client.list(RuntimeClass)])
    const named = (handler: string) => classes.items.filter((rc) => rc.handler === handler).map((rc) => rc.metadata.name)
    const rows = nodes.items.flatMap((node) => rowsOf(node, named))
    const offered = new Set(rows.map((row) => row.handler))
    // classes that no node serves belong to the picture
    const orphans = [...new Set(classes.items.map((rc) => rc.handler))].filter((handler) => !offered.has(handler))
    const missing = orphans.map((handler) => ({
      ...{ node: '', handler, isDefault: false, classes: named(handler), ready: false },
      why: `no node offers it${missingBinaries(handler)}`,
    }))
    return [...rows, ...missing]
  } finally {
    await client.close()
  }
}

function rowsOf(node: Node, named: (handler: string) => string[]): HandlerRow[] {
  const facts = new Map(handlerFactsOf(node).map((f) => [f.name, f]))
  const advertised = (node.status.runtimeHandlers ?? []).map((h) => h.name).filter((name) => name !== '')
  const { ready, why } = readiness(node)
  return [...new Set([...facts.keys(), ...advertised])].map((handler) => {
    const isThere = advertised.includes(handler)
    const known = facts.get(handler)
    return {
      ...{ node: node.metadata.name, handler, isDefault: known?.isDefault ?? false, classes: named(handler) },
      ...{ runtimeType: known?.runtimeType, shim: known?.shim, runtime: known?.runtime, version: known?.version },
      ready: ready && isThere,
      why: isThere ? why : 'the container runtime does not list it',
    }
  })
}

function missingBinaries(handler: string): string {
  const recipe = handlerTable.find((row) => row.name === handler)
  if (!recipe) return ''
  return ` (needs ${[recipe.shim, ...(recipe.runtime === undefined ? [] : [recipe.runtime])].join(' and ')})`
}

function handlerText(rows: HandlerRow[]): string {
  const head = ['NODE', 'HANDLER', 'DEFAULT', 'TYPE', 'SHIM', 'RUNTIME', 'VERSION', 'CLASSES', 'READY']
  const cells = rows.map((row) => [
    row.node || '-',
    row.handler,
    row.isDefault ? 'yes' : '',
    row.runtimeType || '-',
    basename(row.shim ?? '') || '-',
    basename(row.runtime ?? '') || '-',
    row.version ?? '-',
    row.classes.join(',') || '-',
    row.ready ? 'yes' : `no: ${row.why}`,
  ])
  return table(head, cells)
}

async function evidence(dir: DataDir): Promise<PodEvidence[]> {
  const settings = await readSettings(dir)
  const socket = settings && criSocketOf(dir, settings.runtime)
  if (socket === undefined) throw new Problem('failed', 'the nodes are simulated: nothing really runs their Pods')
  const [{ criRuntime }, { podEvidence }] = await Promise.all([import('../node/cri/grpc.ts'), import('../node/evidence.ts')])
  const runtime = criRuntime(socket)
  try {
    return await podEvidence(runtime)
  } finally {
    await runtime.close()
  }
}

const podTable = (found: PodEvidence[]): string =>
  table(
    ['NAMESPACE', 'POD', 'HANDLER', 'TYPE', 'SHIM', 'SHIM PID', 'OCI RUNTIME'],
    found.map((e) => [
      e.namespace,
      e.name,
      e.handler || '(default)',
      e.runtimeType ?? '-',
      e.shim ? basename(e.shim.path) : '-',
      e.shim ? String(e.shim.pid) : '-',
      e.ociRuntime === undefined ? '-' : basename(e.ociRuntime),
    ]),
  )
