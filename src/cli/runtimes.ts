// polypod runtimes
import { basename } from 'node:path'
import type { Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { defaultHandlerAnnotation, unprovedHandlers } from '../api/polypod/handler-readiness.ts'
import { NodeHandler, systemNamespace } from '../api/polypod/node-handler.ts'
import type { DataDir } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { readSettings } from '../cluster/settings.ts'
import { handlerTable } from '../containerd/handler-table.ts'
import type { PodEvidence } from '../node/evidence.ts'
import { adminClient } from './admin-client.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { json, print, table } from './output.ts'
import { runningDir } from './running-dir.ts'
import { runtimesClasses } from './runtimes-classes.ts'
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
  runtimesClasses(command)
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
    const [nodes, classes, known] = await Promise.all([
      client.list(Node),
      client.list(RuntimeClass),
      client.list(NodeHandler, { namespace: systemNamespace }),
    ])
    const named = (handler: string) => classes.items.filter((rc) => rc.handler === handler).map((rc) => rc.metadata.name)
    const rows = nodes.items.flatMap((node) => rowsOf(node, known.items, named))
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

function rowsOf(node: Node, known: readonly NodeHandler[], named: (handler: string) => string[]): HandlerRow[] {
  const { name, annotations } = node.metadata
  const facts = new Map(known.filter(({ spec }) => spec.nodeName === name).map((one) => [one.spec.handler, one.status]))
  const advertised = (node.status.runtimeHandlers ?? []).map((h) => h.name).filter((handler) => handler !== '')
  const { ready, why } = readiness(node)
  const unproved = unprovedHandlers(node)
  return [...new Set([...facts.keys(), ...advertised])].map((handler) => {
    const { isDefault, runtimeType, shim, ociRuntime } = facts.get(handler) ?? {}
    const problem = advertised.includes(handler)
      ? ready && unproved?.has(handler)
        ? (unproved.get(handler) ?? 'not proved yet')
        : why
      : 'the container runtime does not list it'
    return {
      ...{ node: name, handler, isDefault: isDefault ?? annotations?.[defaultHandlerAnnotation] === handler },
      ...{
        runtimeType,
        shim: shim?.path,
        runtime: ociRuntime?.path,
        version: ociRuntime?.version ?? shim?.version,
        classes: named(handler),
      },
      ...{ ready: problem === '', why: problem },
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
